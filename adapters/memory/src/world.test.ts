import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { VirtualClock, WorldStandsStill } from './clock.js';
import { hexDigest } from './digest.js';
import { MemoryDisk } from './disk.js';
import { seededBytes, seededLuck } from './luck.js';
import { Mount } from './mount.js';
import { MemoryNetwork } from './network.js';

const { signal } = new AbortController();

describe('simulated time', () => {
  it('rings timers in order of their time, then of their setting, and lets each come to rest before the next', async () => {
    const clock = new VirtualClock();
    const log: string[] = [];
    const timed = async (name: string, ms: number) => {
      await clock.wait(ms, signal);
      log.push(`${name} ${clock.monotonicMs()}`);
      await Promise.resolve();
      log.push(`${name} rests`);
    };
    void timed('late', 20);
    void timed('first', 10);
    void timed('second', 10);
    await clock.advance(15);
    expect(log).toEqual(['first 10', 'first rests', 'second 10', 'second rests']);
    expect(clock.monotonicMs()).toBe(15);
    await clock.run();
    expect(log.slice(4)).toEqual(['late 20', 'late rests']);
  });

  it('ends a wait with the signal, and leaves no timer behind', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const waiting = expect(clock.wait(1_000, controller.signal)).rejects.toThrow('enough');
    controller.abort(new Error('enough'));
    await waiting;
    await expect(clock.wait(1, controller.signal)).rejects.toThrow('enough');
    await clock.run();
    expect(clock.monotonicMs()).toBe(0);
  });

  it('says so when what is awaited can never happen', async () => {
    const clock = new VirtualClock();
    await expect(clock.runUntil(new Promise(() => undefined))).rejects.toBeInstanceOf(WorldStandsStill);
    const again = (): void => void clock.after(1_000, again);
    again();
    await expect(clock.runUntil(new Promise(() => undefined), 60_000)).rejects.toThrow('60000 simulated ms');
  });

  it('lets the wall clock be set back, and the other go on', async () => {
    const clock = new VirtualClock(5_000_000);
    clock.setBack(3_600_000);
    await clock.advance(10);
    expect([clock.now(), clock.monotonicMs()]).toEqual([1_400_010, 10]);
  });
});

describe('simulated luck', () => {
  it('is decided by its seed, between 0 and 1, and spread evenly', () => {
    const numbers = Array.from({ length: 10_000 }, seededLuck(42));
    expect(numbers).toEqual(Array.from({ length: 10_000 }, seededLuck(42)));
    expect(numbers).not.toEqual(Array.from({ length: 10_000 }, seededLuck(43)));
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThan(1);
    expect(numbers.reduce((sum, each) => sum + each, 0) / 10_000).toBeCloseTo(0.5, 1);
  });
});

describe('digests', () => {
  it('are those that Node computes', () => {
    const bytes = seededBytes(1, 5_000);
    for (const name of ['sha256', 'sha1', 'md5'] as const) {
      expect(hexDigest(name, bytes)).toBe(createHash(name).update(bytes).digest('hex'));
    }
    expect(hexDigest('gitBlob', new TextEncoder().encode('hello\n'))).toBe('ce013625030ba8dba906f756967f9e9ca394464a');
  });
});

