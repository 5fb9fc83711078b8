// The results as text: a table for each case, one of the bars, and the few lines that the README shows.
import { ARIA2C, COMMAND, CONTESTANTS, CURL, CURL_SYNCED, LIBRARY } from './contestants.mjs';

const table = (head, rows) =>
  [head, head.map((_, index) => (index === 0 ? '---' : '--:')), ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');

const ratioTo = (figures, who, peer) =>
  figures[who] && figures[peer] ? (figures[who].wallS / figures[peer].wallS).toFixed(2) : '–';

export function caseTable(name, { title, figures }) {
  const rows = CONTESTANTS.filter((each) => each.name in figures).map((each) => {
    const { wallS, megabytesPerS, cpuSPerGb, peakMib } = figures[each.name];
    return [
      each.name,
      each.proves ? 'yes' : 'no',
      each.syncs ? 'yes' : 'no',
      wallS.toFixed(2),
      megabytesPerS.toFixed(0),
      cpuSPerGb.toFixed(2),
      peakMib.toFixed(0),
      ratioTo(figures, COMMAND, each.name),
      ratioTo(figures, LIBRARY, each.name),
    ];
  });
  const head = ['', 'proves', 'syncs', 'wall s', 'MB/s', 'CPU s/GB', 'peak MiB', 'command ÷ this', 'library ÷ this'];
  return `### ${name}: ${title}\n\n${table(head, rows)}`;
}

const number = (value) => (value < 10 ? value.toFixed(2) : value.toFixed(0));
const verdict = (judged) =>
  judged === null ? '–' : `${number(judged.value)} ${judged.isHeld ? 'held' : '**not held**'}`;

/** `starts` may be undefined, if they were not measured. */
export function barTable(bars, starts) {
  const measured = bars.filter(({ command, library }) => command !== null || library !== null);
  const rows = measured.map(({ words, atMost, aim, command, library }) => [
    words,
    String(atMost),
    aim === null ? '' : String(aim),
    verdict(command),
    verdict(library),
  ]);
  const bare = starts && `Bare Node itself took ${starts.bare.toFixed(0)} ms of CPU to start.\n\n`;
  return `### Bars\n\n${bare ?? ''}${table(['Lading', 'at most', 'aim', 'command', 'library'], rows)}`;
}

/** What comes before the tables; `notes` say who did not race. */
export const headOf = ({ machine, rounds, notes }) =>
  [
    `${machine.when}, ${machine.processor}, ${machine.kernel}, Node ${machine.node}, ${machine.curl}; load average at the start ${machine.load}.`,
    `Medians of ${rounds} interleaved rounds, from nginx on loopback on the same machine: the ratios tell something, the seconds are this machine's.`,
    ...notes,
  ].join('\n');

export const resultsPage = (report) => `# How fast, measured

Written by \`npm run bench -- --record\`, after \`npm run bench:install\`. Each contestant is a process or a shell of its own; CPU is that of all its processes, the peak that of the
largest. Every output's digest was checked, outside of the timing. *Proves*: compares a sha256. *Syncs*: the bytes are on the disk when it ends. How each was called stands in
[contestants.mjs](contestants.mjs), why the limit of B is honest in [relay.mjs](relay.mjs).

${report}`;

/** What stands in the README; `cases` are `{ title, figures }` by name. */
export function summaryOf({ machine, rounds, cases }) {
  const rows = Object.entries(cases).map(([name, { title, figures }]) => [
    `${name}: ${title}`,
    figures[COMMAND].megabytesPerS.toFixed(0),
    ...[CURL, CURL_SYNCED, ARIA2C].map((peer) => ratioTo(figures, COMMAND, peer)),
  ]);
  return [
    `Time of \`lading download\`, which proves and syncs, as a part of what others take for the same from an nginx on the same machine (below 1: Lading is faster). Medians of ${rounds} interleaved`,
    `rounds, ${machine.when.slice(0, 10)}, ${machine.processor}, Node ${machine.node}. More, and what is to be reached: [specs/bench/RESULTS.md](specs/bench/RESULTS.md), \`npm run bench\`.`,
    '',
    table(['', 'MB/s', `÷ ${CURL}`, `÷ ${CURL_SYNCED}`, `÷ ${ARIA2C}, verified`], rows),
  ].join('\n');
}
