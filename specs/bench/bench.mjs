// `npm run bench`: one gibibyte from a real nginx on this machine, by the built command and by `curl | sha256sum`, in turn; then what starting
// costs. Every output's digest is checked outside the timing. `--record` writes the table into the README.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { measure, median } from './measure.mjs';
import { startNginx } from './nginx.mjs';
import { randomFile } from './random-file.mjs';

const ROUNDS = 5;
const MIB = 1024 * 1024;
const SIZE = 1024 * MIB;
const main = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const readme = fileURLToPath(new URL('../../README.md', import.meta.url));

const dir = await mkdtemp(join(tmpdir(), 'lading-bench-'));
const say = (text) => process.stderr.write(`${text}\n`);

async function sha256Of(path) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: MIB }), hash);
  return hash.digest('hex');
}

async function transfers(url, sha256) {
  const catalog = join(dir, 'catalog.json');
  const file = { filename: 'big.bin', url: `${url}/big.bin`, sizeBytes: SIZE, sha256 };
  await writeFile(catalog, JSON.stringify({ version: 3, cores: [{ id: 'big', files: [file] }], voices: [] }));
  const depot = join(dir, 'depot');
  const contestants = {
    'lading download': {
      command: `node ${main} download big --dir ${depot} --catalog ${catalog} --quiet --json`,
      check: checkLading,
    },
    'curl | sha256sum': { command: `curl -sf ${url}/big.bin | sha256sum`, check: checkCurl },
  };
  async function checkLading({ stdout }) {
    const ready = stdout
      .split('\n')
      .map((line) => (line === '' ? {} : JSON.parse(line)))
      .find((record) => record.type === 'ready');
    if ((await sha256Of(ready.paths[0])) !== sha256) throw new Error('lading installed wrong bytes');
    await rm(depot, { recursive: true });
  }
  function checkCurl({ stdout }) {
    if (!stdout.startsWith(sha256)) throw new Error('curl received wrong bytes');
  }
  const runs = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [name, { command, check }] of Object.entries(contestants)) {
      const run = await measure(command);
      await check(run);
      runs[name].push(run);
      say(`round ${round}/${ROUNDS}  ${name.padEnd(18)} ${run.wallS.toFixed(2)} s  ${run.cpuS.toFixed(2)} s CPU`);
    }
  }
  return runs;
}

async function starts() {
  const empty = join(dir, 'empty');
  const commands = {
    'node -e 0': 'node -e 0',
    'lading --help': `node ${main} --help`,
    'lading list (all catalogs)': `node ${main} list --dir ${empty}`,
  };
  const runs = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  for (let round = 0; round < 9; round++) {
    for (const [name, command] of Object.entries(commands)) runs[name].push(await measure(command));
  }
  return runs;
}

function tableOf(transferRuns, startRuns) {
  const of = (runs, key) => median(runs.map((run) => run[key]));
  const base = transferRuns['curl | sha256sum'];
  const rows = Object.entries(transferRuns).map(([name, runs]) => {
    const wall = of(runs, 'wallS');
    const ratio = (wall / of(base, 'wallS')).toFixed(2);
    const peak = Math.round(of(runs, 'peakBytes') / MIB);
    return `| ${name.replaceAll('|', '\\|')} | ${Math.round(SIZE / 1e6 / wall)} | ${(of(runs, 'cpuS') / (SIZE / 1e9)).toFixed(2)} | ${peak} | ${ratio} |`;
  });
  const bare = of(startRuns['node -e 0'], 'cpuS');
  const more = Object.entries(startRuns)
    .slice(1)
    .map(([name, runs]) => `| ${name} | ${Math.round((of(runs, 'cpuS') - bare) * 1000)} |`);
  return [
    `1 GiB from nginx on loopback, medians of ${ROUNDS} interleaved runs, ${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0].model}, Node ${process.versions.node}.`,
    'Lading verifies the digest and syncs to disk; `curl | sha256sum` stores nothing.',
    '',
    '| | MB/s | CPU s/GB | peak MiB | wall ratio |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    '| start | CPU ms beyond bare Node |',
    '|---|---|',
    ...more,
  ].join('\n');
}

try {
  const root = join(dir, 'www');
  await mkdir(root);
  say('making one gibibyte of random bytes …');
  const sha256 = await randomFile(join(root, 'big.bin'), SIZE);
  const nginx = await startNginx(dir, root);
  try {
    const table = tableOf(await transfers(nginx.url, sha256), await starts());
    process.stdout.write(`${table}\n`);
    if (process.argv.includes('--record')) {
      const text = await readFile(readme, 'utf8');
      await writeFile(readme, text.replace(/(<!-- bench:begin -->)[\s\S]*(<!-- bench:end -->)/, `$1\n${table}\n$2`));
    }
  } finally {
    await nginx.stop();
  }
} finally {
  await rm(dir, { recursive: true, force: true });
}
