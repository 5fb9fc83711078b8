import { inFile, type Safeguard, type Suite } from './safeguard.js';

const PLAYED: readonly Suite[] = ['worlds'];

/** What the machines do, and the pure modules that judge heads, catalogs and what a screen is told. */
export const PURE_MODULES: readonly Safeguard[] = [
  ...inFile('packages/core/src/checkpoint.ts', PLAYED, [
    {
      id: 'disk-lowers-journal',
      protects: 'A recorded offset is lowered to what the disk holds.',
      find: 'const ranges = clipped(rangesOf(checkpoint), sizeBytes);',
      replace: 'const ranges = sizeBytes < 0 ? [] : rangesOf(checkpoint);',
    },
    {
      id: 'disk-never-raises',
      protects: 'A length on the disk proves nothing: it never raises a recorded offset.',
      find: 'const ranges = clipped(rangesOf(checkpoint), sizeBytes);',
      replace: 'const ranges = clipped([{ from: 0, to: sizeBytes }], sizeBytes);',
      suites: ['laws/oracle', 'worlds'],
    },
  ]),
  ...inFile('packages/core/src/core-machine.ts', PLAYED, [
    {
      id: 'progress-renews',
      protects: 'Progress renews the attempts.',
      find: 'attempt: 0,\n        fault: null,\n        highWater',
      replace: 'fault: null,\n        highWater',
      suites: ['laws/oracle', 'worlds'],
    },
    {
      id: 'void-bytes',
      protects: 'Offsets of bytes that turned out wrong are forgotten.',
      find: 'retryAt: at, fault, durable: without(context.durable, event.voided)',
      replace: 'retryAt: at, fault, durable: context.durable',
      suites: ['laws/oracle', 'worlds'],
    },
    {
      id: 'old-version-stays',
      protects: 'A failed update leaves the old version ready.',
      find: "{ guard: 'hasInstalled', target: 'ready', actions: 'remember' },\n    { target: 'failed', actions: 'remember' },",
      replace: "{ target: 'failed', actions: 'remember' },",
    },
    {
      id: 'archive-unpacked',
      protects: 'An archive is installed unpacked.',
      find: "{ guard: 'isArchive', target: 'extracting', actions: 'remember' },",
      replace: '',
    },
    {
      id: 'backoff-survives-crash',
      protects: 'Who was waiting for the next attempt is woken after a crash too.',
      find: "CoreWoken: { target: 'backingOff', reenter: true, actions: 'remember' },",
      replace: "CoreWoken: { actions: 'remember' },",
    },
    {
      id: 'deleting-survives-crash',
      protects: 'A deletion that a crash interrupted is brought to its end.',
      find: "CoreWoken: { target: 'deleting', reenter: true, actions: 'remember' },",
      replace: "CoreWoken: { actions: 'remember' },",
    },
    {
      id: 'cancelling-survives-crash',
      protects: 'A cancellation that a crash interrupted is brought to its end.',
      find: "CoreWoken: { target: 'cancelling', reenter: true, actions: 'remember' },",
      replace: "CoreWoken: { actions: 'remember' },",
    },
  ]),
  ...inFile(
    'packages/core/src/evolve.ts',
    ['laws/history'],
    [
      {
        id: 'unaccepted-event',
        protects: 'A history that cannot be is refused by name, not passed over.',
        find: 'if (!isAccepted) throw new UnacceptedEvent(event, core.phase, position);',
        replace: '',
      },
      {
        id: 'unaccepted-voice-event',
        protects: 'The same for what is told of voices.',
        find: 'if (!isAccepted) throw new UnacceptedEvent(event, voice.phase, position);',
        replace: '',
      },
    ],
  ),
  ...inFile(
    'packages/core/src/validator.ts',
    ['laws/head'],
    [
      {
        id: 'weak-tag-kept',
        protects: 'A weak entity tag is never offered for a resume.',
        find: 'if (headers.etag !== undefined) return strongEtag(headers);',
        replace: 'if (headers.etag !== undefined) return headers.etag.trim();',
      },
      {
        id: 'weak-tag-proves-nothing',
        protects: 'A weak entity tag in an answer proves nothing.',
        find: " || present.startsWith('W/')",
        replace: '',
      },
      {
        id: 'young-date',
        protects: 'A date is offered only if it is strong: a second older than its response.',
        find: '>= 1000 ? modified : null',
        replace: '>= 0 ? modified : null',
      },
    ],
  ),
  ...inFile(
    'packages/core/src/response.ts',
    ['laws/head'],
    [
      {
        id: 'changed-validator',
        protects: 'A file that changed since its first byte is not continued.',
        find: 'if (isSame === false) {',
        replace: 'if (isSame === false && want.from < 0) {',
      },
      {
        id: 'range-start',
        protects: 'A part is appended only where the staged bytes end.',
        find: 'if (range.first !== want.from) {',
        replace: 'if (range.first > want.from) {',
      },
      {
        id: 'range-end',
        protects: 'A part that reaches beyond the end of the file is refused.',
        find: 'if (range.last >= end) {',
        replace: 'if (range.last > end) {',
      },
      {
        id: 'range-total',
        protects: 'A part of a file of another size is refused.',
        find: 'if (range.total !== null && !want.sizes.includes(range.total)) {',
        replace: 'if (range.total !== null && range.total < 0) {',
      },
      {
        id: 'range-length',
        protects: 'A part whose length contradicts its range is refused.',
        find: 'if (length !== null && length !== span) {',
        replace: 'if (length !== null && length < 0) {',
      },
      {
        id: 'unasked-part',
        protects: 'A part that nobody asked for is refused.',
        find: "if (!want.isRange) return fault('serverError', 'unaskedPart', 'the server answered 206 to a request without a range');",
        replace: '',
      },
      {
        id: 'several-parts',
        protects: 'Several ranges in one body are refused.',
        find: "if (/^multipart\\//i.test(headers['content-type'] ?? '')) {",
        replace: "if (/^multipart\\/$/i.test(headers['content-type'] ?? '')) {",
      },
      {
        id: 'whole-length',
        protects: 'A whole file of another size is refused before its first byte.',
        find: 'if (length !== null && !want.sizes.includes(length)) {',
        replace: 'if (length !== null && length < 0) {',
      },
      {
        id: 'content-encoding',
        protects: 'Encoded bytes are refused: offsets and digests are of the plain ones.',
        find: "if (encoding !== 'identity' && encoding !== '') {",
        replace: "if (encoding === 'br') {",
      },
      {
        id: 'told-digest',
        protects: 'A server that tells another digest is believed before its first byte.',
        find: 'told !== null && want.sha256.length > 0 && !want.sha256.includes(told)',
        replace: 'told !== null && want.sha256.length > 1 && !want.sha256.includes(told)',
      },
      {
        id: 'nothing-left',
        protects: '"Nothing is left" counts only for a file of an accepted size.',
        find: 'if (total !== null && total === want.from && want.sizes.includes(total))',
        replace: 'if (total !== null && total === want.from)',
      },
    ],
  ),
  ...inFile(
    'packages/core/src/catalog.ts',
    ['laws/catalog'],
    [
      {
        id: 'platform',
        protects: 'What is for another platform is not fetched.',
        find: 'return core.platforms === null || core.platforms.includes(this.platform);',
        replace: 'return true;',
      },
    ],
  ),
  ...inFile('packages/core/src/status.ts', PLAYED, [
    {
      id: 'never-above-all',
      protects: 'Progress is never above the whole.',
      find: 'return Math.min(total, Math.max(here, flowing));',
      replace: 'return Math.max(here, flowing);',
      suites: ['laws/status', 'worlds'],
    },
    {
      id: 'durable-counts',
      protects: 'Progress does not fall to nothing between two attempts.',
      find: 'return Math.min(total, Math.max(here, flowing));',
      replace: 'return Math.min(total, flowing);',
      suites: ['laws/status', 'worlds'],
    },
    {
      id: 'flow-of-ticket',
      protects: 'Bytes that flowed under an older ticket are not shown.',
      find: 'live !== undefined && (live.ticket === context.ticket || LAST_WORDS.has(phase))',
      replace: 'live !== undefined',
      suites: ['laws/status', 'worlds'],
    },
    {
      id: 'why-paused',
      protects: 'Whatever does not move says why.',
      find: "if (phase === 'queued') return 'waitingForSlot';",
      replace: '',
    },
  ]),
];
