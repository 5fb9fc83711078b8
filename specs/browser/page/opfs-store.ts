/** What a browser's store does of its own: digests that are taken up again within one life, and only then. */
import { OpfsStore } from '@lading/browser';
import { describe, expect, it } from 'vitest';
import { joined, seeded, sha256 } from '../../conformance/bytes.js';
import { stagedDigest, stageWhole } from '../../conformance/store-bench.js';

const BYTES = seeded(1, 5_000);

async function inFolder(test: (root: FileSystemDirectoryHandle) => Promise<void>): Promise<void> {
  const top = await navigator.storage.getDirectory();
  const name = `store-${crypto.randomUUID()}`;
  await test(await top.getDirectoryHandle(name, { create: true }));
  await top.removeEntry(name, { recursive: true });
}

/** Other bytes of the same length under a staged name: who reads them again finds out. */
async function replace(root: FileSystemDirectoryHandle, bytes: Uint8Array): Promise<void> {
  const folder = await (await root.getDirectoryHandle('staging')).getDirectoryHandle('c');
  const handle = await (await folder.getFileHandle('f')).createSyncAccessHandle();
  handle.write(bytes, { at: 0 });
  handle.close();
}

describe('the store of @lading/browser, of its own', () => {
  it('takes up the digest of what it wrote itself, and reads it again in another life', () =>
    inFolder(async (root) => {
      const store = new OpfsStore(root);
      await stageWhole(store, 'c', 'f', BYTES.subarray(0, 3_000));
      const first = await store.stage('c', 'f', { bytes: 3_000, sizeBytes: 5_000, algorithms: ['sha256'] });
      await first.close();
      await replace(root, seeded(2, 3_000));
      const staged = await store.stage('c', 'f', { bytes: 3_000, sizeBytes: 5_000, algorithms: ['sha256'] });
      await staged.write(BYTES.subarray(3_000));
      expect((await staged.digests()).sha256).toBe(await sha256(BYTES));
      await staged.close();
      const { digest } = await stagedDigest(new OpfsStore(root), 'c', 'f', 5_000);
      expect(digest).toBe(await sha256(joined(seeded(2, 3_000), BYTES.subarray(3_000))));
    }));

  it('reads again where less is kept than it wrote, or another digest is asked for', () =>
    inFolder(async (root) => {
      const store = new OpfsStore(root);
      for (const [bytes, algorithm] of [[2_000, 'sha256'] as const, [3_000, 'sha1'] as const]) {
        await stageWhole(store, 'c', 'f', BYTES.subarray(0, 3_000));
        const first = await store.stage('c', 'f', { bytes: 3_000, sizeBytes: 3_000, algorithms: ['sha256'] });
        await first.close();
        const again = await stagedDigest(store, 'c', 'f', bytes, algorithm);
        expect(again).toEqual(await stagedDigest(new OpfsStore(root), 'c', 'f', bytes, algorithm));
        expect(again.bytes).toBe(bytes);
      }
    }));
});