describe('the simulated network', () => {
  const bytes = seededBytes(2, 1_000);
  const url = 'https://example.org/x';

  async function ask(from: number | null, ifRange: string | null, options = {}) {
    const clock = new VirtualClock();
    const network = new MemoryNetwork(clock);
    network.put(url, bytes, { etag: '"one"', chunkBytes: 300, ...options });
    const get = async () => {
      const response = await network.fetch({ url, from, ifRange, isFresh: false }, signal);
      const parts: number[] = [];
      for await (const chunk of response.body) parts.push(...chunk);
      return { ...response, parts };
    };
    return await clock.runUntil(get());
  }

  it.each([
    ['no range', null, null, 200, 0, undefined],
    ['a range', 400, null, 206, 400, 'bytes 400-999/1000'],
    ['a range from the start', 0, null, 206, 0, 'bytes 0-999/1000'],
    ['a range under the same tag', 400, '"one"', 206, 400, 'bytes 400-999/1000'],
    ['a range under another tag', 400, '"two"', 200, 0, undefined],
    ['a range under a weak tag', 400, 'W/"one"', 200, 0, undefined],
    ['a range behind the end', 1_000, null, 416, 1_000, 'bytes */1000'],
  ])('answers %s as RFC 9110 says', async (_, from, ifRange, status, begin, contentRange) => {
    const response = await ask(from, ifRange);
    expect(response.status).toBe(status);
    expect(response.headers['content-range']).toBe(contentRange);
    expect(response.parts).toEqual([...bytes.subarray(begin)]);
    expect(response.headers['content-length']).toBe(String(1_000 - begin));
  });

  it('compares the date of If-Range exactly', async () => {
    const lastModified = 'Thu, 01 Jan 2026 00:00:00 GMT';
    expect((await ask(10, lastModified, { etag: null, lastModified })).status).toBe(206);
    expect((await ask(10, 'Thu, 01 Jan 2026 00:00:01 GMT', { etag: null, lastModified })).status).toBe(200);
  });

  it('answers 404 for what is not there, and 200 where ranges are unknown', async () => {
    expect((await ask(10, null, { hasRanges: false })).status).toBe(200);
    const clock = new VirtualClock();
    const network = new MemoryNetwork(clock);
    const missing = network.fetch({ url, from: null, ifRange: null, isFresh: false }, signal);
    expect((await clock.runUntil(missing)).status).toBe(404);
  });
});

describe('the simulated disk', () => {
  const written = async () => {
    const disk = new MemoryDisk();
    const mount = new Mount(disk, disk.start());
    await mount.makeFolder('/a/b');
    const fd = await mount.open('/a/b/file');
    await mount.write(fd, Uint8Array.of(1, 2, 3), 0);
    return { disk, mount, fd };
  };

  it('keeps everything when the process dies, and answers it no more', async () => {
    const { disk, mount, fd } = await written();
    disk.crash();
    let isAnswered = false;
    void mount.write(fd, Uint8Array.of(9), 0).finally(() => {
      isAnswered = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(isAnswered).toBe(false);
    expect(disk.files()).toEqual(new Map([['/a/b/file', Uint8Array.of(1, 2, 3)]]));
  });

  it('forgets by a power cut what was not synced: bytes, and names', async () => {
    const nothing = await written();
    await nothing.mount.sync(nothing.fd);
    nothing.disk.cutPower();
    expect(nothing.disk.files().size).toBe(0);
    const empty = await written();
    await empty.mount.syncFolder('/a/b');
    empty.disk.cutPower();
    expect(empty.disk.files()).toEqual(new Map([['/a/b/file', new Uint8Array(0)]]));
    const both = await written();
    await both.mount.sync(both.fd);
    await both.mount.syncFolder('/a/b');
    await both.mount.write(both.fd, Uint8Array.of(4), 3);
    await both.mount.rename('/a/b/file', '/a/file');
    both.disk.cutPower();
    expect(both.disk.files()).toEqual(new Map([['/a/b/file', Uint8Array.of(1, 2, 3)]]));
  });

  it('takes what fits when it is full, and then says so', async () => {
    const { disk, mount, fd } = await written();
    disk.capacityBytes = 5;
    await expect(mount.writeFully(fd, Uint8Array.of(4, 5, 6, 7), 3)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(disk.usedBytes()).toBe(5);
  });

  it('fails as ordered, as often as ordered', async () => {
    const { disk, mount, fd } = await written();
    disk.fail({ action: 'sync', path: /file/, code: 'EIO', after: 1 });
    await mount.sync(fd);
    await expect(mount.sync(fd)).rejects.toMatchObject({ code: 'EIO' });
    await mount.sync(fd);
  });
});
