import {
  type Checkpoint,
  type Fault,
  type FileSpec,
  isRetryable,
  judgeHead,
  originOf,
  quote,
  redactUrl,
} from '@lading/core';
import type { Checkpoints } from './checkpoints.js';
import { FaultError, faultOf } from './fault-error.js';
import type { Job, Proven } from './job.js';
import type { Manners } from './manners.js';
import type { Meter } from './meter.js';
import type { FetchResponse, Ports, StagedFile } from './ports.js';
import { algorithmsFor, expectedDigest, proofOf } from './proof.js';
import type { Throttle } from './throttle.js';
import type { Twins } from './twins.js';
import { Watchdog } from './watchdog.js';

/** A durable offset each so many bytes of a core, or each so many milliseconds. */
const CHECKPOINT_BYTES = 4 * 1024 * 1024;
const CHECKPOINT_MS = 1_000;
/** Bytes of a core that may be ahead of its last durable offsets: what a crash may cost, with those that are not recorded yet, is below 16 MiB. */
const AHEAD_BYTES = 7 * 1024 * 1024;
/** Fresh starts and short replies that one attempt allows: both are legal, neither may go on for ever. */
const MAX_RESTARTS = 2;
const MAX_SHORT_REPLIES = 3;
/** A reply that brings this much, or a hundredth of the file if that is less, is no short one. */
const REPLY_BYTES = 64 * 1024;

/** Faults whose remedy is elsewhere, most actionable first: what is reported when every source failed. */
const TELLING: readonly Fault['type'][] = [
  'noSpace',
  'filePermissions',
  'unauthorized',
  'upstreamChanged',
  'checksumMismatch',
  'notFound',
];

export interface TransferPorts extends Pick<Ports, 'fetcher' | 'store' | 'clock'> {
  readonly stallMs: number;
  readonly throttle: Throttle;
  readonly manners: Manners;
  readonly twins: Twins;
}

/** What ended a transfer, and the files whose staged bytes are void. */
export class FileFault extends Error {
  override readonly name = 'FileFault';
  constructor(
    readonly fault: Fault,
    readonly voided: readonly string[],
  ) {
    super(fault.message);
  }
}

/** Brings one file to whole and proven: from each of its sources in turn, from where the last attempt ended. */
export class FileTransfer {
  private validator: string | null;
  private origin: string | null;
  private durableBytes = 0;
  private lastSyncMs: number;
  private syncing: Promise<void> | null = null;
  private tail: Uint8Array = new Uint8Array(0);
  private contentType = '';
  /** Sources that led to an expired address and were asked for another one. */
  private readonly renewed = new Set<string>();

  constructor(
    private readonly ports: TransferPorts,
    private readonly meter: Meter,
    private readonly checkpoints: Checkpoints,
    private readonly job: Job,
    private readonly spec: FileSpec,
  ) {
    const known = job.durable[spec.filename];
    this.validator = known?.validator ?? null;
    this.origin = known?.origin ?? null;
    this.lastSyncMs = ports.clock.monotonicMs();
  }

  private get sizes(): readonly number[] {
    return [...new Set(this.spec.contents.map((content) => content.sizeBytes))];
  }

  private get hasDigest(): boolean {
    return this.spec.contents.some((c) => (c.sha256 ?? c.sha1 ?? c.md5 ?? c.gitBlob) !== null);
  }

  /** From the bytes that are here already, without holes from the start. */
  async run(hereBytes: number): Promise<Proven> {
    const { spec, job } = this;
    const staged = await this.ports.store.stage(job.core, spec.filename, {
      bytes: hereBytes,
      sizeBytes: spec.contents[0].sizeBytes,
      algorithms: algorithmsFor(spec),
    });
    this.durableBytes = staged.bytes;
    this.meter.reuse(job.core, staged.bytes);
    this.checkpoints.sharers++;
    try {
      if (!this.isWhole(staged)) await this.fromSources(staged);
      await this.syncing;
      if (staged.bytes > this.durableBytes || staged.bytes === 0) await staged.sync();
      const proven = await this.prove(staged);
      await this.note(staged.bytes);
      return proven;
    } catch (error) {
      // Void bytes leave the disk too: nobody knows what is in them.
      if (error instanceof FileFault) await this.drop(staged);
      else await this.keep(staged);
      throw error;
    } finally {
      this.checkpoints.sharers--;
      await staged.close();
    }
  }

  private isWhole(staged: StagedFile): boolean {
    return staged.bytes === Math.max(...this.sizes) || (staged.bytes > 0 && this.sizes.includes(staged.bytes));
  }

