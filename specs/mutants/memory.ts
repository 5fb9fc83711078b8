import { inFile, type Safeguard } from './safeguard.js';

/** What the simulated platform does as a real one does. */
export const MEMORY: readonly Safeguard[] = [
  ...inFile(
    'adapters/memory/src/staged-file.ts',
    ['memory/store', 'worlds'],
    [
      {
        id: 'memory-poisoned-sync',
        protects: 'A file whose sync failed is not believed again.',
        find: 'if (this.poison !== null) throw this.poison;',
        replace: '',
      },
      {
        id: 'memory-cut-to-kept',
        protects: 'Bytes beyond the recorded offset are cut.',
        find: 'if (size > keep) await this.mount.truncate(this.fd, keep);',
        replace: '',
      },
      {
        id: 'memory-kept-read-again',
        protects: 'A kept prefix is read again: a crash may have left zeros in it.',
        find: 'if (this.digestedBytes >= this.bytes) return;',
        replace: 'if (this.digestedBytes >= 0) return;',
      },
      {
        id: 'memory-name-synced',
        protects: 'The name of a large staged file survives a power cut.',
        find: 'if (!this.isNameDurable && this.bytes >= NAME_SYNC_BYTES) {',
        replace: 'if (!this.isNameDurable && this.bytes < 0) {',
      },
    ],
  ),
  ...inFile(
    'adapters/memory/src/journal.ts',
    ['memory/journal', 'worlds'],
    [
      {
        id: 'memory-append-synced',
        protects: 'An append is acknowledged when it is durable.',
        find: 'await this.mount.writeFully(this.fd, bytes, this.goodBytes);\n          await this.mount.sync(this.fd);',
        replace: 'await this.mount.writeFully(this.fd, bytes, this.goodBytes);',
      },
      {
        id: 'memory-journal-name-synced',
        protects: 'The name of a new segment is durable with its first record.',
        find: 'await this.mount.syncFolder(this.dir);\n    return fd;',
        replace: 'return fd;',
      },
      {
        id: 'memory-torn-tail-cut',
        protects: 'A torn tail is cut before anything is written behind it.',
        find: 'await this.mount.truncate(fd, this.goodBytes);\n    this.sizeBytes',
        replace: 'this.sizeBytes',
      },
      {
        id: 'memory-failed-batch-cut',
        protects: 'Nothing of a batch whose write failed counts.',
        find: 'await this.mount.truncate(this.fd, this.goodBytes).catch(() => undefined);',
        replace: '',
      },
      {
        id: 'memory-append-astray',
        protects: 'A journal whose write failed takes nothing more until it is read anew.',
        find: 'this.astray = { error };',
        replace: 'this.astray = null;',
      },
      {
        id: 'memory-as-left',
        protects: 'A writer whose journal another has written to writes nothing more.',
        find: 'await this.mustBeAsLeft(path);',
        replace: '',
      },
      {
        id: 'memory-old-segment-whole',
        protects: 'An older segment that is torn is refused.',
        find: 'if (goodBytes < bytes.length && segment !== last) throw corrupt(path, goodBytes);',
        replace: '',
      },
      {
        id: 'memory-snapshot-checked',
        protects: 'A snapshot that fails its check is passed over.',
        find: 'if (isMissing(error) || error instanceof JournalCorrupt) return null;',
        replace: 'if (isMissing(error)) return null;',
      },
      {
        id: 'memory-snapshot-aside',
        protects: 'A snapshot takes its name when it is whole and synced.',
        find: 'const aside = childOf(this.dir, `.${SNAPSHOT}`);',
        replace: 'const aside = childOf(this.dir, SNAPSHOT);',
      },
    ],
  ),
  ...inFile(
    'adapters/memory/src/lease.ts',
    ['memory/lease', 'worlds'],
    [
      {
        id: 'memory-one-owner',
        protects: 'A depot has one owner.',
        find: 'if (seen !== null && disk.isRunning(seen.pid)) throw held(this.dir, seen);',
        replace: '',
      },
      {
        id: 'memory-lease-epoch',
        protects: 'A lease that is taken over has a higher epoch.',
        find: '(seen?.epoch ?? 0) + 1',
        replace: '1',
      },
      {
        id: 'memory-own-lease',
        protects: "Releasing takes away one's own lease only.",
        find: 'if (seen?.nonce === mine.nonce) await',
        replace: 'if (seen !== null && mine.epoch > 0) await',
      },
    ],
  ),
  ...inFile(
    'adapters/memory/src/store.ts',
    ['memory/store', 'worlds'],
    [
      {
        id: 'memory-published-name-synced',
        protects: 'What was published is there after a power cut.',
        find: 'await this.mount.syncFolder(parentOf(final));',
        replace: '',
      },
      {
        id: 'memory-assembly-synced',
        protects: 'The files of a generation survive with its name.',
        find: 'for (const folder of [...folders].sort((a, b) => b.length - a.length)) await this.mount.syncFolder(folder);',
        replace: '',
      },
      {
        id: 'memory-unpublished-first',
        protects: 'A generation loses its final name before its first file.',
        find: 'if (hidden !== path) await this.mount.rename(path, hidden);\n    await this.mount.remove(hidden);',
        replace: 'await this.mount.remove(path);',
      },
      {
        id: 'memory-dot-is-not-final',
        protects: 'A name that begins with a dot is never final.',
        find: "return names.filter((name) => !name.startsWith('.'));",
        replace: 'return names;',
      },
      {
        id: 'memory-unpacking-begins-empty',
        protects: 'Unpacking begins in an empty folder.',
        find: 'await this.mount.remove(folder);\n      await this.mount.makeFolder(folder);',
        replace: 'await this.mount.makeFolder(folder);',
      },
    ],
  ),
  ...inFile(
    'adapters/memory/src/extract.ts',
    ['memory/store', 'worlds'],
    [
      {
        id: 'memory-archive-climbs',
        protects: 'A name that climbs is refused, also where it climbs in what is stripped.',
        find: "if (segments.some((segment) => segment === '..' || (segment === '.' && segments.length > 1)))",
        replace: "if (segments.some((segment) => segment === '' && segments.length < 0))",
      },
      {
        id: 'memory-archive-names',
        protects: 'Every unpacked name follows the grammar.',
        find: 'if (defect !== null) throw',
        replace: "if (defect === '') throw",
      },
      {
        id: 'memory-archive-bounds',
        protects: 'Unpacking is bounded in bytes and files.',
        find: 'if (isTooMany || isTooLarge) throw',
        replace: 'if (isTooMany && !isTooMany && isTooLarge) throw',
      },
      {
        id: 'memory-archive-twice',
        protects: 'No place of an archive is written twice.',
        find: "if (before !== undefined && (before.place !== place || before.kind !== kind || kind === 'file'))",
        replace: 'if (before !== undefined && before.kind !== kind)',
      },
      {
        id: 'memory-archive-links',
        protects: 'Links and devices are refused.',
        find: "if (type !== '' && type !== '0' && type !== '5')",
        replace: "if (type === 'g')",
      },
    ],
  ),
];
