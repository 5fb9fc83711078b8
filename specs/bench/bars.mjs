// What Lading is to reach, and whether it did: ratios to others in the same run, and what it may spend. Not seconds, which are the machine's.
import { ARIA2C, COMMAND, CURL, CURL_SYNCED, HUB, LIBRARY } from './contestants.mjs';

const against = (what, key) => (name, peer, atMost, aim) => ({
  words: `${name}: ${what} ÷ that of ${peer}`,
  atMost,
  aim,
  of: (results, who) => {
    const figures = results[name]?.figures;
    return figures?.[who] && figures[peer] ? figures[who][key] / figures[peer][key] : null;
  },
});

const ratio = against('wall time', 'wallS');
const ratioOfCpu = against('CPU', 'cpuSPerGb');

const spent = (name, words, key, atMost, aim) => ({
  words: `${name}: ${words}`,
  atMost,
  aim,
  of: (results, who) => results[name]?.figures[who]?.[key] ?? null,
});

/** Of the command alone. */
const ofCommand = (words, atMost, read) => ({
  words,
  atMost,
  of: (results, who) => (who === COMMAND ? (read(results) ?? null) : null),
});

const BARS = [
  ratio('A', CURL, 0.45, 0.37),
  ratio('A', CURL_SYNCED, 0.75, 0.62),
  ratio('A', ARIA2C, 0.27, 0.22),
  ratio('B', ARIA2C, 0.55),
  ratio('D', CURL, 1.05),
  ratio('D', ARIA2C, 0.5),
  ratio('D', HUB, 0.6),
  ratio('E', CURL, 0.43),
  ratio('E', HUB, 1),
  ratio('T', CURL, 0.5),
  spent('A', 'CPU seconds per GB', 'cpuSPerGb', 2.5, 2.2),
  // Seconds of CPU are the machine's as well: where these bars were set, it took curl + openssl + fsync 2.05.
  ratioOfCpu('A', CURL_SYNCED, 1.22, 1.07),
  spent('A', 'peak MiB', 'peakMib', 150, 120),
  spent('E', 'peak MiB', 'peakMib', 150, 120),
  ofCommand('S: CPU ms of `lading --help` beyond bare Node', 120, ({ S }) => S?.help),
  ofCommand('S: CPU ms of `lading list` of all catalogs beyond bare Node', 150, ({ S }) => S?.list),
  ofCommand(
    'L: `--limit-rate` over any 5 s, apart from the limit by',
    0.05,
    ({ L }) => L && Math.max(L.fastest - 1, 1 - L.slowest),
  ),
];

const judged = (value, atMost) => (value === null ? null : { value, isHeld: value <= atMost });

/** `{ words, atMost, aim, command, library }` for every bar; the last two are `{ value, isHeld }`, or null where nothing was measured. */
export function judge(results) {
  return BARS.map(({ words, atMost, aim = null, of }) => ({
    words,
    atMost,
    aim,
    command: judged(of(results, COMMAND), atMost),
    library: judged(of(results, LIBRARY), atMost),
  }));
}
