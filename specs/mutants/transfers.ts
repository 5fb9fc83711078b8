import { inFile, type Safeguard, type Suite } from './safeguard.js';

const PLAYED: readonly Suite[] = ['worlds'];

/** What a transfer does, from the first request to the proof. */
export const TRANSFERS: readonly Safeguard[] = [
  ...inFile('packages/runtime/src/durable-offsets.ts', PLAYED, [
    {
      id: 'sync-before-checkpoint',
      protects: 'An offset is recorded only when its bytes are synced.',
      find: 'this.staged.sync().then((durable) => this.record(durable))',
      replace: 'Promise.resolve(this.staged.held).then((durable) => this.record(durable))',
    },
    {
      id: 'checkpoint-of-sync',
      protects: 'What came during a sync is not counted as synced.',
      find: 'this.staged.sync().then((durable) => this.record(durable))',
      replace: 'this.staged.sync().then(() => this.record(this.staged.held))',
      suites: ['laws/transfer', 'worlds'],
    },
    {
      id: 'sync-before-proof',
      protects: 'A proven file is synced to its last byte.',
      find: 'bytesIn(this.noted) === 0) await this.staged.sync();',
      replace: 'bytesIn(this.noted) === 0) return;',
    },
    {
      id: 'reset-recorded-first',
      protects: 'That bytes are dropped is recorded before they are.',
      find: 'if (bytesIn(rest) < bytesIn(this.noted)) {',
      replace: 'if (bytesIn(rest) < 0) {',
      suites: ['laws/transfer', 'worlds'],
    },
    {
      id: 'void-bytes-leave',
      protects: 'Bytes that turned out wrong leave the disk.',
      find: 'await this.staged.reset().catch(() => undefined);',
      replace: '',
      suites: ['laws/transfer', 'worlds'],
    },
    {
      id: 'drop-waits-for-sync',
      protects: 'A sync that is under way does not record bytes that are being dropped.',
      find: 'await this.syncing?.catch(() => undefined);',
      replace: '',
      suites: ['laws/transfer', 'worlds'],
    },
    {
      id: 'no-sync-while-dropping',
      protects: 'A sync that begins while bytes are dropped would tell of them.',
      find: 'this.syncing === null && this.drops === 0',
      replace: 'this.syncing === null',
      survives:
        'Whoever drops is alone with the file but for a part that told its own digest; no world has such a server.',
    },
    {
      id: 'break-keeps-bytes',
      protects: 'What came before a break is kept.',
      find: 'const durable = await this.staged.sync();\n      await this.note(durable);\n    } catch',
      replace: '} catch',
      suites: ['laws/transfer', 'worlds'],
    },
  ]),
  ...inFile('packages/runtime/src/segment-request.ts', PLAYED, [
    {
      id: 'not-too-long',
      protects: 'Bytes beyond what was announced are refused.',
      find: 'if (at + chunk.length > limit) {',
      replace: 'if (at + chunk.length < 0) {',
      suites: ['laws/transfer', 'worlds'],
    },
    {
      id: 'late-chunk',
      protects: 'A chunk that comes after its job was ended is not written.',
      find: 'signal.throwIfAborted();\n      dog.bytesCame',
      replace: 'dog.bytesCame',
      suites: ['laws/transfer', 'worlds'],
    },
    {
      id: 'not-too-short',
      protects: 'A body that ends early is no whole one.',
      find: 'const isShort = length === null ? !this.isEnd : received < length;',
      replace: 'const isShort = false as boolean;',
      suites: ['laws/transfer', 'worlds'],
    },
    {
      id: 'validator-of-origin',
      protects: 'A validator is offered only to the origin that gave it.',
      find: 'const isOurs = origin !== null && origin === identity.origin &&',
      replace: 'const isOurs = origin !== null &&',
      suites: ['laws/sources', 'worlds'],
    },
    {
      id: 'range-of-segment',
      protects: 'Of a file that several bring, each asks for its own part only.',
      find: 'this.options.isBounded || segment.to < mostBytes ? segment.to : undefined',
      replace: 'undefined',
    },
  ]),
  ...inFile('packages/runtime/src/source-transfer.ts', PLAYED, [
    {
      id: 'restarts-bounded',
      protects: 'A source is asked a bounded number of times in one attempt.',
      find: 'this.restarts > MAX_RESTARTS || this.shortReplies >= MAX_SHORT_REPLIES',
      replace: 'this.restarts > 1_000 || this.shortReplies >= 1_000',
      suites: ['laws/transfer', 'worlds'],
    },
    {
      id: 'undigested-halves',
      protects: 'Without any digest, two halves are joined only under one validator.',
      find: 'const isUnsafe = !hasDigest && !(identity.origin === this.origin && identity.validator !== null);',
      replace: 'const isUnsafe = false;',
      suites: ['laws/sources', 'worlds'],
    },
    {
      id: 'whole-ends-others',
      protects: 'When one reply is the whole file, the others end before what is staged is dropped.',
      find: 'this.dismiss(worker);\n',
      replace: '',
    },
  ]),
  ...inFile('packages/runtime/src/segments.ts', PLAYED, [
    {
      id: 'segment-has-one-owner',
      protects: 'A part of a file is brought by one request at a time.',
      find: 'this.waiting = withoutRange(this.waiting, { from: segment.at, to: segment.to });',
      replace: '',
    },
    {
      id: 'segment-given-back',
      protects: 'What a request did not bring of its part is wanted again.',
      find: 'if (segment.at < segment.to) this.add({ from: segment.at, to: segment.to });',
      replace: '',
      suites: ['scenarios/segments'],
    },
  ]),
  ...inFile('packages/runtime/src/pieces.ts', PLAYED, [
    {
      id: 'piece-compared',
      protects: 'A piece is proven by its digest: of a file with a wrong one, no more than that is fetched again.',
      find: 'if (found === expected || isVoid()) return;',
      replace: "if (found !== '' || isVoid()) return;",
      suites: ['scenarios/segments'],
    },
  ]),
  ...inFile('packages/runtime/src/checkpoints.ts', PLAYED, [
    {
      id: 'void-checkpoint',
      protects: 'An offset that waits to be recorded is forgotten with its bytes.',
      find: 'delete this.pending[file];',
      replace: '',
      suites: ['laws/transfer', 'worlds'],
    },
    {
      id: 'checkpoint-order',
      protects: 'Offsets are recorded one after the other.',
      find: 'const next = this.writing.then(async () => {',
      replace: 'const next = Promise.resolve().then(async () => {',
      survives:
        'The conductor settles reports in the order in which they come (`run-to-completion`), so that none overtakes another.',
    },
  ]),
  ...inFile('packages/runtime/src/transfer.ts', PLAYED, [
    {
      id: 'first-fault-ends-all',
      protects: 'The first fault ends the transfers of the other files.',
      find: 'sibling.abort(new JobEnded());',
      replace: '',
      suites: ['laws/transfer', 'worlds'],
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
  ]),
  ...inFile('packages/runtime/src/patrol.ts', PLAYED, [
    {
      id: 'patrol-goes-on',
      protects: 'What is watched is looked at again and again.',
      find: 'if (this.watched.size > 0) this.waitUntil(this.clock.monotonicMs() + nextMs);',
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