  /** Asks the sources in turn, beginning with another after each failed attempt, until one has given all. */
  private async fromSources(staged: StagedFile): Promise<void> {
    const { urls } = this.spec;
    // Not their sum: wrong bytes count in both, and with two sources the very same one would be asked again.
    const first = Math.max(this.job.tries.attempt, this.job.tries.strikes);
    const faults: Fault[] = [];
    for (let i = 0; i < urls.length; i++) {
      const url = urls[(first + i) % urls.length] ?? '';
      try {
        return await this.fromSource(staged, url);
      } catch (error) {
        this.job.signal.throwIfAborted();
        if (error instanceof FileFault) throw error;
        const fault = faultOf(error);
        if (fault.type === 'noSpace' || fault.type === 'filePermissions' || fault.type === 'unknown') throw error;
        faults.push(fault);
      }
    }
    const retryable = faults.filter(isRetryable);
    const hopeful = retryable.length > 0 ? retryable : faults;
    // What a source answered tells more than that another was left alone.
    const asked = hopeful.filter(({ requests }) => requests !== 0);
    const pool = asked.length > 0 ? asked : hopeful;
    const telling = TELLING.map((type) => pool.find((fault) => fault.type === type)).find(
      (fault) => fault !== undefined,
    );
    throw new FaultError(telling ?? pool[0] ?? faultOf(new Error('no source')));
  }

  private async fromSource(staged: StagedFile, url: string): Promise<void> {
    const enough = Math.min(REPLY_BYTES, Math.ceil(this.spec.contents[0].sizeBytes / 100));
    let restarts = 0;
    let shortReplies = 0;
    for (;;) {
      const before = staged.bytes;
      const outcome = await this.request(staged, url);
      if (outcome === 'whole') return;
      if (outcome === 'restart') restarts++;
      else if (staged.bytes - before < enough) shortReplies++;
      if (restarts > MAX_RESTARTS || shortReplies >= MAX_SHORT_REPLIES) {
        throw FaultError.of(
          'serverError',
          'noProgress',
          `${this.at(url)}: the server does not deliver the whole file`,
          { file: this.spec.filename },
        );
      }
    }
  }

  private at(url: string): string {
    return `${this.spec.filename} from ${redactUrl(url)}`;
  }

  private async request(staged: StagedFile, url: string): Promise<'whole' | 'more' | 'restart'> {
    const { clock, fetcher, manners, stallMs } = this.ports;
    const origin = originOf(url);
    manners.knock(origin, url);
    const isOurs = origin !== null && origin === this.origin;
    // Without any digest nothing would tell that two halves are of two files: only a validator may.
    const isUnsafe = !this.hasDigest && !(isOurs && this.validator !== null);
    if (staged.bytes > 0 && (isUnsafe || manners.isRangeless(url))) await this.reset(staged);
    const isRange = staged.bytes > 0 || fetcher.isRangeFirst;
    const validator = isOurs ? this.validator : null;
    const dog = new Watchdog(clock, stallMs, this.at(url), () => this.meter.hush(this.job.core));
    const signal = AbortSignal.any([this.job.signal, dog.signal]);
    const ender = new AbortController();
    try {
      const request = {
        url,
        from: isRange ? staged.bytes : null,
        ifRange: staged.bytes > 0 ? validator : null,
        isFresh: this.job.tries.strikes > 0 || this.renewed.has(url),
      };
      const response = await this.ports.fetcher.fetch(request, AbortSignal.any([signal, ender.signal]));
      dog.headCame();
      const verdict = judgeHead(
        {
          file: this.spec.filename,
          url: redactUrl(url),
          from: staged.bytes,
          isRange,
          sizes: this.sizes,
          sha256: this.spec.contents.flatMap((content) => content.sha256 ?? []),
          validator,
          now: clock.now(),
        },
        response,
      );
      if (response.headers['accept-ranges']?.trim().toLowerCase() === 'none') manners.takeWhole(url);
      if (verdict.type === 'fault') {
        const { httpStatus, retryAfterMs } = verdict.fault;
        if (origin !== null && retryAfterMs !== undefined && (httpStatus === 429 || httpStatus === 503))
          manners.leaveAlone(origin, retryAfterMs);
        const requests = response.requests ?? 1;
        if (this.mayRenew(url, verdict.fault, requests)) return 'more';
        throw new FaultError({ ...verdict.fault, requests });
      }
      if (verdict.type === 'complete') return 'whole';
      if (verdict.type === 'restart') {
        await this.reset(staged);
        return 'restart';
      }
      if (verdict.type === 'replace') {
        // The head is here and the server does its part: a slow disk is no stall.
        dog.pause();
        await this.reset(staged);
        dog.resume();
      }
      this.origin = origin;
      this.validator = verdict.validator;
      this.contentType = response.headers['content-type'] ?? '';
      return await this.receive(staged, url, response, dog, signal, verdict.length);
    } catch (error) {
      throw signal.aborted && !(error instanceof FileFault) ? signal.reason : error;
    } finally {
      dog.stop();
      ender.abort();
    }
  }

  /**
   * Whether it was a signed address, to which the source redirects, that refused: it has expired, and the source may have another. Once, and
   * without costing an attempt: whoever is refused for good is told so after four requests.
   */
  private mayRenew(url: string, { type }: Fault, requests: number): boolean {
    if (type !== 'unauthorized' || requests !== 2 || this.renewed.has(url)) return false;
    this.renewed.add(url);
    return true;
  }

