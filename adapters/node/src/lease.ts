import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { link, open, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FaultError, type HeldLease, type Lease } from '@lading/runtime';
import { makeDirectory } from './durable.js';
import { errnoOf, fsFault, isMissing } from './fs-fault.js';
import type { Reserve } from './reserve.js';

/** Who owns a depot. Written once, whole, and never changed while it is held. */
export interface Owner {
  readonly pid: number;
  /** Field 22 of `/proc/<pid>/stat`: tells a process from a later one of the same number. */
  readonly startTime: string | null;
  readonly bootId: string | null;
  readonly host: string;
  readonly pidNamespace: string | null;
  readonly epoch: number;
  /** Makes two leases of one process differ. */
  readonly nonce: string;
}

/** An owner of another machine or namespace cannot be looked up: it is alive while it touches its lease, milliseconds. */
const HEARTBEAT_MS = 10_000;
/** Three heartbeats, and some time for a slow disk. */
const SILENCE_MS = 35_000;
/** Removing a dead owner's lease is three calls: whoever takes this long has died over it, or is fenced later. */
const DIGGING_MS = 2_000;
/** Contenders are given up on after this long; longer than one who died digging is waited for. */
const CONTENTION_MS = 10_000;
/** A lease that was not given its name yet; the number is its process. */
const ASIDE = /^lease\.(\d+)\.[0-9a-f]+$/;

const quietly = <T>(read: () => T): T | null => {
  try {
    return read();
  } catch {
    return null;
  }
};

function startTimeOf(pid: number): { startTime: string; state: string } | null {
  const text = quietly(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  if (text === null) return null;
  // The command may hold spaces and brackets: fields are counted behind the last bracket (proc(5)).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTime: fields[19] ?? '' };
}

const bootId = (): string | null => quietly(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim());
const pidNamespace = (): string | null => quietly(() => readlinkSync('/proc/self/ns/pid'));

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}

/** A number says something of a process only in the boot and namespace it was given in: a host name may be another machine's too. */
function isGone(owner: Owner, silentMs: number): boolean {
  const isHere = owner.host === hostname() && owner.bootId === bootId() && owner.pidNamespace === pidNamespace();
  if (!isHere) return silentMs > SILENCE_MS;
  if (!processExists(owner.pid)) return true;
  const running = startTimeOf(owner.pid);
  if (running === null || owner.startTime === null) return false;
  return running.startTime !== owner.startTime || running.state === 'Z' || running.state === 'X';
}

/** Null for a text that is no lease, such as an empty one. */
function parsed(text: string): Owner | null {
  const value = quietly(() => JSON.parse(text) as unknown);
  return typeof value === 'object' && value !== null && 'pid' in value ? (value as Owner) : null;
}

const nonceOf = (text: string): string | null => parsed(text)?.nonce ?? null;

export async function readOwner(dir: string): Promise<Owner | null> {
  try {
    return JSON.parse(await readFile(join(dir, 'lease'), 'utf8')) as Owner;
  } catch {
    return null;
  }
}

interface Seen {
  readonly text: string;
  readonly owner: Owner | null;
  readonly silentMs: number;
}

const isDead = ({ owner, silentMs }: Seen): boolean =>
  owner === null ? silentMs > SILENCE_MS : isGone(owner, silentMs);

/**
 * One owner per depot. The lease appears whole by `link`, which fails if there is one. A dead owner's lease is removed only under a second
 * exclusive file and only if it is still the very one that was judged: "look, unlink, try again" would remove a new owner's. An owner that
 * was silent for long may have been taken for dead: it asks `mustHold` before it writes.
 */
export class FileLease implements Lease {
  private readonly path: string;
  /** The text of the lease while it is ours, as far as we know. */
  private mine: string | null = null;

  constructor(
    private readonly dir: string,
    private readonly reserve: Reserve | null = null,
  ) {
    this.path = join(dir, 'lease');
  }

  async acquire(): Promise<HeldLease> {
    try {
      await makeDirectory(this.dir);
      const contend = () => this.contend();
      const owner = await (this.reserve === null ? contend() : this.reserve.during(contend));
      const lease = this.hold(owner);
      await this.sweepAsides();
      await this.reserve?.make();
      return lease;
    } catch (error) {
      throw fsFault(error, 'use the directory', this.dir, 4096);
    }
  }

  /** Throws `leaseHeld` with the detail `fenced` unless the lease is still the one that was taken here. */
  async mustHold(): Promise<void> {
    const now = await this.look().catch((error: unknown) => {
      throw fsFault(error, 'read', this.path);
    });
    if (this.mine === null || now === null || nonceOf(now.text) !== nonceOf(this.mine)) {
      throw fenced(this.dir, now?.owner ?? null);
    }
  }

