// One case: all contestants in turn, round after round, so that what else the machine does meets all of them alike.
import { execFileSync } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { measure } from './measure.mjs';
import { writeOrders } from './orders.mjs';
import { mustHold } from './outputs.mjs';

/** Outputs of a case of so few bytes stay until all have run: ext4 passes over inodes for 5 s after they were freed, so whoever made files next would pay. */
const KEPT_BYTES = 512 * 1024 ** 2;

/** The runs of each contestant by its name. `origin` is where the case is served: `{ url, certificate }`. */
export async function race({ theCase, origin, contestants, rounds, dir, say }) {
  const files = theCase.cores.flatMap((core) => core.files);
  const job = {
    way: theCase.way,
    count: files.length,
    certificate: origin.certificate,
    orders: await writeOrders(dir, theCase, origin.url),
  };
  const trust = { CURL_CA_BUNDLE: origin.certificate, NODE_EXTRA_CA_CERTS: origin.certificate };
  const env = theCase.way === 'tls' ? trust : {};
  const racing = contestants.filter(({ cases }) => cases === undefined || cases.includes(theCase.name));
  const runs = Object.fromEntries(racing.map(({ name }) => [name, []]));
  const outputs = join(dir, 'out');
  for (let round = 1; round <= rounds; round++) {
    for (const { name, command } of racing) {
      const cwd = join(outputs, `${round}`, name.replaceAll(' ', '-'));
      await mkdir(cwd, { recursive: true });
      // What the one before has left unsynced is not written at the cost of the next.
      execFileSync('sync', ['--file-system', cwd]);
      const run = await measure(command(job), { cwd, env });
      await mustHold(cwd, files, name);
      if (theCase.bytes > KEPT_BYTES) await rm(cwd, { recursive: true });
      runs[name].push(run);
      say(
        `${theCase.name}  round ${round}/${rounds}  ${name.padEnd(22)} ${run.wallS.toFixed(2)} s  ${run.cpuS.toFixed(2)} s CPU  ${Math.round(run.peakBytes / 2 ** 20)} MiB`,
      );
    }
  }
  await rm(outputs, { recursive: true });
  return runs;
}
