// What it costs to start the command at all, in CPU milliseconds beyond `node -e 0`.
import { fileURLToPath } from 'node:url';
import { median } from './figures.mjs';
import { measure } from './measure.mjs';

const ROUNDS = 9;
const cli = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));

/** `{ bare, help, list }`: bare Node itself, and what the other two take beyond it; the list is that of all catalogs. */
export async function measureStarts(dir, say) {
  const commands = { bare: 'node -e 0', help: `node ${cli} --help`, list: `node ${cli} list --dir empty` };
  const spentS = { bare: [], help: [], list: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, command] of Object.entries(commands))
      spentS[name].push((await measure(command, { cwd: dir })).cpuS);
  }
  const spentMs = (name) => median(spentS[name]) * 1000;
  const bare = spentMs('bare');
  const starts = { bare, help: spentMs('help') - bare, list: spentMs('list') - bare };
  say(
    `S  bare Node ${bare.toFixed(0)} ms of CPU, --help ${starts.help.toFixed(0)} and list ${starts.list.toFixed(0)} more`,
  );
  return starts;
}
