import {
  bytesIn,
  type Fault,
  type FileSpec,
  isRetryable,
  quote,
  rangesOf,
  redactUrl,
  withoutRange,
} from '@lading/core';
import type { Checkpoints } from './checkpoints.js';
import { DurableOffsets, type Identity } from './durable-offsets.js';
import { FaultError, faultOf } from './fault-error.js';
import { FileFault } from './file-fault.js';
import { type FileWork, isPage, OURS, type TransferPorts } from './file-work.js';
import type { Job, Proven } from './job.js';
import type { Meter } from './meter.js';
import { type BadPiece, Pieces } from './pieces.js';
import type { StagedFile } from './ports.js';
import { algorithmsFor, expectedDigest, hasDigest, proofOf } from './proof.js';
import { SourceTransfer } from './source-transfer.js';

/** Faults whose remedy is elsewhere, most actionable first: what is reported when every source failed. */
const TELLING: readonly Fault['type'][] = [
  'noSpace',
  'filePermissions',
  'unauthorized',
  'upstreamChanged',
  'checksumMismatch',
  'notFound',
];

/** Brings one file to whole and proven: from each of its sources in turn, from where the last attempt ended. */
export class FileTransfer {
  private found = { sizeBytes: 0, sha256: '' };
  private readonly sizes: readonly number[];
  private readonly mostBytes: number;

  constructor(
    private readonly ports: TransferPorts,
    private readonly meter: Meter,
    private readonly checkpoints: Checkpoints,
    private readonly job: Job,
    private readonly spec: FileSpec,
  ) {
    this.sizes = [...new Set(spec.contents.map(({ sizeBytes }) => sizeBytes))];
    this.mostBytes = Math.max(...this.sizes);
  }

  /** From what is here already: what the last checkpoint counts on, or so many bytes of an equal file. */
  async run(adoptedBytes: number | null): Promise<Proven> {
    const { spec, job, ports } = this;
    const known = job.durable[spec.filename];
    const wanted = {
      bytes: adoptedBytes ?? known?.bytes ?? 0,
      ...(adoptedBytes === null && known?.spans !== undefined ? { spans: known.spans } : {}),
    };
    const staged = await ports.store.stage(job.core, spec.filename, {
      ...wanted,
      sizeBytes: spec.contents[0].sizeBytes,
      algorithms: algorithmsFor(spec),
      hasDigest: hasDigest(spec),
    });
    const isKnown = known !== undefined && adoptedBytes === null && staged.held.length > 0;
    const identity: Identity = { validator: isKnown ? known.validator : null, origin: isKnown ? known.origin : null };
    const { clock, limits } = ports;
    const counted = adoptedBytes === null ? rangesOf(wanted) : [];
    const lost = staged.held.reduce(withoutRange, counted);
    const recorded = lost.reduce(withoutRange, counted);
    const offsets = new DurableOffsets(staged, spec.filename, identity, this.checkpoints, clock, limits, recorded);
    const pieces = Pieces.of(spec, staged, job.signal);
    const look = { contentType: '', head: new Uint8Array(0) };
    const { meter, mostBytes, sizes } = this;
    const work = {
      ports,
      meter,
      job,
      spec,
      sizes,
      mostBytes,
      staged,
      offsets,
      identity,
      pieces,
      look,
      renewed: new Map<string, number>(),
    };
    meter.reuse(job.core, bytesIn(staged.held));
    this.checkpoints.sharers++;
    try {
      const proven = await this.bring(work);
      offsets.noteAll();
      return proven;
    } catch (error) {
      // Void bytes leave the disk too: nobody knows what is in them.
      if (error instanceof FileFault && error.voided.length > 0) await offsets.void();
      else await offsets.keep();
      throw error;
    } finally {
      this.checkpoints.sharers--;
      await staged.close();
    }
  }

  private async bring(work: FileWork): Promise<Proven> {
    const { offsets, pieces, staged } = work;
    // A crash may have left something else where bytes were recorded: pieces tell where.
    if (pieces?.isEager === true && staged.held.length > 0) {
      pieces.lookAtAll();
      await this.dropBad(work);
    }
    if (!this.isWhole(staged)) await this.fromSources(work);
    await offsets.settle();
    const proven = await this.proven(work);
    if (proven !== null) return proven;
    // Others are accepted too, so only now it is known that pieces are to be those of the first; what of them is wrong is fetched once more.
    pieces?.lookAtAll();
    if (pieces !== null && (await this.dropBad(work)).length > 0 && staged.held.length > 0) {
      await this.fromSources(work);
      await offsets.settle();
      const mended = await this.proven(work);
      if (mended !== null) return mended;
    }
    throw this.disproof(work);
  }

