// Who races: for each the shell command that brings the files of an order into the working directory, at its best as far as we know. Each is a
// program of its own, so Node's start is in the time of those that are libraries. Who proves nothing has less to do; the tables say who does.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { VOICE } from './orders.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const cli = here('../../packages/cli/dist/main.js');
const PEERS = 'npm run bench:install';

/** Those whom the bars speak of. */
export const COMMAND = 'lading download';
export const LIBRARY = 'lading as a library';
export const CURL_SYNCED = 'curl + openssl + fsync';
export const CURL = 'curl + sha256sum';
export const ARIA2C = 'aria2c';
export const HUB = 'hub client';

const curl = ({ count, orders }) =>
  `curl -sS --fail ${count > 1 ? '--parallel --parallel-max 8 ' : ''}--config ${orders.curl}`;

/** Many files at once where there are many, else many connections. Allocating first, other piece sizes and a larger cache made no difference. */
function aria2c({ way, count, orders, certificate }) {
  const connections = way === 'limited' ? 16 : 8;
  const breadth = count > 1 ? '-j8 -x1 -s1' : `-j1 -x${connections} -s${connections} -k1M`;
  return `aria2c -q ${breadth} --file-allocation=none --check-certificate=true --ca-certificate=${certificate} -i ${orders.aria2}`;
}

/** In the order in which they run. `needs` is what must be there: a program, or a package that `install` brings. */
export const CONTESTANTS = [
  {
    name: COMMAND,
    proves: true,
    syncs: true,
    needs: cli,
    command: ({ orders }) => `node ${cli} download ${VOICE} --dir depot --catalog ${orders.catalog} --quiet`,
  },
  {
    name: LIBRARY,
    proves: true,
    syncs: true,
    needs: here('../../adapters/node/dist/index.node.js'),
    command: ({ orders }) => `node ${here('library.mjs')} ${VOICE} depot ${orders.catalog}`,
  },
  {
    name: CURL_SYNCED,
    proves: true,
    syncs: true,
    needs: 'openssl',
    command: (job) =>
      `mkdir part && cd part && ${curl(job)} && openssl dgst -sha256 -r * | cmp - ${job.orders.sums} && sync * . && cd .. && mv part done && sync .`,
  },
  {
    name: CURL,
    proves: true,
    syncs: false,
    needs: 'curl',
    command: (job) => `${curl(job)} && sha256sum --check --quiet ${job.orders.sums}`,
  },
  { name: ARIA2C, proves: true, syncs: false, needs: 'aria2c', command: aria2c },
  {
    name: 'ipull',
    proves: false,
    syncs: false,
    // In the others it takes up to a minute a round, and no bar names it.
    cases: 'A',
    needs: here('peers/node_modules/ipull'),
    install: PEERS,
    command: ({ orders }) => `node ${here('peers/ipull.mjs')} ${orders.files}`,
  },
  {
    name: HUB,
    proves: false,
    syncs: false,
    needs: here('peers/node_modules/@huggingface/hub'),
    install: PEERS,
    command: ({ orders }) => `node ${here('peers/hub.mjs')} ${orders.files}`,
  },
];

function isHere(needs) {
  if (needs.startsWith('/')) return existsSync(needs);
  try {
    execFileSync('bash', ['-c', `command -v ${needs}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Those that are installed, and for the others a line that says what to do. */
export function present() {
  const missing = CONTESTANTS.filter(({ needs }) => !isHere(needs));
  return {
    contestants: CONTESTANTS.filter((each) => !missing.includes(each)),
    absent: missing.map(
      ({ name, needs, install }) =>
        `${name} does not race: ${needs} is not here; ${install ?? (needs.startsWith('/') ? 'npm run build' : `install ${needs}`)} brings it`,
    ),
  };
}
