import { contentDigest, judgeHead } from '@lading/core';
import { FaultError } from './fault-error.js';
import { FileFault } from './file-fault.js';
import { type FileWork, isPage } from './file-work.js';
import type { FetchResponse } from './ports.js';
import { strongDigests } from './proof.js';
import type { Segment } from './segments.js';
import { Watchdog } from './watchdog.js';

/** Bytes of the beginning that are kept for a message. */
const LOOK_BYTES = 256;
const NOTHING = new Uint8Array(0);

export interface Source {
  readonly url: string;
  readonly origin: string | null;
  /** The URL as it may be shown. */
  readonly place: string;
}

export interface SegmentOptions {
  /** Asks for no more than the segment, and not for all that follows. */
  readonly isBounded: boolean;
  readonly isFresh: boolean;
  /** Ends all other requests of the file and drops what is staged; the segment is the whole file then. */
  readonly alone: () => Promise<void>;
  /** Whether the source serves this file by another request. */
  readonly isExtra: () => boolean;
  readonly onHead: () => void;
  /** Throws if nothing more is to be taken. */
  readonly onBytes: (bytes: number) => void;
}

/** One request for a segment: its head is judged before a byte of its body is taken, and its bytes are counted as they come. */
export class SegmentRequest {
  private readonly at: string;
  private readonly dog: Watchdog;
  /** The body has come to its end. */
  private isRead = false;

  /** It is watched from here on. */
  constructor(
    private readonly work: FileWork,
    private readonly source: Source,
    private readonly segment: Segment,
    private readonly options: SegmentOptions,
  ) {
    const { job, meter, ports, spec } = work;
    this.at = `${spec.filename} from ${source.place}`;
    this.dog = new Watchdog(ports.patrol, ports.stallMs, this.at, () => meter.hush(job.core));
  }

  end(reason: unknown): void {
    this.dog.end(reason);
  }

  async run(): Promise<'whole' | 'more' | 'restart'> {
    const { dog, segment } = this;
    const { url, origin, place } = this.source;
    const { identity, mostBytes, pieces, ports, sizes, spec, staged } = this.work;
    const { clock, fetcher, manners } = ports;
    // Pieces tell more than a tag: what is proven stays, whatever has become of the file since.
    const isOurs = origin !== null && origin === identity.origin && pieces?.isEager !== true;
    const validator = isOurs ? identity.validator : null;
    const from = segment.at;
    const to = this.options.isBounded || segment.to < mostBytes ? segment.to : undefined;
    const isRange = from > 0 || to !== undefined || fetcher.isRangeFirst;
    const range = to === undefined ? {} : { to };
    const { signal } = dog;
    try {
      const request = {
        url,
        from: isRange ? from : null,
        ...range,
        ifRange: isRange ? validator : null,
        isFresh: this.options.isFresh,
      };
      const response = await fetcher.fetch(request, signal);
      dog.headCame();
      const verdict = judgeHead(
        {
          file: spec.filename,
          url: place,
          from,
          ...range,
          isRange,
          sizes,
          sha256: strongDigests(spec),
          validator,
          now: clock.now(),
        },
        response,
      );
      if (response.headers['accept-ranges']?.trim().toLowerCase() === 'none') manners.takeWhole(url);
      if (verdict.type === 'fault') {
        const { httpStatus, retryAfterMs } = verdict.fault;
        // Who is served already asked for too much at once: that is no word about the others.
        const isBusy = (httpStatus === 429 || httpStatus === 503) && !this.options.isExtra();
        if (origin !== null && retryAfterMs !== undefined && isBusy) manners.leaveAlone(origin, retryAfterMs);
        throw new FaultError({ ...verdict.fault, requests: response.requests ?? 1 });
      }
      if (verdict.type === 'complete') return 'whole';
      if (verdict.type === 'restart') {
        // Another source has another version: what is proven, or came from elsewhere, is not to be dropped for that.
        const isOthers = staged.held.length > 0 && (pieces?.isEager === true || identity.origin !== origin);
        if (isOthers && verdict.fault.type === 'upstreamChanged') throw new FaultError(verdict.fault);
        await this.options.alone();
        return 'restart';
      }
      if (verdict.type === 'replace') {
        // The head is here and the server does its part: a slow disk is no stall.
        dog.pause();
        await this.options.alone();
        dog.resume();
      }
      const isFirst = staged.held.length === 0;
      identity.origin = origin;
      identity.validator = isFirst ? verdict.validator : validator;
      this.work.look.contentType = response.headers['content-type'] ?? '';
      if (verdict.type === 'append') this.options.onHead();
      return await this.receive(response, verdict.length);
    } catch (error) {
      throw signal.aborted && !(error instanceof FileFault) ? signal.reason : error;
    } finally {
      dog.stop(this.isRead);
    }
  }

  private async receive(response: FetchResponse, length: number | null): Promise<'whole' | 'more' | 'restart'> {
    const { dog, segment } = this;
    const { signal } = dog;
    const { job, look, meter, mostBytes, offsets, pieces, ports, sizes, spec, staged } = this.work;
    const begin = segment.at;
    // Only a whole file comes without a length: a part says where it ends.
    const limit = length === null ? mostBytes : begin + length;
    for await (const chunk of response.body) {
      signal.throwIfAborted();
      dog.bytesCame(chunk.length);
      const at = segment.at;
      if (at + chunk.length > limit) {
        const message = `${this.at}: the server sends more than the ${limit - begin} bytes it may`;
        offsets.forget();
        throw new FileFault({ type: 'serverError', detail: 'tooLong', message, file: spec.filename }, [spec.filename]);
      }
      if (at === 0) look.head = isPage(look.contentType) ? new Uint8Array(chunk.subarray(0, LOOK_BYTES)) : NOTHING;
      // Another has taken over what is behind the segment's end.
      const part = at + chunk.length > segment.to ? chunk.subarray(0, segment.to - at) : chunk;
      dog.pause();
      segment.at += part.length;
      await staged.write(part, at);
      meter.add(job.core, part.length);
      this.options.onBytes(part.length);
      if (pieces?.isEager === true) pieces.look({ from: at, to: segment.at });
      await offsets.advance();
      await ports.throttle.take(part.length, signal);
      dog.resume();
      if (segment.at === segment.to && segment.at < limit) return 'more';
    }
    this.isRead = true;
    signal.throwIfAborted();
    const received = segment.at - begin;
    const isShort = length === null ? !this.isEnd : received < length;
    if (isShort) {
      const expected = length === null ? `${sizes.join(' or ')} in all` : `${length}`;
      const message = `${this.at}: the connection ended after ${received} bytes, expected ${expected}`;
      throw FaultError.of('interrupted', 'shortBody', message, { file: spec.filename });
    }
    const told = contentDigest(response.headers);
    if (told !== null && received > 0 && (await staged.sha256({ from: begin, to: segment.at })) !== told) {
      // Spoilt on the way: these bytes are fetched again, and no others.
      pieces?.forget({ from: begin, to: segment.at });
      await offsets.drop({ from: begin, to: segment.at });
      meter.add(job.core, -received);
      segment.at = begin;
      return 'restart';
    }
    return this.isEnd ? 'whole' : 'more';
  }

  /** Whether the segment may end where it is. */
  private get isEnd(): boolean {
    const { at, to } = this.segment;
    const { mostBytes, sizes } = this.work;
    return at === to || (to === mostBytes && sizes.includes(at));
  }
}
