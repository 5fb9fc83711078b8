import { bytesOf, type FileSpec, type Report } from '@lading/core';
import { Checkpoints } from './checkpoints.js';
import { faultOf } from './fault-error.js';
import { FileFault } from './file-fault.js';
import { FileTransfer } from './file-transfer.js';
import type { TransferPorts } from './file-work.js';
import { type Job, JobEnded, type Proven } from './job.js';
import type { Meter } from './meter.js';
import type { Twins } from './twins.js';

export interface CoreTransferPorts extends TransferPorts {
  readonly twins: Twins;
}

/** Fetches and proves every file of a core, several at once. The first fault ends the others; what they have is kept. */
export async function transferCore(
  ports: CoreTransferPorts,
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
  const fetched = (file: FileSpec, adoptedBytes: number | null): Promise<Proven> =>
    new FileTransfer(ports, meter, checkpoints, run, file).run(adoptedBytes);
  const bring = async (file: FileSpec): Promise<Proven> => {
    const known = run.durable[file.filename];
    const isBegun = known !== undefined && bytesOf(known) > 0;
    for (;;) {
      const adoptedBytes = isBegun ? null : await adopted(ports, run, file);
      if (adoptedBytes !== null) return await fetched(file, adoptedBytes);
      const proven = await ports.twins.once(file, core, run.signal, () => fetched(file, null));
      if (proven !== null) return proven;
    }
  };
  const worker = async () => {
    for (let file = waiting.shift(); file !== undefined && failure === null; file = waiting.shift()) {
      try {
        job.proven.set(file.filename, await bring(file));
      } catch (error) {
        failure ??= { error };
        if (error instanceof FileFault) voided.push(...error.voided);
        // Not with this error: theirs are other bytes, and nothing is wrong with them.
        sibling.abort(new JobEnded());
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(ports.limits.filesAtOnce, waiting.length) }, worker));
  await checkpoints.flush();
  job.signal.throwIfAborted();
  const failed = failure as { error: unknown } | null;
  if (failed === null) return;
  const fault = failed.error instanceof FileFault ? failed.error.fault : faultOf(failed.error);
  throw new FileFault(fault, voided);
}

/** Bytes of an equal file that is on the disk already, staged without a request; null if there is none. Once bytes were wrong, only a source is asked. */
async function adopted({ store, twins }: CoreTransferPorts, job: Job, file: FileSpec): Promise<number | null> {
  for (let twin = twins.find(file); twin !== null && job.tries.strikes === 0; twin = twins.find(file)) {
    const isSelf = twin.generation === null && twin.core === job.core && twin.file === file.filename;
    const bytes = isSelf ? null : await store.adopt(job.core, file.filename, twin);
    if (bytes !== null) return bytes;
    twins.forget(twin);
  }
  return null;
}
