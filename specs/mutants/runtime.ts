import { inFile, type Safeguard, type Suite } from './safeguard.js';

const PLAYED: readonly Suite[] = ['worlds'];
const TOLD: readonly Suite[] = ['memory/journal'];

/** What the conductor, the performer, opening and the journal's format do. */
export const RUNTIME: readonly Safeguard[] = [
  ...inFile('packages/runtime/src/conductor.ts', PLAYED, [
    {
      id: 'durable-before-perform',
      protects: 'Nothing acts before its record is durable.',
      find: 'await journal.append(written.map(({ record }) => record));',
      replace: 'journal.append(written.map(({ record }) => record)).catch(() => undefined);',
    },
    {
      id: 'state-after-record',
      protects: 'The state that is shown is the recorded one.',
      find: 'state = decision.state;',
      replace: 'this.state = state = decision.state;',
    },
    {
      id: 'group-order',
      protects: 'Records that share a write keep the order in which they were decided.',
      find: 'journal.append(written.map(({ record }) => record));',
      replace: 'journal.append(written.map(({ record }) => record).reverse());',
    },
    {
      id: 'broken-stops',
      protects: 'A depot whose journal failed takes nothing more.',
      find: 'this.failure = { error };',
      replace: 'this.failure = null;',
      suites: ['laws/closing', 'worlds'],
    },
    {
      id: 'closed-refuses',
      protects: 'A closed depot takes nothing more.',
      find: 'if (this.isClosed) return Promise.reject(new DepotClosed());',
      replace: '',
      suites: ['laws/closing', 'worlds'],
    },
    {
      id: 'run-to-completion',
      protects: 'One input is settled before the next is judged.',
      find: 'this.running ??= this.drain();',
      replace: 'this.running = this.drain();',
    },
  ]),
  ...inFile('packages/runtime/src/perform.ts', PLAYED, [
    {
      id: 'chain',
      protects: 'All work on one core is a chain: one thing after the other.',
      find: 'link(this.chains.get(core))',
      replace: 'link(undefined)',
    },
    {
      id: 'new-ticket-ends-job',
      protects: 'A new ticket ends the old job at once.',
      find: 'if (this.jobs.get(core)?.ticket !== ticket) this.jobs.get(core)?.end();',
      replace: '',
    },
    {
      id: 'old-ticket-prepares-nothing',
      protects: 'A job whose ticket is over while it waits does not begin.',
      find: 'if (context.ticket !== ticket) throw new JobEnded();',
      replace: '',
    },
    {
      id: 'closed-performs-nothing',
      protects: 'A closed depot performs nothing more.',
      find: 'if (this.isClosed) return;',
      replace: '',
      suites: ['laws/closing', 'worlds'],
    },
    {
      id: 'close-ends-jobs',
      protects: 'Closing ends what is under way.',
      find: 'for (const job of this.jobs.values()) job.end();',
      replace: '',
      suites: ['laws/closing', 'worlds'],
    },
    {
      id: 'close-waits',
      protects: 'A depot is closed when its jobs have let go of their files.',
      find: 'while (this.chains.size > 0) await Promise.all(this.chains.values());',
      replace: '',
      suites: ['laws/closing', 'worlds'],
    },
    {
      id: 'preflight',
      protects: 'What cannot fit is not begun.',
      find: 'if (freeBytes !== null && neededBytes > freeBytes) {',
      replace: 'if (freeBytes !== null && neededBytes < 0) {',
    },
    {
      id: 'proven-before-verified',
      protects: 'A core is verified only if every file of it is proven.',
      find: 'if (missing.length > 0) throw new Error(',
      replace: 'if (missing.length < 0) throw new Error(',
      survives: 'A transfer reports that it is done only when each file of the core has passed `digest-compared`.',
    },
    {
      id: 'back-off-waits',
      protects: 'Nobody is woken before the recorded time.',
      find: 'while (leftMs() > 0) await clock.wait(',
      replace: 'if (leftMs() < 0) await clock.wait(',
    },
  ]),
  ...inFile('packages/runtime/src/open.ts', PLAYED, [
    {
      id: 'read-is-durable',
      protects: 'What was read at opening is durable before anything is removed because of it.',
      find: 'await ports.journal.append([]);',
      replace: '',
      suites: ['laws/opening', 'worlds'],
    },
    {
      id: 'epoch-rises',
      protects: 'Each owner writes under a higher epoch.',
      find: 'Math.max(held.epoch, state.epoch + 1)',
      replace: 'held.epoch',
    },
    {
      id: 'loss-noticed',
      protects: 'An installed file that is missing is noticed when the depot opens.',
      find: 'if (kept !== null) missing[id] = kept;',
      replace: '',
      suites: ['laws/reader', 'worlds'],
    },
    {
      id: 'without-lost',
      protects: 'Who only looks into a depot is not told of files that are not there.',
      find: "if (decision.type === 'decision') seen = decision.state;",
      replace: '',
      suites: ['laws/reader'],
    },
    {
      id: 'sweep-spares-lost',
      protects: 'What is left of a core that lost a file is not swept at opening.',
      find: 'if (isLost.has(core)) return;',
      replace: '',
      survives:
        'A sweep keeps the generation that the journal names, and what is left of a lost core still lies in it.',
    },
    {
      id: 'sweep-spares-counted',
      protects: 'Staged bytes that the journal counts on are not swept at opening.',
      find: 'if (Object.keys(context.durable).length > 0) return;',
      replace: '',
      suites: ['laws/reader', 'worlds'],
    },
    {
      id: 'leftovers-swept',
      protects: 'What no record names is removed at opening.',
      find: 'await swept(ports, state, Object.keys(survey.missing));',
      replace: '',
    },
    {
      id: 'broken-ends-jobs',
      protects: 'When the journal has failed, what is under way is ended.',
      find: 'void performer.close();',
      replace: '',
      suites: ['laws/closing', 'worlds'],
    },
  ]),
  ...inFile('packages/runtime/src/journal-format.ts', TOLD, [
    {
      id: 'record-checksum',
      protects: 'A record that does not match its checksum is none.',
      find: "if (head !== `${json.length} ${crc32c(json).toString(16).padStart(8, '0')}`) return undefined;",
      replace: 'if (!head.startsWith(`${json.length} `)) return undefined;',
    },
    {
      id: 'torn-middle',
      protects: 'Damage before a valid record is refused, not cut off.',
      find: 'else if (torn !== null)',
      replace: 'else if (torn !== null && torn < 0)',
    },
    {
      id: 'changed-tail',
      protects: 'A last record that was changed, not torn, is refused.',
      find: 'if (value === undefined && newline !== -1 && wasChanged(',
      replace: 'if (value === undefined && newline < -1 && wasChanged(',
    },
    {
      id: 'history-gap',
      protects: 'A history with a gap is refused.',
      find: 'if (record.from !== state.position) {',
      replace: 'if (record.from < 0) {',
      suites: ['laws/history'],
    },
    {
      id: 'history-fence',
      protects: 'A record of an owner that had been replaced is refused.',
      find: 'if (record.epoch < state.epoch) {',
      replace: 'if (record.epoch < 0) {',
      suites: ['laws/history'],
    },
    {
      id: 'known-format',
      protects: 'A record of an unknown format is refused.',
      find: 'if (!isRecord) throw new BugError(',
      replace: 'if (value === null) throw new BugError(',
      suites: ['laws/history'],
    },
  ]),
];
