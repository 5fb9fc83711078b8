// `npm run bench:state`: what machines, journal, catalog, streams and starting cost, and whether it stays flat as catalogs grow. Prints a table;
// `--record` writes it into RESULTS-STATE.md; `--only PART` measures one part. CPU rather than wall time: a busy machine may run it.
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { median } from './figures.mjs';
import { measure } from './measure.mjs';
import { figure, isHeld, tableOf } from './state/figure.mjs';
import { machines } from './state/machines.mjs';
import { weigh } from './state/memory.mjs';
import { scale } from './state/scale.mjs';
import { streams } from './state/streams.mjs';

const here = fileURLToPath(import.meta.url);
const main = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const results = new URL('RESULTS-STATE.md', import.meta.url);

function memory() {
  return ['packs', 'shared'].flatMap((kind) => {
    const text = execFileSync(process.execPath, ['--expose-gc', here, '--weigh', kind], { encoding: 'utf8' });
    const { heapMiB, rssMiB } = JSON.parse(text);
    const what = `catalog and state of 100,000 voices ${kind === 'packs' ? 'and 100,001 cores' : 'that share one core'}`;
    return [figure(`${what}, heap`, heapMiB, 'MiB', 200), figure(`${what}, RSS`, rssMiB, 'MiB', 200)];
  });
}

async function starts() {
  const commands = {
    bare: 'node -e 0',
    '`lading --help`': `node ${main} --help`,
    '`lading list`, all catalogs': `node ${main} list --dir /nonexistent/lading`,
  };
  const runs = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  for (let round = 0; round < 9; round++) {
    for (const [name, command] of Object.entries(commands)) runs[name].push((await measure(command)).cpuS * 1000);
  }
  const [, help, list] = Object.entries(runs).map(([name, each]) => [name, median(each) - median(runs.bare)]);
  return [
    figure(`${help[0]} beyond bare Node`, help[1], 'ms CPU', 120),
    figure(`${list[0]}, the same`, list[1], 'ms CPU', 150),
  ];
}

const PARTS = { scale, machines, streams, memory, starts };

async function measured(only) {
  const sections = [];
  for (const [name, part] of Object.entries(PARTS)) {
    if (only !== undefined && only !== name) continue;
    const figures = await part();
    sections.push({ figures, text: `## ${name}\n\n${tableOf(figures)}` });
    process.stdout.write(`${sections.at(-1).text}\n\n`);
  }
  return sections;
}

const [flag, word] = process.argv.slice(2);
if (flag === '--weigh') process.stdout.write(JSON.stringify(weigh(word)));
else {
  const sections = await measured(flag === '--only' ? word : undefined);
  const missed = sections.flatMap(({ figures }) => figures.filter((each) => !isHeld(each)));
  process.stderr.write(`${missed.length} bars not held\n`);
  if (process.argv.includes('--record')) {
    const day = new Date().toISOString().slice(0, 10);
    const place = `${day}, ${cpus().length} × ${cpus()[0].model}, Node ${process.versions.node}, load ${(await import('node:os')).loadavg()[0].toFixed(0)}`;
    const head = `# State at scale\n\nWritten by \`npm run bench:state -- --record\`: ${place}. As measured; lower is better.`;
    await writeFile(results, `${[head, ...sections.map(({ text }) => text)].join('\n\n')}\n`);
  }
}