  private isWhole(staged: StagedFile): boolean {
    const { bytes, held } = staged;
    const isOne = held.length <= 1 && bytesIn(held) === bytes;
    return isOne && (bytes === this.mostBytes || (bytes > 0 && this.sizes.includes(bytes)));
  }

  /** Drops the pieces that turned out wrong, so that they are fetched again; which they were. */
  private async dropBad({ pieces, offsets, meter, job }: FileWork): Promise<readonly BadPiece[]> {
    const bad = (await pieces?.settle()) ?? [];
    job.signal.throwIfAborted();
    for (const { range } of bad) {
      await offsets.drop(range);
      meter.add(job.core, range.from - range.to);
    }
    return bad;
  }

  /** Asks the sources in turn, beginning with another after each failed attempt, until all has come. Pieces that were wrong are asked for once more. */
  private async fromSources(work: FileWork): Promise<void> {
    const { urls } = this.spec;
    const { attempt, strikes } = this.job.tries;
    // Not their sum: wrong bytes count in both, and with two sources the very same one would be asked again.
    const first = Math.max(attempt, strikes);
    const order = urls.map((_, i) => ({ url: urls[(first + i) % urls.length] ?? '', isFresh: strikes > 0 }));
    const faults: Fault[] = [];
    for (let next = order.shift(); next !== undefined; next = order.shift()) {
      const { url, isFresh } = next;
      const source = new SourceTransfer(work, url, isFresh);
      let isSpent = false;
      try {
        await source.run();
      } catch (error) {
        this.job.signal.throwIfAborted();
        if (error instanceof FileFault) throw error;
        const fault = faultOf(error);
        if (OURS.has(fault.type)) throw error;
        faults.push(fault);
        isSpent = true;
      }
      const bad = await this.dropBad(work);
      const [piece] = bad;
      if (piece === undefined && !isSpent) return;
      if (piece === undefined) continue;
      faults.push(this.faultOfPiece(piece, url));
      if (!isFresh) order.push({ url, isFresh: true });
    }
    throw new FaultError(tellingOf(faults));
  }

  private faultOfPiece({ index, range, expected, found }: BadPiece, url: string): Fault {
    const where = `piece ${index} of ${this.spec.filename}, bytes ${range.from} to ${range.to - 1}, from ${redactUrl(url)}`;
    const message = `${where}: sha256 ${found}, expected ${expected}`;
    return { type: 'checksumMismatch', detail: 'piece', message, file: this.spec.filename };
  }

  /** What is held, proven; null if it is none of the accepted contents. */
  private async proven({ staged }: FileWork): Promise<Proven | null> {
    const { filename } = this.spec;
    const sizeBytes = staged.bytes;
    const digests = await staged.digests();
    const proof = proofOf(this.spec, sizeBytes, digests);
    this.found = { sizeBytes, sha256: digests.sha256 ?? '' };
    return proof === null ? null : { filename, ...this.found, proof };
  }

  private disproof({ identity, look, offsets }: FileWork): FileFault {
    const { filename, urls } = this.spec;
    const redact = this.ports.fetcher.redact ?? ((text: string) => text);
    const { contentType, head } = look;
    const how = isPage(contentType)
      ? `; it came as ${quote(redact(contentType))} and begins ${quote(redact(String.fromCharCode(...head)))}`
      : '';
    const source = identity.origin ?? redactUrl(urls[0] ?? '');
    const { sizeBytes, sha256 } = this.found;
    const message = `${filename} from ${source}: ${sizeBytes} bytes have sha256 ${sha256 || '?'}, expected ${expectedDigest(this.spec)}${how}`;
    offsets.forget();
    return new FileFault({ type: 'checksumMismatch', detail: 'digest', message, file: filename }, [filename]);
  }
}

/** Of all sources' faults the one to tell: that a source may yet work, else that which a person can do something about. */
function tellingOf(faults: readonly Fault[]): Fault {
  const retryable = faults.filter(isRetryable);
  const hopeful = retryable.length > 0 ? retryable : faults;
  // What a source answered tells more than that another was left alone.
  const asked = hopeful.filter(({ requests }) => requests !== 0);
  const pool = asked.length > 0 ? asked : hopeful;
  const telling = TELLING.map((type) => pool.find((fault) => fault.type === type)).find((fault) => fault !== undefined);
  return telling ?? pool[0] ?? faultOf(new Error('no source'));
}
