import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Catalog, readManifest } from '@lading/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDepot, readDepot } from './open.js';
import { Reserve } from './reserve.js';

const RESERVE_BYTES = 64 * 1024;
const full = () => Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lading-reserve-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('a reserve', () => {
  it('is real bytes, made once', async () => {
    await new Reserve(root).make();
    const { size, blocks, mtimeMs, mode } = await stat(join(root, 'reserve'));
    expect(size).toBe(RESERVE_BYTES);
    expect(blocks * 512).toBeGreaterThanOrEqual(RESERVE_BYTES);
    expect(mode & 0o777).toBe(0o600);
    await new Reserve(root).make();
    expect((await stat(join(root, 'reserve'))).mtimeMs).toBe(mtimeMs);
  });

  it('that is half there is made whole', async () => {
    await writeFile(join(root, 'reserve'), 'half');
    await new Reserve(root).make();
    expect((await stat(join(root, 'reserve'))).size).toBe(RESERVE_BYTES);
  });

  it('is written through no link, and its making never fails', async () => {
    await writeFile(join(root, 'precious'), 'precious');
    await symlink('precious', join(root, 'reserve'));
    await new Reserve(root).make();
    expect(await readFile(join(root, 'precious'), 'utf8')).toBe('precious');
    await new Reserve(join(root, 'nowhere')).make();
  });

  it.each([full(), Object.assign(new Error('quota'), { code: 'Unknown system error -122', errno: -122 })])(
    'is given up for one more try after %s, and not made again before the next opening',
    async (error) => {
      const reserve = new Reserve(root);
      await reserve.make();
      const attempts: string[] = [];
      const outcome = await reserve.during(async (attempt) => {
        attempts.push(attempt);
        if (attempt === 'first') throw error;
        return 'written';
      });
      expect([outcome, attempts]).toEqual(['written', ['first', 'second']]);
      await reserve.make();
      await expect(stat(join(root, 'reserve'))).rejects.toThrow('ENOENT');
      await new Reserve(root).make();
      expect((await stat(join(root, 'reserve'))).size).toBe(RESERVE_BYTES);
    },
  );

  it('is kept at any other fault, and the fault stands where there is none', async () => {
    const reserve = new Reserve(root);
    let tries = 0;
    const failing = (error: Error) => () => {
      tries++;
      return Promise.reject(error);
    };
    await expect(reserve.during(failing(full()))).rejects.toThrow('ENOSPC');
    await reserve.make();
    await expect(reserve.during(failing(Object.assign(new Error('EIO'), { code: 'EIO' })))).rejects.toThrow('EIO');
    expect(tries).toBe(2);
    expect((await stat(join(root, 'reserve'))).size).toBe(RESERVE_BYTES);
    await expect(reserve.during(failing(full()))).rejects.toThrow('ENOSPC');
    expect(tries).toBe(4);
  });
});

/** Mounts a disk of 2 MiB. Returns why it cannot, or null. */
function mountSmall(dir: string): string | null {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', dir], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return `no small disk can be mounted here: ${error instanceof Error ? error.message.trim() : String(error)}`;
  }
}

function lackOfSmallDisks(): string | null {
  const dir = mkdtempSync(join(tmpdir(), 'lading-mount-'));
  const lack = mountSmall(dir);
  if (lack === null) execFileSync('umount', [dir]);
  else process.stderr.write(`skipped: ${lack}\n`);
  rmSync(dir, { recursive: true });
  return lack;
}

describe.skipIf(lackOfSmallDisks() !== null)('on a disk that is full to the last byte', () => {
  const bytes = Buffer.alloc(500_000, 'model');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const server = createServer((_, response) => response.end(bytes));
  beforeEach(async () => {
    expect(mountSmall(root)).toBe(null);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    execFileSync('umount', [root]);
  });

  function options() {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.onnx`;
    const text = JSON.stringify({ version: 3, cores: [{ id: 'model', url, sizeBytes: bytes.length, sha256 }] });
    const reading = readManifest(text, { base: null, allowHttp: false });
    if (!reading.ok) throw new Error(JSON.stringify(reading));
    return { dir: join(root, 'depot'), catalog: Catalog.of([reading.manifest], 'linux').catalog };
  }

  function fill(name: string): void {
    const page = Buffer.alloc(4096, 1);
    const file = openSync(join(root, name), 'w');
    try {
      for (;;) writeSync(file, page);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
    } finally {
      closeSync(file);
    }
  }

  it('a depot that was opened before can delete, and has its reserve again at the next opening', async () => {
    const first = await openDepot(options());
    await first.download('model');
    await first.close();
    fill('filler');

    const depot = await openDepot(options());
    await depot.delete('model');
    await depot.close();
    expect((await readDepot(options())).installed()).toEqual([]);
    await expect(stat(join(root, 'depot/cores/model'))).rejects.toThrow('ENOENT');
    await expect(stat(join(root, 'depot/reserve'))).rejects.toThrow('ENOENT');

    await (await openDepot(options())).close();
    expect((await stat(join(root, 'depot/reserve'))).size).toBe(RESERVE_BYTES);
  });

  it('a living owner’s reserve is not spent by one who is refused', async () => {
    const owner = await openDepot(options());
    fill('filler');
    await expect(openDepot(options())).rejects.toMatchObject({ code: 'leaseHeld' });
    expect((await stat(join(root, 'depot/reserve'))).size).toBe(RESERVE_BYTES);
    await owner.close();
  });

  it('a depot without a reserve says that there is no room', async () => {
    const first = await openDepot(options());
    await first.download('model');
    await first.close();
    await rm(join(root, 'depot/reserve'));
    fill('filler');
    await expect(openDepot(options())).rejects.toMatchObject({ fault: { type: 'noSpace' } });
    expect((await readDepot(options())).installed()).toHaveLength(1);
  });
});
