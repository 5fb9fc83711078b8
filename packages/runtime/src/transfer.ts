import type { Report } from '@lading/core';
import { Checkpoints } from './checkpoints.js';
import { faultOf } from './fault-error.js';
import { FileFault, FileTransfer, type TransferPorts } from './file-transfer.js';
import { type Job, JobEnded } from './job.js';
import type { Meter } from './meter.js';

/** Files of one core that are fetched at once. */
const FILES_AT_ONCE = 4;

/** Fetches and proves every file of a core, several at once. The first fault ends the others; what they have is kept. */
export async function transferCore(
  ports: TransferPorts,
  meter: Meter,
  job: Job,
  report: (report: Report) => Promise<void>,
): Promise<void> {
  const { core, ticket } = job;
  const checkpoints = new Checkpoints(ports.clock, (files) => report({ type: 'checkpointed', core, ticket, files }));
  const waiting = job.spec.files.filter((file) => !job.proven.has(file.filename));
  const sibling = new AbortController();
  const run = job.within(sibling.signal);
  let failure: { error: unknown } | null = null;
  const voided: string[] = [];
  const worker = async () => {
    for (let file = waiting.shift(); file !== undefined && failure === null; file = waiting.shift()) {
      try {
        const proven = await new FileTransfer(ports, meter, checkpoints, run, file).run();
        job.proven.set(file.filename, proven);
      } catch (error) {
        failure ??= { error };
        if (error instanceof FileFault) voided.push(...error.voided);
        // Not with this error: theirs are other bytes, and nothing is wrong with them.
        sibling.abort(new JobEnded());
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(FILES_AT_ONCE, waiting.length) }, worker));
  await checkpoints.flush();
  job.signal.throwIfAborted();
  const failed = failure as { error: unknown } | null;
  if (failed === null) return;
  const fault = failed.error instanceof FileFault ? failed.error.fault : faultOf(failed.error);
  throw new FileFault(fault, voided);
}
