import { bytesIn, missingIn, originOf, redactUrl } from '@lading/core';
import { FaultError, faultOf } from './fault-error.js';
import { FileFault } from './file-fault.js';
import { type FileWork, OURS, startOver } from './file-work.js';
import { JobEnded } from './job.js';
import { OVER } from './over.js';
import { SegmentRequest, type Source } from './segment-request.js';
import { type Segment, Segments } from './segments.js';

/** Fresh starts and short replies that one attempt allows: both are legal, neither may go on for ever. */
const MAX_RESTARTS = 2;
const MAX_SHORT_REPLIES = 3;
/** A reply that brings this much, or a hundredth of the file if that is less, is no short one. */
const REPLY_BYTES = 64 * 1024;
/** It is looked whether more connections would help after so many times what the first head took, and within these bounds, milliseconds. */
const PACE_HEADS = 3;
const SHORTEST_PACE_MS = 50;
const LONGEST_PACE_MS = 1_000;
/** A connection that brings so much is not what limits, bytes per millisecond. */
const FAST_BYTES_PER_MS = 600_000;
/** More connections must have brought so much more, or there will be no others. */
const GAIN = 1.25;
/** Connections after the first look. */
const FIRST_CREW = 4;
/** The rest of a segment that is worth being divided takes so long, milliseconds. */
const STEAL_MS = 500;
/** Wrong pieces after which a source is left. */
const MAX_BAD_PIECES = 2;

interface Worker {
  request: SegmentRequest | null;
  /** It makes no other request, and what it had to do fails for this reason. */
  dismissal: { readonly reason: unknown } | null;
  segment: Segment | null;
  bytes: number;
  sinceMs: number;
  done: Promise<void>;
}

/**
 * What one source brings of a file: over one connection, and over more where it is the connection that limits. Each byte is asked for from one
 * request at a time. A connection that fails leaves its part to the others; the source has failed when none is left.
 */
export class SourceTransfer {
  private segments = new Segments([], Number.POSITIVE_INFINITY);
  private readonly crew = new Set<Worker>();
  private readonly origin: string;
  private readonly source: Source;
  /** Whether more than one connection may be had. */
  private isShared = false;
  private isPaced = false;
  /** Somebody has brought all that there was to bring. */
  private isServed = false;
  /** Ends the looks at the pace, once there are any. */
  private end: AbortController | null = null;
  private restarts = 0;
  private shortReplies = 0;
  private requests = 0;
  private failedRequests = 0;
  private receivedBytes = 0;
  private fault: unknown = null;
  private fatal: { readonly error: unknown } | null = null;

  constructor(
    private readonly work: FileWork,
    readonly url: string,
    /** Asks caches on the way to fetch anew. */
    private readonly isFresh: boolean,
  ) {
    this.source = { url, origin: originOf(url), place: redactUrl(url) };
    this.origin = this.source.origin ?? '';
  }

  private get at(): string {
    return `${this.work.spec.filename} from ${this.source.place}`;
  }

