import { isPersonAct } from './act.js';
import type { Violation } from './checker.js';
import { LAWS } from './laws.js';
import type { Observation } from './observation.js';
import { play } from './play.js';
import type { Script } from './script.js';
import { actIn, eventIn } from './tale.js';

/** Lines that a story may have; the end is what matters. */
const MOST_LINES = 400;

function lineOf(observation: Observation): readonly [who: string, what: string] | null {
  switch (observation.type) {
    case 'act':
      return [isPersonAct(observation.act) ? 'person' : 'weather', actIn(observation.act)];
    case 'answer':
      return [
        'answer',
        `${actIn(observation.act)}: ${observation.code}${observation.message === '' ? '' : ` (${observation.message})`}`,
      ];
    case 'opening':
      return ['program', `process ${observation.pid} opens the depot`];
    case 'notOpened':
      return ['program', `the depot does not open: ${String(observation.error)}`];
    case 'closed':
      return ['program', 'the depot is closed'];
    case 'died':
      return ['program', `the process is dead (${observation.how})`];
    case 'broken':
      return ['program', `the journal cannot be written: ${String(observation.error)}`];
    case 'record':
      return ['journal', observation.record.events.map(eventIn).join(' · ')];
    case 'request':
      return ['network', `GET ${observation.url}${observation.from === null ? '' : ` from byte ${observation.from}`}`];
    case 'response':
      return ['network', `answer ${observation.status}`];
    case 'reset':
      return ['disk', `${observation.core}/${observation.file} is begun anew`];
    case 'store':
      return [
        'disk',
        `${observation.call} ${observation.core}${observation.keep === null ? '' : ` (${observation.keep})`}`,
      ];
    case 'healed':
      return ['weather', 'from here on nothing goes wrong any more'];
    case 'rest':
      return ['world', 'rests'];
    case 'settled':
      return ['world', 'has brought what it was asked for again'];
    case 'end':
      return ['world', 'ends'];
    default:
      return null;
  }
}

export const violationIn = ({ law, kind, message }: Violation): string => `LAW BROKEN (${kind}): ${law}: ${message}`;

const timeIn = (ms: number): string => `${(ms / 1_000).toFixed(3).padStart(10)} s`;

/** A script as it is performed, as a timeline for people: who did what when, what was recorded, and where a law broke. */
export async function storyOf(script: Script, laws = LAWS): Promise<string> {
  const lines: string[] = [
    `seed ${script.seed}, ${script.acts.length} acts, policy ${JSON.stringify(script.policy)}, stall after ${script.stallMs} ms`,
  ];
  const { violations } = await play(script, laws, {
    observe: (world) => (observation) => {
      const line = lineOf(observation);
      if (line !== null) lines.push(`${timeIn(world.elapsedMs)}  ${line[0].padEnd(8)} ${line[1]}`);
    },
    onViolation: (violation) => lines.push(`${timeIn(violation.atMs)}  ${violationIn(violation)}`),
  });
  const skipped = lines.length - MOST_LINES;
  const told = skipped <= 0 ? lines : [...lines.slice(0, 1), `… ${skipped} lines …`, ...lines.slice(skipped + 1)];
  return [...told, violations.length === 0 ? 'No law is broken.' : `${violations.length} times a law was broken.`].join(
    '\n',
  );
}