  private async receive(
    staged: StagedFile,
    url: string,
    response: FetchResponse,
    dog: Watchdog,
    signal: AbortSignal,
    length: number | null,
  ): Promise<'whole' | 'more'> {
    const limit = length === null ? Math.max(...this.sizes) : staged.bytes + length;
    const begin = staged.bytes;
    for await (const chunk of response.body) {
      signal.throwIfAborted();
      dog.bytesCame(chunk.length);
      if (staged.bytes + chunk.length > limit) {
        const message = `${this.at(url)}: the server sends more than the ${limit - begin} bytes it may`;
        throw this.void({ type: 'serverError', detail: 'tooLong', message, file: this.spec.filename });
      }
      if (staged.bytes === 0) this.tail = chunk.slice(0, 256);
      dog.pause();
      await staged.write(chunk);
      this.meter.add(this.job.core, chunk.length);
      await this.checkpoint(staged);
      await this.ports.throttle.take(chunk.length, signal);
      dog.resume();
    }
    signal.throwIfAborted();
    const isShort = length !== null && staged.bytes - begin < length;
    if (isShort || (length === null && !this.sizes.includes(staged.bytes))) {
      const expected = length === null ? `${this.sizes.join(' or ')} in all` : `${length}`;
      const message = `${this.at(url)}: the connection ended after ${staged.bytes - begin} bytes, expected ${expected}`;
      throw FaultError.of('interrupted', 'shortBody', message, { file: this.spec.filename });
    }
    return this.sizes.includes(staged.bytes) ? 'whole' : 'more';
  }

  /** Syncs and notes in the background; waits only when too much would be lost. */
  private async checkpoint(staged: StagedFile): Promise<void> {
    const ahead = (staged.bytes - this.durableBytes) * this.checkpoints.sharers;
    const isDue = ahead >= CHECKPOINT_BYTES || this.ports.clock.monotonicMs() - this.lastSyncMs >= CHECKPOINT_MS;
    if (isDue && this.syncing === null) {
      const bytes = staged.bytes;
      const syncing = staged.sync().then(() => this.note(bytes));
      const end = () => {
        this.syncing = null;
      };
      this.syncing = syncing;
      syncing.then(end, end);
    }
    if (ahead >= AHEAD_BYTES) await this.syncing;
  }

  private note(bytes: number): Promise<void> {
    const checkpoint: Checkpoint = { bytes, validator: this.validator, origin: this.origin };
    const newBytes = Math.max(0, bytes - this.durableBytes);
    this.durableBytes = bytes;
    this.lastSyncMs = this.ports.clock.monotonicMs();
    return this.checkpoints.note(this.spec.filename, checkpoint, newBytes);
  }

  /** After a break: what has come is made durable and noted, so that the next attempt builds on it. */
  private async keep(staged: StagedFile): Promise<void> {
    try {
      await this.syncing;
      if (staged.bytes <= this.durableBytes) return;
      await staged.sync();
      await this.note(staged.bytes);
    } catch {
      // The first error is the one to tell; bytes that could not be made durable are fetched again.
    }
  }

  /** After wrong bytes: a sync that is still under way must not record them once they are gone. */
  private async drop(staged: StagedFile): Promise<void> {
    await this.syncing?.catch(() => undefined);
    this.checkpoints.forget(this.spec.filename);
    await staged.reset().catch(() => undefined);
  }

  private async reset(staged: StagedFile): Promise<void> {
    await this.syncing;
    if (this.durableBytes > 0) {
      // Recorded first: a crash in between must not leave a record of bytes that were dropped.
      await this.checkpoints.note(this.spec.filename, { bytes: 0, validator: null, origin: null }, 0);
      await this.checkpoints.flush();
    }
    this.meter.add(this.job.core, -staged.bytes);
    await staged.reset();
    this.durableBytes = 0;
    this.validator = null;
    this.origin = null;
  }

  private void(fault: Fault): FileFault {
    this.checkpoints.forget(this.spec.filename);
    return new FileFault(fault, [this.spec.filename]);
  }

  private async prove(staged: StagedFile): Promise<Proven> {
    const sizeBytes = staged.bytes;
    const digests = await staged.digests();
    const proof = proofOf(this.spec, sizeBytes, digests);
    if (proof !== null) return { filename: this.spec.filename, sizeBytes, sha256: digests.sha256 ?? '', proof };
    const redact = this.ports.fetcher.redact ?? ((text: string) => text);
    const look = /html/i.test(this.contentType)
      ? `; it came as ${quote(redact(this.contentType))} and begins ${quote(redact(String.fromCharCode(...this.tail)))}`
      : '';
    const source = this.origin ?? redactUrl(this.spec.urls[0] ?? '');
    const message = `${this.spec.filename} from ${source}: ${sizeBytes} bytes have sha256 ${digests.sha256 ?? '?'}, expected ${expectedDigest(this.spec)}${look}`;
    throw this.void({ type: 'checksumMismatch', detail: 'digest', message, file: this.spec.filename });
  }
}
