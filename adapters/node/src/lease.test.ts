import {
  type FileHandle,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HeldLease } from '@lading/runtime';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FileLease, readOwner, spadesFor } from './lease.js';
import { type Owner, ownerHere } from './owner.js';

/** Above any number that a system gives. */
const NO_PID = 2 ** 30;

let dir: string;
let held: HeldLease[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lading-lease-'));
  held = [];
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  for (const lease of held) await lease.release();
  await rm(dir, { recursive: true, force: true });
});

async function take(lease: FileLease = new FileLease(dir)): Promise<FileLease> {
  held.push(await lease.acquire());
  return lease;
}

async function mine(): Promise<Owner> {
  await take();
  const owner = await readOwner(dir);
  await held.pop()?.release();
  if (owner === null) throw new Error('no owner');
  return owner;
}

/** Puts a lease of somebody else there, which was touched some time ago. */
async function occupy(owner: Partial<Owner>, silentMs = 0): Promise<Owner> {
  await rm(join(dir, 'lease'), { force: true });
  const other = { ...(await mine()), nonce: 'abcd', ...owner };
  await writeFile(join(dir, 'lease'), JSON.stringify(other));
  const touched = new Date(Date.now() - silentMs);
  await utimes(join(dir, 'lease'), touched, touched);
  return other;
}

/** Somebody removes the lease of that text, or died over it. */
async function dig(text: string, number: number, owner: Partial<Owner>, silentMs = 0): Promise<void> {
  const spade = join(dir, spadesFor(text) + number);
  await writeFile(spade, JSON.stringify({ ...ownerHere(0), ...owner }));
  const touched = new Date(Date.now() - silentMs);
  await utimes(spade, touched, touched);
}

/** What every open file's methods come from. */
async function fileHandles(): Promise<FileHandle> {
  const handle = await open(dir, 'r');
  await handle.close();
  return Object.getPrototypeOf(handle) as FileHandle;
}

describe('a lease that was taken', () => {
  it('is held until it is released', async () => {
    const lease = new FileLease(dir);
    await expect(lease.mustHold()).rejects.toMatchObject({ fault: { type: 'leaseHeld', detail: 'fenced' } });
    await take(lease);
    await lease.mustHold();
    await held.pop()?.release();
    await expect(lease.mustHold()).rejects.toMatchObject({ fault: { detail: 'fenced' } });
  });

  it('is not held any more when another took it over, and says who', async () => {
    const lease = await take();
    const other: Partial<Owner> = { pid: 4711, host: 'elsewhere', nonce: 'abcd', epoch: 2 };
    await writeFile(join(dir, 'lease'), JSON.stringify(other));
    await expect(lease.mustHold()).rejects.toMatchObject({
      fault: {
        type: 'leaseHeld',
        detail: 'fenced',
        message: expect.stringContaining('process 4711 on elsewhere') as string,
      },
      owner: other,
    });
  });

  it('is not held any more when it is gone', async () => {
    const lease = await take();
    await unlink(join(dir, 'lease'));
    await expect(lease.mustHold()).rejects.toMatchObject({ fault: { detail: 'fenced' }, owner: null });
  });

  it('is touched while it is ours, and not when it is another owner’s', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await take();
    const long = new Date(Date.now() - 30_000);
    const touchedMs = async () => (await stat(join(dir, 'lease'))).mtimeMs;

    await utimes(join(dir, 'lease'), long, long);
    vi.advanceTimersByTime(10_000);
    await vi.waitFor(async () => expect(await touchedMs()).toBeGreaterThan(long.getTime() + 20_000), 30_000);

    await writeFile(join(dir, 'lease'), JSON.stringify({ pid: 1, nonce: 'abcd' }));
    await utimes(join(dir, 'lease'), long, long);
    vi.advanceTimersByTime(10_000);
    vi.useRealTimers();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await touchedMs()).toBeLessThan(long.getTime() + 1_000);
  });
});

