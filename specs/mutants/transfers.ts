import { inFile, type Safeguard, type Suite } from './safeguard.js';

const PLAYED: readonly Suite[] = ['worlds'];

/** What a transfer does, from the first request to the proof. */
export const TRANSFERS: readonly Safeguard[] = [
  ...inFile('packages/runtime/src/file-transfer.ts', PLAYED, [
    {
      id: 'sync-before-checkpoint',
      protects: 'An offset is recorded only when its bytes are synced.',
      find: 'staged.sync().then(() => this.note(bytes))',
      replace: 'Promise.resolve().then(() => this.note(bytes))',
    },
    {
      id: 'checkpoint-of-sync',
      protects: 'What came during a sync is not counted as synced.',
      find: 'staged.sync().then(() => this.note(bytes))',
      replace: 'staged.sync().then(() => this.note(staged.bytes))',
      survives:
        'On the simulated disk a write takes as long as a sync, so that no byte is ever written while others are being synced.',
    },
    {
      id: 'sync-before-proof',
      protects: 'A proven file is synced to its last byte.',
      find: 'if (staged.bytes > this.durableBytes || staged.bytes === 0) await staged.sync();',
      replace: '',
    },
    {
      id: 'reset-recorded-first',
      protects: 'That bytes are dropped is recorded before they are.',
      find: 'if (this.durableBytes > 0) {',
      replace: 'if (this.durableBytes < 0) {',
      survives:
        'After a crash in between the disk lowers the recorded offset (`disk-lowers-journal`), and the digest judges what came since.',
    },
    {
      id: 'not-too-short',
      protects: 'A body that ends early is no whole one.',
      find: 'const isShort = length !== null && staged.bytes - begin < length;',
      replace: 'const isShort = false as boolean;',
    },
    {
      id: 'validator-of-origin',
      protects: 'A validator is offered only to the origin that gave it.',
      find: 'const validator = isOurs ? this.validator : null;',
      replace: 'const validator = this.validator;',
      suites: ['laws/sources', 'worlds'],
    },
  ]),
  ...inFile('packages/runtime/src/checkpoints.ts', PLAYED, [
    {
      id: 'void-checkpoint',
      protects: 'An offset that waits to be recorded is forgotten with its bytes.',
      find: 'delete this.pending[file];',
      replace: '',
    },
    {
      id: 'checkpoint-order',
      protects: 'Offsets are recorded one after the other.',
      find: 'this.writing = this.writing.then(async () => {',
      replace: 'this.writing = Promise.resolve().then(async () => {',
    },
  ]),
  ...inFile('packages/runtime/src/transfer.ts', PLAYED, [
    {
      id: 'first-fault-ends-all',
      protects: 'The first fault ends the transfers of the other files.',
      find: 'sibling.abort(new JobEnded());',
      replace: '',
    },
    {
      id: 'checkpoints-flushed',
      protects: 'A transfer ends when its offsets are recorded.',
      find: 'await checkpoints.flush();',
      replace: '',
    },
  ]),
  ...inFile('packages/runtime/src/proof.ts', PLAYED, [
    {
      id: 'digest-compared',
      protects: 'A file is proven by its digest.',
      find: "content.sha256 === digests.sha256 ? 'strong' : null",
      replace: "'strong'",
    },
    {
      id: 'weak-digest-compared',
      protects: 'Where there is only a weak digest, it is compared.',
      find: "weak.every((name) => content[name] === digests[name]) ? 'weak' : null",
      replace: "'weak'",
    },
    {
      id: 'size-compared',
      protects: 'A digest counts for the size it was named with.',
      find: 'if (content.sizeBytes !== sizeBytes) continue;',
      replace: '',
    },
  ]),
  ...inFile('packages/runtime/src/watchdog.ts', PLAYED, [
    {
      id: 'stall',
      protects: 'A request without a byte is ended.',
      find: 'if (quietMs >= this.stallMs) return this.bark(',
      replace: 'if (quietMs < 0) return this.bark(',
    },
    {
      id: 'drip',
      protects: 'A request that drips for ever is ended.',
      find: 'if (this.windowBytes < MINIMUM_BYTES)',
      replace: 'if (this.windowBytes < 0)',
      suites: ['laws/sources', 'worlds'],
    },
    {
      id: 'our-own-time',
      protects: 'Time in which we do not read is not held against the server.',
      find: 'this.pausedMs ??= this.clock.monotonicMs();',
      replace: '',
      suites: ['laws/sources', 'worlds'],
    },
  ]),
  ...inFile('packages/runtime/src/meter.ts', PLAYED, [
    {
      id: 'rate-is-a-number',
      protects: 'A rate is a positive number or not known.',
      find: 'elapsed < WARM_UP_MS || received <= 0 ? null',
      replace: 'elapsed < 0 ? null',
    },
  ]),
];