  private async contend(): Promise<Owner> {
    let epoch = 1;
    const end = performance.now() + CONTENTION_MS;
    while (performance.now() < end) {
      // Before anything is written: on a full disk a living owner's reserve is not for those who only ask.
      const seen = await this.look();
      if (seen === null) {
        const owner = this.draft(epoch);
        if (await this.tryLink(owner)) return owner;
        continue;
      }
      epoch = Math.max(epoch, (seen.owner?.epoch ?? 0) + 1);
      if (!isDead(seen)) throw held(this.dir, seen.owner);
      await this.bury(seen.text);
    }
    throw FaultError.of('leaseHeld', 'contended', `${this.dir} is contended by too many processes`);
  }

  private draft(epoch: number): Owner {
    return {
      pid: process.pid,
      startTime: startTimeOf(process.pid)?.startTime ?? null,
      bootId: bootId(),
      host: hostname(),
      pidNamespace: pidNamespace(),
      epoch,
      nonce: randomBytes(8).toString('hex'),
    };
  }

  private async tryLink(owner: Owner): Promise<boolean> {
    const aside = `${this.path}.${owner.pid}.${owner.nonce}`;
    try {
      const handle = await open(aside, 'wx', 0o600);
      try {
        await handle.writeFile(JSON.stringify(owner));
        await handle.sync();
      } finally {
        await handle.close();
      }
      return await this.tryName(aside);
    } finally {
      await unlink(aside).catch(() => undefined);
    }
  }

  private async tryName(aside: string): Promise<boolean> {
    try {
      await link(aside, this.path);
      return true;
    } catch (error) {
      // It is missing if the new owner of another namespace, who cannot see this process, swept it away.
      if (errnoOf(error) === 'EEXIST' || isMissing(error)) return false;
      throw error;
    }
  }

  /** Removes what died between the writing and the naming of its lease. Best effort: a leftover harms nobody. */
  private async sweepAsides(): Promise<void> {
    for (const name of await readdir(this.dir).catch(() => [])) {
      const pid = ASIDE.exec(name)?.[1];
      if (pid === undefined) continue;
      const path = join(this.dir, name);
      const seen = await this.look(path).catch(() => null);
      if (seen === null) continue;
      // A disk without room leaves it empty: then its name is all there is.
      const isStale = seen.owner === null ? !processExists(Number(pid)) : isDead(seen);
      if (isStale) await unlink(path).catch(() => undefined);
    }
  }

  private async look(path = this.path): Promise<Seen | null> {
    try {
      const text = await readFile(path, 'utf8');
      const { mtimeMs } = await stat(path);
      return { text, owner: parsed(text), silentMs: Date.now() - mtimeMs };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /** Removes the lease of a dead owner, if it is still there unchanged. */
  private async bury(text: string): Promise<void> {
    const spade = `${this.path}.recovery`;
    try {
      const handle = await open(spade, 'wx', 0o600);
      await handle.close();
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      const age = await stat(spade).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0,
      );
      // Whoever dug has died: the epoch in every record, not this file, is what protects the data then.
      if (age > DIGGING_MS) await unlink(spade).catch(() => undefined);
      await sleep(5 + Math.random() * 20);
      return;
    }
    try {
      const now = await this.look();
      if (now?.text === text) await unlink(this.path);
    } finally {
      await unlink(spade).catch(() => undefined);
    }
  }

  private hold(owner: Owner): HeldLease {
    const text = JSON.stringify(owner);
    this.mine = text;
    const beat = setInterval(() => {
      this.touch(text).catch(() => undefined);
    }, HEARTBEAT_MS);
    beat.unref();
    return {
      epoch: owner.epoch,
      release: async () => {
        clearInterval(beat);
        if (this.mine === text) this.mine = null;
        try {
          const now = await this.look();
          if (now?.text === text) await unlink(this.path);
        } catch (error) {
          throw fsFault(error, 'let go of', this.path);
        }
      },
    };
  }

  /** Touches the very file that was read: by its name it could be a new owner's, who would then seem to live on. */
  private async touch(text: string): Promise<void> {
    const handle = await open(this.path, 'r+');
    try {
      if ((await handle.readFile('utf8')) !== text) return;
      const now = new Date();
      await handle.utimes(now, now);
    } finally {
      await handle.close();
    }
  }
}

const describe = (owner: Owner | null): string =>
  owner === null ? 'an unknown process' : `process ${owner.pid} on ${owner.host}`;

function held(dir: string, owner: Owner | null): FaultError {
  const message = `the depot ${dir} is in use by ${describe(owner)}`;
  return new FaultError({ type: 'leaseHeld', detail: 'held', message }, { owner });
}

/** This process was taken for dead, and what it wanted to write belongs to another now. */
export function fenced(place: string, owner: Owner | null): FaultError {
  const by = owner === null ? '' : ` by ${describe(owner)}`;
  const message = `${place} was taken over${by} while this process was silent; it writes nothing more`;
  return new FaultError({ type: 'leaseHeld', detail: 'fenced', message }, { owner });
}