describe('a lease passes on', () => {
  it.each([
    ['another host', { host: 'elsewhere' }],
    ['another boot of a machine of the same name', { bootId: 'another' }],
    ['another namespace of processes', { pidNamespace: 'pid:[1]' }],
  ])('from %s only after 35 seconds of silence', async (_, foreign) => {
    const owner = await occupy({ ...foreign, pid: NO_PID, epoch: 7 }, 33_000);
    await expect(new FileLease(dir).acquire()).rejects.toMatchObject({ fault: { detail: 'held' }, owner });
    await occupy({ ...foreign, pid: NO_PID, epoch: 7 }, 36_000);
    await take();
    expect(await readOwner(dir)).toMatchObject({ pid: process.pid, epoch: 8 });
  });

  it('at once from a process of this machine that is dead', async () => {
    await occupy({ pid: NO_PID });
    await take();
    expect(await readOwner(dir)).toMatchObject({ pid: process.pid });
  });

  it('although one after another died while removing it', async () => {
    const text = JSON.stringify(await occupy({ pid: NO_PID }));
    await dig(text, 1, { pid: NO_PID });
    await dig(text, 2, { pid: NO_PID, startTime: '1' });
    await take();
    expect(await readOwner(dir)).toMatchObject({ pid: process.pid });
    expect(await readdir(dir)).toEqual(['lease']);
  });

  it('although one of another machine, who cannot be looked up, began to remove it two seconds ago', async () => {
    const text = JSON.stringify(await occupy({ pid: NO_PID }));
    await dig(text, 1, { host: 'elsewhere' }, 2_500);
    await take();
    expect(await readdir(dir)).toEqual(['lease']);
  });

  it('only by the hand of the living process that removes it already', async () => {
    const text = JSON.stringify(await occupy({ pid: NO_PID }));
    await dig(text, 1, { pid: NO_PID });
    await dig(text, 2, {}, 3_600_000);
    const contender = new FileLease(dir);
    await contender['bury'](text);
    expect(await readFile(join(dir, 'lease'), 'utf8')).toBe(text);
    expect(await readdir(dir)).toHaveLength(3);
  });

  it('and is never taken from a new owner by who judged the one before', async () => {
    const text = JSON.stringify(await occupy({ pid: NO_PID }));
    await take();
    const owner = await readOwner(dir);
    await new FileLease(dir)['bury'](text);
    expect(await readOwner(dir)).toEqual(owner);
    expect(await readdir(dir)).toEqual(['lease']);
  });

  it('never from a process of this machine that lives, however silent', async () => {
    await occupy({}, 3_600_000);
    await expect(new FileLease(dir).acquire()).rejects.toMatchObject({ fault: { detail: 'held' } });
  });
});

describe('what is written before a lease has its name', () => {
  it('is removed when the disk is full', async () => {
    const handles = await fileHandles();
    vi.spyOn(handles, 'writeFile').mockRejectedValue(Object.assign(new Error('ENOSPC: full'), { code: 'ENOSPC' }));
    await expect(new FileLease(dir).acquire()).rejects.toMatchObject({ fault: { type: 'noSpace' } });
    expect(await readdir(dir)).toEqual([]);
  });

  it('is removed by the next owner if its process is dead', async () => {
    const owner = await mine();
    const leave = (name: string, content: string) => writeFile(join(dir, name), content);
    await leave(`lease.${NO_PID}.aa`, '');
    await leave(`lease.${NO_PID}.bb`, JSON.stringify({ ...owner, pid: NO_PID }));
    await leave(`lease.${NO_PID}.cc`, JSON.stringify({ ...owner, pid: NO_PID, host: `not-${hostname()}` }));
    await leave(`lease.${process.pid}.dd`, '');
    await leave(`lease.${process.pid}.ee`, JSON.stringify(owner));
    await leave('lease.txt', '');
    await mkdir(join(dir, `lease.${NO_PID}.ff`));
    await take();
    expect((await readdir(dir)).sort()).toEqual(
      [
        'lease',
        `lease.${NO_PID}.cc`,
        `lease.${NO_PID}.ff`,
        `lease.${process.pid}.dd`,
        `lease.${process.pid}.ee`,
        'lease.txt',
      ].sort(),
    );
    expect(JSON.parse(await readFile(join(dir, 'lease'), 'utf8'))).toMatchObject({ pid: process.pid });
  });
});
