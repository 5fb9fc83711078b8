import { createHash } from 'node:crypto';
import { link, open, readdir, readFile, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FaultError, type HeldLease, type Lease } from '@lading/runtime';
import { makeDirectory } from './durable.js';
import { errnoOf, fsFault, isMissing } from './fs-fault.js';
import { describeOwner, isGone, nonceIn, type Owner, ownerHere, ownerIn, processExists } from './owner.js';
import type { Reserve } from './reserve.js';

/** An owner of another machine or namespace cannot be looked up: it is alive while it touches its lease, milliseconds. */
const HEARTBEAT_MS = 10_000;
/** Three heartbeats, and some time for a slow disk. */
const SILENCE_MS = 35_000;
/** Removing a dead owner's lease is a few calls: who cannot be looked up and takes this long has died over it, or is fenced later. */
const DIGGING_MS = 2_000;
/** Contenders are given up on after this long; longer than one who died digging is waited for. */
const CONTENTION_MS = 10_000;
/** A lease that was not given its name yet; the number is its process. */
const ASIDE = /^lease\.(\d+)\.[0-9a-f]+$/;

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

const isDead = ({ owner, silentMs }: Seen, bearableMs = SILENCE_MS): boolean =>
  owner === null ? silentMs > bearableMs : isGone(owner, silentMs, bearableMs);

/** Spades that dig for one lease, which never comes again once it is gone; each has the next number. */
export const spadesFor = (text: string): string =>
  `lease.recovery.${createHash('sha256').update(text).digest('hex').slice(0, 16)}.`;

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
      await this.sweepSpades((name) => !name.startsWith(spadesFor(JSON.stringify(owner))));
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
    if (this.mine === null || now === null || nonceIn(now.text) !== nonceIn(this.mine)) {
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
        const owner = ownerHere(epoch);
        if (await this.tryLink(owner, this.path)) return owner;
        continue;
      }
      epoch = Math.max(epoch, (seen.owner?.epoch ?? 0) + 1);
      if (!isDead(seen)) throw held(this.dir, seen.owner);
      await this.bury(seen.text);
    }
    throw FaultError.of('leaseHeld', 'contended', `${this.dir} is contended by too many processes`);
  }

  /** Gives a file that says who made it a name, whole, unless there is one of that name. */
  private async tryLink(owner: Owner, path: string): Promise<boolean> {
    const aside = `${this.path}.${owner.pid}.${owner.nonce}`;
    try {
      const handle = await open(aside, 'wx', 0o600);
      try {
        await handle.writeFile(JSON.stringify(owner));
        await handle.sync();
      } finally {
        await handle.close();
      }
      return await this.tryName(aside, path);
    } finally {
      await unlink(aside).catch(() => undefined);
    }
  }

  private async tryName(aside: string, path: string): Promise<boolean> {
    try {
      await link(aside, path);
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
      return { text, owner: ownerIn(text), silentMs: Date.now() - mtimeMs };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /**
   * Removes the lease of a dead owner, if it is still there unchanged. One digs for each lease, under a file of its own (a spade); when that
   * one is dead, the next under the next. No spade goes before the lease it digs for: two who dig for the same lease could remove a new
   * owner's, and who comes too late finds another lease than the one that was judged.
   */
  private async bury(text: string): Promise<void> {
    const spade = await this.takeSpade(text);
    if (spade === null) {
      await sleep(5 + Math.random() * 20);
      return;
    }
    const now = await this.look();
    if (now?.text === text) await rm(this.path, { force: true });
    await this.sweepSpades((name) => name.startsWith(spadesFor(text)));
  }

  /** The name of the spade, or null while another living process digs. */
  private async takeSpade(text: string): Promise<string | null> {
    const prefix = spadesFor(text);
    const taken = (await readdir(this.dir)).filter((name) => name.startsWith(prefix));
    const last = Math.max(0, ...taken.map((name) => Number(name.slice(prefix.length))));
    const digger = last === 0 ? null : await this.look(join(this.dir, prefix + last));
    if (last > 0 && (digger === null || !isDead(digger, DIGGING_MS))) return null;
    const spade = `${prefix}${last + 1}`;
    return (await this.tryLink(ownerHere(0), join(this.dir, spade))) ? spade : null;
  }

  private async sweepSpades(isSpent: (name: string) => boolean): Promise<void> {
    for (const name of await readdir(this.dir).catch(() => []))
      if (name.startsWith('lease.recovery.') && isSpent(name))
        await unlink(join(this.dir, name)).catch(() => undefined);
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
          if (now?.text === text) await rm(this.path, { force: true });
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

function held(dir: string, owner: Owner | null): FaultError {
  const message = `the depot ${dir} is in use by ${describeOwner(owner)}`;
  return new FaultError({ type: 'leaseHeld', detail: 'held', message }, { owner });
}

/** This process was taken for dead, and what it wanted to write belongs to another now. */
export function fenced(place: string, owner: Owner | null): FaultError {
  const by = owner === null ? '' : ` by ${describeOwner(owner)}`;
  const message = `${place} was taken over${by} while this process was silent; it writes nothing more`;
  return new FaultError({ type: 'leaseHeld', detail: 'fenced', message }, { owner });
}
