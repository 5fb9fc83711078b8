import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Safeguard } from './safeguard.js';
import { ALL, SAFEGUARDS } from './safeguards.js';
import { type Red, redAlready, redBy } from './suites.js';
import { rowsOf, tableOf } from './table.js';
import { Workshop } from './workshop.js';

const USAGE = `npm run mutants -- [--place PLACE]... [--only ID]... [--json]

Takes each safeguard of specs/mutants away in a copy of the tree, and looks what turns red. Writes specs/mutants/RESULTS.md.

  --place PLACE  those of ${Object.keys(SAFEGUARDS).join(', ')}; may be repeated. The others keep their rows
  --only ID      this one; may be repeated
  --json         one JSON object a line on stdout

Exit: 0 as listed · 1 a safeguard survives that has no reason to, or one that has is killed · 2 usage`;

const say = (text: string): void => void process.stderr.write(`${text}\n`);

const isKilled = (red: Red | null): boolean => red !== null && red.suite !== 'unit';

/** A safeguard and what became of it differ from the list. */
const isOdd = ({ survives }: Safeguard, red: Red | null): boolean => isKilled(red) === (survives !== undefined);

function verdictOf(safeguard: Safeguard, red: Red | null): string {
  if (red === null) return safeguard.survives === undefined ? 'SURVIVES' : 'survives, as listed';
  if (red.suite === 'unit')
    return `${safeguard.survives === undefined ? 'SURVIVES' : 'survives, as listed,'} all but a unit test: ${red.sentence}`;
  return `${safeguard.survives === undefined ? '' : 'KILLED, though listed as a survivor: '}${red.suite}: ${red.sentence}`;
}

async function judged(
  chosen: readonly Safeguard[],
  tree: string,
  { isJson, isWhole }: { readonly isJson: boolean; readonly isWhole: boolean },
): Promise<ReadonlyMap<string, Red | null>> {
  const reds = new Map<string, Red | null>();
  const results = join(tree, 'specs/mutants/RESULTS.md');
  const before = rowsOf(await readFile(results, 'utf8').catch(() => ''));
  await using shop = await Workshop.of(tree);
  // Who tries a few by name is in a hurry.
  const suites = isWhole ? chosen.flatMap((safeguard) => safeguard.suites) : [];
  const already = await redAlready(shop, new Set(suites));
  if (already !== null) throw new Error(`red before anything was taken away: ${already.suite}: ${already.sentence}`);
  for (const [i, safeguard] of chosen.entries()) {
    const { id, protects, survives } = safeguard;
    const head = `${String(i + 1).padStart(3)} of ${chosen.length}  ${id.padEnd(28)}`;
    if (process.stderr.isTTY) process.stderr.write(head);
    const red = await shop
      .mutated(safeguard, () => redBy(shop, safeguard))
      .catch((error: unknown) => {
        throw new Error(`${id}: ${error instanceof Error ? error.message : String(error)}`);
      });
    reds.set(id, red);
    // Each time: a run takes long, and who ends it keeps what was found.
    await writeFile(results, tableOf(reds, before));
    if (isJson)
      process.stdout.write(`${JSON.stringify({ type: 'mutant', id, protects, red, survives: survives ?? null })}\n`);
    say(`${process.stderr.isTTY ? '\r' : ''}${head}  ${verdictOf(safeguard, red)}`);
  }
  return reds;
}

/** Takes safeguards away; gives the exit code. `tree` is the root of the repository. */
export async function main(args: readonly string[], tree: string): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      place: { type: 'string', multiple: true },
      only: { type: 'string', multiple: true },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const { only = [], place = [] } = values;
  const places: Readonly<Record<string, readonly Safeguard[]>> = SAFEGUARDS;
  const unknown = [
    ...only.filter((id) => !ALL.some((each) => each.id === id)),
    ...place.filter((each) => !places[each]),
  ];
  if (unknown.length > 0) {
    say(`no safeguard or place is called ${JSON.stringify(unknown[0])}\n\n${USAGE}`);
    return 2;
  }
  const here = new Set(place.flatMap((each) => places[each] ?? []));
  const chosen =
    only.length + place.length === 0 ? ALL : ALL.filter((each) => here.has(each) || only.includes(each.id));
  const reds = await judged(chosen, tree, { isJson: values.json === true, isWhole: only.length === 0 });
  const odd = chosen.filter((safeguard) => isOdd(safeguard, reds.get(safeguard.id) ?? null));
  const killed = [...reds.values()].filter(isKilled).length;
  say(
    `${killed} of ${chosen.length} turn a law or a sentence red; ${odd.length} are not as listed${odd.length === 0 ? '' : `: ${odd.map(({ id }) => id).join(', ')}`}`,
  );
  return odd.length === 0 ? 0 : 1;
}
