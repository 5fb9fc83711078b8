import { inFile, type Safeguard, type Suite } from './safeguard.js';

const PLAYED: readonly Suite[] = ['worlds'];

/** What `decide` and the policies beside it do. */
export const DECISIONS: readonly Safeguard[] = [
  ...inFile('packages/core/src/decide-report.ts', PLAYED, [
    {
      id: 'stale-ticket',
      protects: 'A report of a job that was ended changes nothing.',
      find: 'if (report.ticket !== core.context.ticket) return true;',
      replace: '',
      suites: ['laws/decision', 'worlds'],
    },
    {
      id: 'report-in-phase',
      protects: 'A report counts only in the phase that waits for it.',
      find: 'return core.phase !== EXPECTED_IN[report.type];',
      replace: 'return false;',
    },
    {
      id: 'last-word',
      protects: 'What a transfer made durable while it was being paused is counted.',
      find: "if (report.type === 'checkpointed' && isLastWord(core, report.ticket)) return false;",
      replace: '',
      suites: ['laws/decision', 'worlds'],
    },
    {
      id: 'progress-is-new',
      protects: 'Bytes that are fetched again after a loss do not renew the attempts.',
      find: 'return now - highWater >= step ||',
      replace: 'return now >= step ||',
    },
    {
      id: 'full-disk-pauses',
      protects: 'A full disk pauses a download and fails nobody.',
      find: "if (fault.type === 'noSpace' && context.installed === null) {",
      replace: "if (fault.type === 'noSpace' && context.ticket < 0) {",
    },
    {
      id: 'lost-generation',
      protects: 'A loss concerns the generation that was looked at, not the one that replaced it.',
      find: 'core.context.installed?.generation !== report.generation || ',
      replace: '',
      suites: ['laws/decision', 'worlds'],
    },
    {
      id: 'wanted-again',
      protects: 'What is asked for while it is being cancelled or deleted is fetched when it is gone.',
      find: 'draft.settleLeaving(id);\n  draft.settleDemand(id);',
      replace: 'draft.settleLeaving(id);',
    },
    {
      id: 'woken-ticket',
      protects: 'After a crash work goes on under a new ticket.',
      find: 'ticket: ticket + 1, staged: wake.staged',
      replace: 'ticket, staged: wake.staged',
    },
    {
      id: 'woken-work',
      protects: 'What a dead process was doing is taken up again.',
      find: "if (!isBusy(core) && core.phase !== 'backingOff') continue;",
      replace: 'if (!isBusy(core)) continue;',
    },
    {
      id: 'weak-warning',
      protects: 'What only a weak digest vouches for is installed with a warning.',
      find: 'weak: core.context.weak,',
      replace: 'weak: [],',
    },
  ]),
  ...inFile('packages/core/src/decide-command.ts', PLAYED, [
    {
      id: 'delete-in-use',
      protects: 'A core that voices use is deleted only by force.',
      find: 'if (inUse.length > 0 && !isForced) {',
      replace: 'if (inUse.length > 1_000 && !isForced) {',
    },
    {
      id: 'unavailable-first',
      protects: 'Voices are unavailable before the first file of their core goes.',
      find: 'draft.settleLost(id);\n  const core = coreIn(draft.state, id);',
      replace: 'const core = coreIn(draft.state, id);',
    },
    {
      id: 'retry-together',
      protects: 'A core that is tried again takes the voices along that failed because of it.',
      find: "if (voice.phase === 'failed' && isHopeful)",
      replace: "if (voice.phase === 'failed' && isHopeful && id === core)",
    },
  ]),
  ...inFile('packages/core/src/draft.ts', PLAYED, [
    {
      id: 'cancel-fence',
      protects: 'Pausing or cancelling takes a new ticket, so that nothing of the old job counts.',
      find: 'const ticket = core.context.ticket + 1;',
      replace: 'const ticket = core.context.ticket;',
    },
    {
      id: 'start-fence',
      protects: 'Every job has a ticket of its own.',
      find: 'ticket: context.ticket + 1,\n      revision: spec.revision,',
      replace: 'ticket: context.ticket,\n      revision: spec.revision,',
    },
    {
      id: 'level-triggered',
      protects: 'A paused core goes on as soon as anybody wants it.',
      find: "if (core.phase === 'absent' || core.phase === 'paused') this.enqueue",
      replace: "if (core.phase === 'absent') this.enqueue",
    },
    {
      id: 'unwanted-rests',
      protects: 'A core that waits for its next attempt stops when nobody wants it any more.',
      find: "case 'installing':\n      case 'backingOff':",
      replace: "case 'installing':",
    },
    {
      id: 'shared-core-stays',
      protects: 'A core is dropped only when its last holder lets go.',
      find: 'const isFree = demandOn(this.state, id).holders.size === 0;',
      replace: 'const isFree = true;',
      suites: ['laws/decision', 'worlds'],
    },
    {
      id: 'all-cores-ready',
      protects: 'A voice is ready only when all its cores are.',
      find: 'voice.context.cores.every((core) => isUsable(this.state.cores.get(core)))',
      replace: 'voice.context.cores.some((core) => isUsable(this.state.cores.get(core)))',
    },
    {
      id: 'leaving-waits',
      protects: 'A voice is gone only when what it leaves behind is.',
      find: 'if (isBusy) return;',
      replace: '',
      suites: ['laws/decision', 'worlds'],
    },
    {
      id: 'slots',
      protects: 'No more cores are in work than there are slots.',
      find: 'while (this.state.working.size < this.policy.slots) {',
      replace: 'while (this.state.working.size <= this.policy.slots) {',
    },
    {
      id: 'other-revision',
      protects: 'Bytes of another revision are not built upon.',
      find: 'keepsStaged: context.revision === spec.revision,',
      replace: 'keepsStaged: true,',
      suites: ['laws/decision', 'worlds'],
    },
  ]),
  ...inFile('packages/core/src/queue.ts', PLAYED, [
    {
      id: 'priority',
      protects: 'Who is more urgent starts first.',
      find: 'b.priority - a.priority || ',
      replace: '',
      suites: ['laws/decision', 'worlds'],
    },
    {
      id: 'first-come',
      protects: 'Among equals, who queued first starts first.',
      find: 'a.order - b.order',
      replace: 'b.order - a.order',
      suites: ['laws/decision', 'worlds'],
    },
  ]),
  ...inFile('packages/core/src/retry.ts', PLAYED, [
    {
      id: 'attempts-bounded',
      protects: 'Attempts that bring nothing come to an end.',
      find: 'attempt >= policy.maxAttempts || ',
      replace: '',
    },
    {
      id: 'strikes-bounded',
      protects: 'Wrong bytes are fetched a bounded number of times, whatever progress there is.',
      find: ' || strikes >= policy.maxStrikes',
      replace: '',
    },
    {
      id: 'final-faults',
      protects: 'A fault that repetition cannot mend is not repeated.',
      find: 'if (!isRetryable(fault)) return',
      replace: 'if (!isRetryable(fault) && luck > 1) return',
    },
    {
      id: 'retry-after',
      protects: 'Nobody comes back before `Retry-After`.',
      find: 'Math.min(retryAfterMs, policy.retryAfterMaxMs)',
      replace: 'Math.min(0, retryAfterMs, policy.retryAfterMaxMs)',
    },
    {
      id: 'retry-after-bounded',
      protects: 'No server makes us wait for days.',
      find: 'Math.min(retryAfterMs, policy.retryAfterMaxMs)',
      replace: 'retryAfterMs',
    },
    {
      id: 'backoff-base',
      protects: 'No retry comes sooner than the base delay.',
      find: 'Math.max(policy.retryBaseMs, ceiling / 2 + (luck * ceiling) / 2)',
      replace: 'ceiling / 2 + (luck * ceiling) / 2',
    },
    {
      id: 'backoff-cap',
      protects: 'The backoff grows to its cap, and is still spread there.',
      find: 'Math.min(policy.retryCapMs, policy.retryBaseMs * 2 ** Math.max(0, attempt - 1))',
      replace: 'policy.retryBaseMs * 2 ** Math.max(0, attempt - 1)',
      suites: ['laws/retry'],
    },
  ]),
];