  /** Resolves when everything that was missing has come. Throws `FaultError`, `FileFault`, or the reason of the job's end. */
  async run(): Promise<void> {
    const { connections, manners } = this.work.ports;
    const { signal } = this.work.job;
    await connections.take(this.origin, signal);
    try {
      manners.knock(this.origin, this.url);
      await this.divide();
    } catch (error) {
      connections.give(this.origin);
      throw error;
    }
    const leave = () => this.dismiss(null, signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    this.hire();
    try {
      for (let beforeBytes = -1; ; ) {
        while (this.crew.size > 0) await Promise.all([...this.crew].map(({ done }) => done));
        // What the last one failed to bring, another might have that was done before: one more, as long as that helps.
        const mayGoOn = this.isServed && this.segments.hasWaiting && this.receivedBytes > beforeBytes;
        if (!mayGoOn || this.fatal !== null || signal.aborted || !connections.tryTake(this.origin)) break;
        beforeBytes = this.receivedBytes;
        this.isServed = false;
        this.hire();
      }
    } finally {
      this.end?.abort(OVER);
      signal.removeEventListener('abort', leave);
    }
    signal.throwIfAborted();
    if (this.fatal !== null) throw this.fatal.error;
    if (!this.segments.isEmpty)
      throw this.fault === null ? new Error(`${this.at}: nobody came`) : this.costOf(this.fault);
  }

  /** The last fault, with the requests that failed before it too: each counts. One that asked nobody costs nothing. */
  private costOf(error: unknown): unknown {
    if (!(error instanceof FaultError) || error.fault.requests === 0) return error;
    return new FaultError(
      { ...error.fault, requests: this.failedRequests },
      { cause: error.cause, owner: error.owner },
    );
  }

  /** What is missing, as parts. What cannot be continued from this source is missing too. */
  private async divide(): Promise<void> {
    const { identity, mostBytes, ports, sizes, spec, staged } = this.work;
    const { fetcher, limits, manners } = ports;
    // Without any digest nothing would tell that two halves are of two files: only a validator may.
    const hasDigest = spec.contents.some((c) => (c.sha256 ?? c.sha1 ?? c.md5 ?? c.gitBlob) !== null);
    const isUnsafe = !hasDigest && !(identity.origin === this.origin && identity.validator !== null);
    if (staged.held.length > 0 && (isUnsafe || manners.isRangeless(this.url))) await startOver(this.work);
    const missing = missingIn(staged.held, mostBytes);
    this.isShared =
      (fetcher.connections ?? 1) > 1 &&
      bytesIn(missing) >= limits.parallelFromBytes &&
      sizes.length === 1 &&
      spec.contents.some(({ sha256 }) => sha256 !== null) &&
      !manners.isRangeless(this.url);
    this.segments = new Segments(missing, this.isShared ? limits.segmentBytes : Number.POSITIVE_INFINITY);
  }

  /** One worker more, with a place among the origin's connections that was taken for it. */
  private hire(): void {
    const worker: Worker = {
      request: null,
      dismissal: null,
      segment: null,
      bytes: 0,
      sinceMs: this.work.ports.clock.monotonicMs(),
      done: Promise.resolve(),
    };
    const { signal } = this.work.job;
    // Who comes late leaves at once: nobody would tell it to any more.
    if (signal.aborted) worker.dismissal = { reason: signal.reason };
    else if (this.fatal !== null) worker.dismissal = { reason: new JobEnded() };
    this.crew.add(worker);
    worker.done = this.employ(worker);
  }

  private async employ(worker: Worker): Promise<void> {
    this.work.offsets.join();
    try {
      await this.labour(worker);
      this.isServed = true;
    } catch (error) {
      this.failed(error);
    } finally {
      this.crew.delete(worker);
      this.work.offsets.leave();
      this.work.ports.connections.give(this.origin);
    }
  }

  private failed(error: unknown): void {
    if (error instanceof JobEnded) return;
    this.isPaced = true;
    const { type } = faultOf(error);
    if (!(OURS.has(type) || error instanceof FileFault)) {
      this.fault = error;
      this.failedRequests += faultOf(error).requests ?? 1;
      return;
    }
    this.fatal ??= { error };
    this.dismiss(null);
  }

  private dismiss(except: Worker | null, why?: unknown): void {
    for (const other of this.crew) {
      if (other === except || other.dismissal !== null) continue;
      const reason = why ?? new JobEnded();
      other.dismissal = { reason };
      other.request?.end(reason);
    }
  }

  private mustStay({ dismissal }: Worker): void {
    if (dismissal !== null) throw dismissal.reason;
  }

  private async labour(worker: Worker): Promise<void> {
    for (let segment = this.nextFor(); segment !== null; segment = this.nextFor()) {
      worker.segment = segment;
      try {
        while (segment.at < segment.to) await this.bring(segment, worker);
      } finally {
        this.segments.end(segment);
        worker.segment = null;
      }
    }
  }

  private nextFor(): Segment | null {
    const waiting = this.segments.next();
    if (waiting !== null || !this.isShared) return waiting;
    const restMs = (segment: Segment): number => {
      const worker = [...this.crew].find((each) => each.segment === segment);
      if (worker === undefined || worker.bytes === 0) return 0;
      const elapsedMs = Math.max(1, this.work.ports.clock.monotonicMs() - worker.sinceMs);
      return ((segment.to - segment.at) * elapsedMs) / worker.bytes;
    };
    return this.segments.steal((segment) => restMs(segment), STEAL_MS);
  }

  private async bring(segment: Segment, worker: Worker): Promise<void> {
    const { spec } = this.work;
    const enough = Math.min(REPLY_BYTES, Math.ceil(spec.contents[0].sizeBytes / 100));
    const before = segment.at;
    const outcome = await this.request(segment, worker);
    if (outcome === 'whole') {
      // One of several accepted sizes may be less than was looked for.
      segment.to = segment.at;
      return;
    }
    if (outcome === 'renewed') return;
    if (outcome === 'restart') this.restarts++;
    else if (segment.at < segment.to && segment.at - before < enough) this.shortReplies++;
    if (this.restarts > MAX_RESTARTS || this.shortReplies >= MAX_SHORT_REPLIES) {
      throw FaultError.of('serverError', 'noProgress', `${this.at}: the server does not deliver the whole file`, {
        file: spec.filename,
      });
    }
  }

  private async request(segment: Segment, worker: Worker): Promise<'whole' | 'more' | 'restart' | 'renewed'> {
    const { job } = this.work;
    this.mustStay(worker);
    const number = ++this.requests;
    const request = new SegmentRequest(this.work, this.source, segment, {
      isBounded: this.isShared,
      isFresh: this.isFresh || this.work.renewed.has(this.url),
      alone: () => this.alone(worker, segment),
      isExtra: () => this.crew.size > 1 && this.receivedBytes > 0,
      onHead: () => this.pace(worker),
      onBytes: (bytes) => {
        worker.bytes += bytes;
        this.receivedBytes += bytes;
        this.mustBeGood();
      },
    });
    worker.request = request;
    try {
      return await request.run();
    } catch (error) {
      const { type, requests = 1 } = faultOf(error);
      if (!job.signal.aborted && this.mayRenew(type, requests, number)) return 'renewed';
      throw error;
    }
  }

  /**
   * Whether it was a signed address, to which the source redirects, that refused: it has expired, and the source may have another. Once for all
   * requests that were under way, and without costing an attempt: whoever is refused for good is told so after four requests.
   */
  private mayRenew(type: string, requests: number, number: number): boolean {
    const { renewed } = this.work;
    if (type !== 'unauthorized' || requests !== 2) return false;
    const until = renewed.get(this.url);
    if (until === undefined) renewed.set(this.url, this.requests);
    return until === undefined || number <= until;
  }

  /** Everybody else leaves: what comes now is the whole file, or nothing of what is here counts. */
  private async alone(worker: Worker, segment: Segment): Promise<void> {
    this.mustStay(worker);
    this.isShared = false;
    this.dismiss(worker);
    while (this.crew.size > 1)
      await Promise.all([...this.crew].filter((each) => each !== worker).map(({ done }) => done));
    const { mostBytes, staged } = this.work;
    if (staged.held.length > 0) await startOver(this.work);
    this.segments = new Segments([], Number.POSITIVE_INFINITY);
    segment.at = 0;
    segment.to = mostBytes;
  }

  private mustBeGood(): void {
    const { pieces, spec } = this.work;
    if (pieces === null || pieces.bad.length < MAX_BAD_PIECES) return;
    const message = `${this.at}: ${pieces.bad.length} pieces are wrong; nothing more is taken from this source`;
    throw FaultError.of('checksumMismatch', 'pieces', message, { file: spec.filename });
  }

  /** More connections for as long as they help. */
  private pace({ sinceMs }: Worker): void {
    if (this.isPaced || !this.isShared || this.work.ports.throttle.isLimited) return;
    this.isPaced = true;
    this.end = new AbortController();
    this.keepPace(this.work.ports.clock.monotonicMs() - sinceMs, this.end.signal).catch(() => undefined);
  }

  private async keepPace(headMs: number, signal: AbortSignal): Promise<void> {
    const paceMs = Math.min(LONGEST_PACE_MS, Math.max(SHORTEST_PACE_MS, PACE_HEADS * headMs));
    const { clock, connections, fetcher } = this.work.ports;
    const most = fetcher.connections ?? 1;
    let rate = 0;
    for (let size = FIRST_CREW; ; ) {
      const beforeBytes = this.receivedBytes;
      const beforeMs = clock.monotonicMs();
      await clock.wait(paceMs, signal);
      const now = (this.receivedBytes - beforeBytes) / Math.max(1, clock.monotonicMs() - beforeMs);
      // Where nothing comes yet, more of it is no help.
      if (now === 0) continue;
      if (now / this.crew.size >= FAST_BYTES_PER_MS || now < rate * GAIN) return;
      rate = now;
      if (!this.isShared || this.fault !== null || this.fatal !== null || this.work.job.signal.aborted) return;
      while (this.crew.size < Math.min(size, most) && this.segments.hasWaiting && connections.tryTake(this.origin))
        this.hire();
      if (size >= most) return;
      size *= 2;
    }
  }
}
