import {
  backoffMs,
  DEFAULT_POLICY,
  type Fault,
  type FaultType,
  faultTypeOfStatus,
  isRetryable,
  quote,
  readJson,
  redactUrl,
  retryAfterMs,
} from '@lading/core';
import { type Clock, FaultError, type Fetcher, type FetchResponse, faultOf, Watchdog } from '@lading/runtime';

/** Bytes of one reply; a page of a thousand files has about 0.3 MB. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;
/** The longest that one question waits before it is asked again: the hub counts in windows of five minutes, and a person waits. */
const MAX_WAIT_MS = 60_000;
/** The hub's own names for what is wrong, where its status says less. */
const ERROR_CODES: Readonly<Record<string, FaultType>> = {
  RepoNotFound: 'notFound',
  RevisionNotFound: 'notFound',
  EntryNotFound: 'notFound',
  GatedRepo: 'unauthorized',
};

export interface Patience {
  /** Times that a question is asked before its fault is told. */
  readonly attempts: number;
  /** First wait between two of them, milliseconds. */
  readonly retryBaseMs: number;
  /** Without a byte for so long a question is given up, milliseconds. */
  readonly stallMs: number;
}

export interface HubReply {
  readonly value: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Asks the hub for JSON, through a fetcher that has its own rules about redirects and credentials. A hub that is not reached, or that asks for
 * patience, is not asked about anything else either.
 */
export class HubApi {
  private down: FaultError | null = null;

  constructor(
    private readonly fetcher: Fetcher,
    private readonly clock: Clock,
    private readonly patience: Patience,
  ) {}

  async ask(url: string): Promise<HubReply> {
    for (let attempt = 1; ; attempt++) {
      if (this.down !== null) throw this.down;
      try {
        return await this.once(url);
      } catch (error) {
        const fault = faultOf(error);
        const waitMs = backoffMs(
          { ...DEFAULT_POLICY, retryBaseMs: this.patience.retryBaseMs },
          attempt,
          1,
          fault.retryAfterMs ?? 0,
        );
        if (attempt >= this.patience.attempts || !isRetryable(fault) || waitMs > MAX_WAIT_MS) {
          throw this.remember(error, fault);
        }
        await this.clock.wait(waitMs, new AbortController().signal);
      }
    }
  }

  private remember(error: unknown, fault: Fault): unknown {
    const isDown = fault.type === 'networkUnreachable' || fault.type === 'networkTimeout' || fault.httpStatus === 429;
    if (isDown && error instanceof FaultError) this.down = error;
    return error;
  }

  private async once(url: string): Promise<HubReply> {
    const subject = redactUrl(url);
    const dog = new Watchdog(this.clock, this.patience.stallMs, subject);
    const ender = new AbortController();
    try {
      const request = { url, from: null, ifRange: null, isFresh: false };
      const response = await this.fetcher.fetch(request, AbortSignal.any([dog.signal, ender.signal]));
      dog.headCame();
      if (response.status !== 200) throw this.refusalOf(response, subject);
      const reading = readJson(await this.textOf(response, subject, (bytes) => dog.bytesCame(bytes)));
      if (reading.ok) return { value: reading.value, headers: response.headers };
      throw FaultError.of('serverError', 'notJson', `${subject}: the hub sent no JSON`);
    } catch (error) {
      dog.signal.throwIfAborted();
      throw error;
    } finally {
      dog.stop();
      ender.abort();
    }
  }

  private refusalOf({ status, headers }: FetchResponse, subject: string): FaultError {
    const code = headers['x-error-code'];
    const said = headers['x-error-message'];
    const type = (code === undefined ? undefined : ERROR_CODES[code]) ?? faultTypeOfStatus(status);
    const words = said === undefined ? '' : `: ${quote(said)}`;
    const wait = retryAfterMs(headers, this.clock.now());
    return FaultError.of(
      type,
      code !== undefined && Object.hasOwn(ERROR_CODES, code) ? code : `http${status}`,
      `${subject}: the hub answered ${status}${words}`,
      { httpStatus: status, ...(wait === null ? {} : { retryAfterMs: wait }) },
    );
  }

  private async textOf(response: FetchResponse, subject: string, onBytes: (bytes: number) => void): Promise<string> {
    const decoder = new TextDecoder('utf-8');
    let text = '';
    let bytes = 0;
    for await (const chunk of response.body) {
      bytes += chunk.length;
      onBytes(chunk.length);
      if (bytes > MAX_REPLY_BYTES) {
        throw FaultError.of(
          'serverError',
          'tooLong',
          `${subject}: the hub's reply has more than ${MAX_REPLY_BYTES} bytes`,
        );
      }
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  }
}
