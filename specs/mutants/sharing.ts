import { inFile, type Safeguard } from './safeguard.js';

/** What is shared: hosts, equal bytes, and a depot whose owner is elsewhere. */
export const SHARING: readonly Safeguard[] = [
  ...inFile(
    'packages/runtime/src/segment-request.ts',
    ['scenarios/manners'],
    [
      {
        id: 'host-left-alone',
        protects: 'A host that asked for a pause is left alone by all transfers.',
        find: 'manners.leaveAlone(origin, retryAfterMs);',
        replace: 'manners.leaveAlone(origin, 0);',
      },
      {
        id: 'rangeless-remembered',
        protects: 'A server that knows no parts is not asked for one again.',
        find: 'manners.takeWhole(url);',
        replace: 'manners.isRangeless(url);',
      },
    ],
  ),
  ...inFile(
    'packages/runtime/src/source-transfer.ts',
    ['scenarios/manners'],
    [
      {
        id: 'host-asked-first',
        protects: 'Every request knocks first.',
        find: 'manners.knock(this.origin, this.url);',
        replace: '',
      },
    ],
  ),
  ...inFile(
    'packages/runtime/src/manners.ts',
    ['scenarios/manners'],
    [
      {
        id: 'pause-costs-no-attempt',
        protects: 'Waiting for a host that is left alone costs no attempt.',
        find: '{ retryAfterMs: Math.ceil(leftMs), requests: 0 },',
        replace: '{ retryAfterMs: Math.ceil(leftMs) },',
      },
      {
        id: 'pause-bounded',
        protects: 'No host is left alone for days.',
        find: 'Math.min(ms, this.longestMs)',
        replace: 'ms',
      },
      {
        id: 'pause-not-shortened',
        protects: 'A shorter pause does not end a longer one.',
        find: 'Math.max(end, this.pauses.get(origin) ?? 0)',
        replace: 'end',
      },
    ],
  ),
  ...inFile(
    'packages/core/src/retry.ts',
    ['scenarios/manners'],
    [
      {
        id: 'unasked-is-no-attempt',
        protects: 'An attempt that asked nobody is none.',
        find: 'Math.ceil((fault.requests ?? 1) / REQUESTS_PER_ATTEMPT)',
        replace: 'Math.max(1, Math.ceil((fault.requests ?? 1) / REQUESTS_PER_ATTEMPT))',
      },
    ],
  ),
  ...inFile(
    'packages/runtime/src/twins.ts',
    ['scenarios/twins'],
    [
      {
        id: 'twins-fetched-once',
        protects: 'Of equal bytes that are wanted at once, one is fetched.',
        find: 'if (other !== undefined) {',
        replace: 'if (other !== undefined && keys.length === 0) {',
      },
      {
        id: 'twin-waits-no-longer',
        protects: 'Who waits for equal bytes goes on when they were given up.',
        find: 'this.coming.delete(key);\n      end();',
        replace: 'this.coming.delete(key);',
      },
      {
        id: 'twin-on-disk',
        protects: 'Equal bytes that are installed are not fetched again.',
        find: 'if (installed?.sizeBytes === sizeBytes && this.isThere(installed.resident)) return installed.resident;',
        replace: '',
      },
      {
        id: 'twin-of-one-size',
        protects:
          'Under one digest a catalog may name a wrong size: then no twin is taken, and the source tells what is wrong.',
        find: 'installed?.sizeBytes === sizeBytes &&',
        replace: 'installed !== undefined &&',
      },
    ],
  ),
  ...inFile(
    'packages/runtime/src/transfer.ts',
    ['scenarios/twins'],
    [
      {
        id: 'rotten-twin',
        protects: 'Equal bytes that turned out wrong are not taken again.',
        find: 'twin !== null && job.tries.strikes === 0;',
        replace: 'twin !== null;',
      },
    ],
  ),
  ...inFile(
    'packages/runtime/src/remote/guest.ts',
    ['scenarios/words', 'scenarios/guests'],
    [
      {
        id: 'stale-owner',
        protects: 'An owner that was replaced is not believed.',
        find: 'if (word.epoch < this.newest) return;',
        replace: '',
        suites: ['scenarios/guests', 'scenarios/words'],
      },
      {
        id: 'unknown-owner',
        protects: 'An owner that has not introduced itself is asked who it is.',
        find: 'if (word.epoch !== this.epoch) return this.join(word.epoch);',
        replace: 'if (word.epoch !== this.epoch) return;',
      },
      {
        id: 'gap-asks-again',
        protects: 'A guest that has missed a record asks for the whole again.',
        find: 'if (record.from > this.state.position) return this.join(record.epoch);',
        replace: 'if (record.from > this.state.position) return;',
      },
      {
        id: 'record-once',
        protects: 'A guest takes a record once.',
        find: 'if (record.from < this.state.position) return;',
        replace: '',
      },
      {
        id: 'answer-waits',
        protects: 'An answer counts when the records that it rests on are here.',
        find: 'if (word.position > this.state.position) this.early.push(word);\n        else this.settle',
        replace: 'this.settle',
      },
      {
        id: 'early-answer-settled',
        protects: 'An answer that waited is given when its records have come.',
        find: 'wake(keysOfRecord(record.events));\n    this.settleEarly();',
        replace: 'wake(keysOfRecord(record.events));',
      },
      {
        id: 'asked-again',
        protects: 'What one owner has not answered is asked of the next.',
        find: 'if (isNew) this.askAgain();',
        replace: '',
        suites: ['scenarios/guests', 'scenarios/words'],
      },
      {
        id: 'done-already',
        protects: 'What the last owner did without saying so is no error.',
        find: 'const isDone = call.isAgain &&',
        replace: 'const isDone = !call.isAgain &&',
      },
      {
        id: 'closed-guest',
        protects: 'What was asked is refused when the guest leaves.',
        find: 'this.failure ??= { error: new DepotClosed() };\n    this.rejectAll(this.failure.error);',
        replace: '',
        suites: ['scenarios/words'],
      },
    ],
  ),
  ...inFile(
    'packages/runtime/src/remote/host.ts',
    ['scenarios/guests', 'scenarios/words'],
    [
      {
        id: 'late-guest',
        protects: 'Who joins late is told the whole.',
        find: "if ((heard as { type?: unknown } | null)?.type === 'join') this.hello();",
        replace: '',
      },
      {
        id: 'host-falls-silent',
        protects: 'An owner that has closed answers nobody.',
        find: 'this.stop();\n    this.flowsHeard',
        replace: 'this.flowsHeard',
      },
    ],
  ),
  ...inFile(
    'packages/runtime/src/local-owner.ts',
    ['worlds'],
    [
      {
        id: 'damage-recorded',
        protects: 'That files are set aside is recorded before they are.',
        find: "await conductor.report({ type: 'lost', core, generation, detail: 'damaged', kept });",
        replace: '',
      },
      {
        id: 'clean-spares-work',
        protects: 'Cleaning leaves alone what is in work.',
        find: "if (phase === 'ready' || phase === 'absent')\n          await",
        replace: 'if (phase.length > 0)\n          await',
      },
    ],
  ),
];
