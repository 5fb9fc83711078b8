import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { link, open, readFile, stat, unlink, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FaultError, type HeldLease, type Lease } from '@lading/runtime';
import { makeDirectory } from './durable.js';
import { errnoOf, fsFault, isMissing } from './fs-fault.js';

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
const SILENCE_MS = 60_000;
const ATTEMPTS = 200;

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

function isGone(owner: Owner, silentMs: number): boolean {
  const isNeighbour =
    owner.host === hostname() &&
    (owner.bootId === null || owner.bootId !== bootId() || owner.pidNamespace === pidNamespace());
  if (!isNeighbour) return silentMs > SILENCE_MS;
  if (owner.bootId !== null && owner.bootId !== bootId()) return true;
  if (!processExists(owner.pid)) return true;
  const running = startTimeOf(owner.pid);
  if (running === null || owner.startTime === null) return false;
  return running.startTime !== owner.startTime || running.state === 'Z' || running.state === 'X';
}

export async function readOwner(dir: string): Promise<Owner | null> {
  try {
    return JSON.parse(await readFile(join(dir, 'lease'), 'utf8')) as Owner;
  } catch {
    return null;
  }
}

/**
 * One owner per depot. The lease appears whole by `link`, which fails if there is one. A dead owner's lease is removed only under a second
 * exclusive file and only if it is still the very one that was judged: "look, unlink, try again" would remove a new owner's.
 */
export class FileLease implements Lease {
  private readonly path: string;

  constructor(private readonly dir: string) {
    this.path = join(dir, 'lease');
  }

  async acquire(): Promise<HeldLease> {
    try {
      await makeDirectory(this.dir);
      let epoch = 1;
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const mine = this.draft(epoch);
        if (await this.tryLink(mine)) return this.hold(mine);
        const seen = await this.look();
        if (seen === null) continue;
        epoch = Math.max(epoch, (seen.owner?.epoch ?? 0) + 1);
        if (!(seen.owner === null ? seen.silentMs > SILENCE_MS : isGone(seen.owner, seen.silentMs)))
          throw held(this.dir, seen.owner);
        await this.bury(seen.text);
      }
    } catch (error) {
      throw fsFault(error, 'use the directory', this.dir, 4096);
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
    const handle = await open(aside, 'wx', 0o600);
    try {
      await handle.writeFile(JSON.stringify(owner));
      await handle.sync();
    } finally {
      await handle.close();
    }
    try {
      await link(aside, this.path);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      throw error;
    } finally {
      await unlink(aside);
    }
  }

  private async look(): Promise<{ text: string; owner: Owner | null; silentMs: number } | null> {
    try {
      const text = await readFile(this.path, 'utf8');
      const { mtimeMs } = await stat(this.path);
      return { text, owner: quietly(() => JSON.parse(text) as Owner), silentMs: Date.now() - mtimeMs };
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
      if (age > HEARTBEAT_MS) await unlink(spade).catch(() => undefined);
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
    const beat = setInterval(() => {
      const now = new Date();
      utimes(this.path, now, now).catch(() => undefined);
    }, HEARTBEAT_MS);
    beat.unref();
    return {
      epoch: owner.epoch,
      release: async () => {
        clearInterval(beat);
        const now = await this.look();
        if (now?.text === JSON.stringify(owner)) await unlink(this.path);
      },
    };
  }
}

function held(dir: string, owner: Owner | null): FaultError {
  const who = owner === null ? 'an unknown process' : `process ${owner.pid} on ${owner.host}`;
  const message = `the depot ${dir} is in use by ${who}`;
  return new FaultError({ type: 'leaseHeld', detail: 'held', message }, { owner });
}
