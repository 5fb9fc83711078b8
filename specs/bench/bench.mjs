// `npm run bench`: Lading and others fetch the same from a real nginx on this machine, side by side in one run. Progress on stderr, tables on
// stdout. `--record` writes RESULTS.md and the lines of the README; `--only A,D`, `--rounds N` and `--scale 0.1` are for a quick look.
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { judge } from './bars.mjs';
import { CASE_NAMES, CONNECTION_BYTES_PER_SECOND, makeCase } from './cases.mjs';
import { makeCertificate } from './certificate.mjs';
import { present } from './contestants.mjs';
import { figuresOf } from './figures.mjs';
import { measureLimitRate } from './limit-rate.mjs';
import { describeMachine } from './machine.mjs';
import { startNginx } from './nginx.mjs';
import { readOptions } from './options.mjs';
import { race } from './race.mjs';
import { startRelay } from './relay.mjs';
import { barTable, caseTable, headOf, resultsPage, summaryOf } from './report.mjs';
import { measureStarts } from './starts.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const say = (text) => process.stderr.write(`${text}\n`);

/** What stands on stdout, and is recorded. */
const told = [];
function tell(text) {
  told.push(text);
  process.stdout.write(`${text}\n\n`);
}

const { only, rounds, scale, record } = readOptions(process.argv.slice(2));
const machine = describeMachine();
const { contestants, absent } = present();
for (const line of absent) say(line);
if (record && absent.length > 0) throw new Error('--record: all must race');

const dir = await mkdtemp(join(tmpdir(), 'lading-bench-'));
try {
  const root = join(dir, 'www');
  await mkdir(root);
  const tls = makeCertificate(dir);
  const nginx = await startNginx(dir, root, tls);
  const limiter = await startRelay(nginx.port, CONNECTION_BYTES_PER_SECOND);
  const urls = { plain: nginx.url, tls: nginx.tlsUrl, limited: `http://127.0.0.1:${limiter.port}` };
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => {
      void nginx.stop();
      rmSync(dir, { recursive: true, force: true });
      process.exit(1);
    });
  try {
    const cases = {};
    const notes = scale < 1 ? [...absent, `Only ${scale} of the size: no ratio of this means anything.`] : absent;
    tell(headOf({ machine, rounds, notes }));
    for (const name of CASE_NAMES.filter((each) => only.includes(each))) {
      const theCase = await makeCase(name, root, scale);
      const origin = { url: urls[theCase.way], certificate: tls.certificate };
      const runs = await race({ theCase, origin, contestants, rounds, dir, say });
      await rm(join(root, name), { recursive: true });
      const figures = Object.entries(runs).map(([who, each]) => [who, figuresOf(each, theCase.bytes)]);
      cases[name] = { title: theCase.title, figures: Object.fromEntries(figures) };
      tell(caseTable(name, cases[name]));
    }
    const L = only.includes('L') ? await measureLimitRate({ dir, root, port: nginx.port, say }) : undefined;
    const S = only.includes('S') ? await measureStarts(dir, say) : undefined;
    tell(barTable(judge({ ...cases, L, S }), S));
    if (record) {
      await writeFile(here('RESULTS.md'), resultsPage(told.join('\n\n')));
      const readme = here('../../README.md');
      const block = /(<!-- bench:begin -->)[\s\S]*(<!-- bench:end -->)/;
      const summary = summaryOf({ machine, rounds, cases });
      await writeFile(readme, (await readFile(readme, 'utf8')).replace(block, `$1\n${summary}\n$2`));
    }
  } finally {
    await limiter.stop();
    await nginx.stop();
  }
} finally {
  await rm(dir, { recursive: true, force: true });
}
