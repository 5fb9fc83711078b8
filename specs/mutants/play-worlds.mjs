/**
 * Plays worlds of fixed seeds, and those that once broke a law, until one breaks a law. Prints which as one line of JSON, or null. Runs in the
 * copy of the tree that holds a mutant.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { LAWS, play, scriptOf } from '@lading/sim';

const worlds = Number(process.argv[2]);
const seeds = new URL('../seeds/', import.meta.url);

function* scripts() {
  for (const name of readdirSync(seeds).filter((each) => each.endsWith('.json')))
    yield JSON.parse(readFileSync(new URL(name, seeds), 'utf8')).script;
  for (let seed = 1; seed <= worlds; seed++) yield scriptOf(seed);
}

let found = null;
for (const script of scripts()) {
  const [violation] = (await play(script, LAWS)).violations;
  if (violation === undefined) continue;
  found = violation.law;
  break;
}
process.stdout.write(`${JSON.stringify(found)}\n`);
process.exit(0);
