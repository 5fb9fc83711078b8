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
import { type Clock, FaultError, type Fetcher, type FetchResponse, faultOf, Patrol, Watchdog } from '@lading/runtime';

/** Bytes of one reply; a page of a thousand files has about 0.3 MB. */
const MAX_REPLY_BYTES = 4 * 1024 * 1024;
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
  /** Hears why the next question has to wait, and how long. */
  readonly onWait?: (fault: Fault, waitMs: number) => void;
}

type Headers = Readonly<Record<string, string>>;

export interface HubReply {
  readonly value: unknown;
  readonly headers: Headers;
}

/**
 * Asks the hub for JSON, through a fetcher that has its own rules about redirects and credentials. A hub that is not reached, or that asks for
 * patience, is not asked about anything else either.
 */
export class HubApi {
  private down: FaultError | null = null;
  private busy: FaultError | null = null;

  constructor(
    private readonly fetcher: Fetcher,
    private readonly clock: Clock,
    private readonly patience: Patience,
  ) {}

  /** The JSON at an address of the hub's interface. Throws `FaultError`. */
  async ask(url: string): Promise<HubReply> {
    if (this.busy !== null) throw this.busy;
    try {
      return await this.patiently(() =>
        this.once(url, async (response, subject, onBytes) => {
          const reading = readJson(await this.textOf(response, subject, onBytes));
          if (reading.ok) return { value: reading.value, headers: response.headers };
          throw FaultError.of('serverError', 'notJson', `${subject}: the hub sent no JSON`);
        }),
      );
    } catch (error) {
      if (error instanceof FaultError && error.fault.httpStatus === 429) this.busy = error;
      throw error;
    }
  }

  /** What the hub says of a file at its address, which is counted apart from its interface: of a large one, where it leads on. No byte is read. */
  async headOf(url: string): Promise<Headers> {
    return await this.patiently(() =>
      this.once(url, async ({ redirect = {}, headers }) => ('x-linked-etag' in redirect ? redirect : headers)),
    );
  }

  private async patiently<T>(question: () => Promise<T>): Promise<T> {
    const { attempts, retryBaseMs } = this.patience;
    for (let attempt = 1; ; attempt++) {
      if (this.down !== null) throw this.down;
      try {
        return await question();
      } catch (error) {
        const fault = faultOf(error);
        const waitMs = backoffMs({ ...DEFAULT_POLICY, retryBaseMs }, attempt, 1, fault.retryAfterMs ?? 0);
        if (attempt >= attempts || !isRetryable(fault) || waitMs > MAX_WAIT_MS) {
          const isDown = fault.type === 'networkUnreachable' || fault.type === 'networkTimeout';
          if (isDown && error instanceof FaultError) this.down = error;
          throw error;
        }
        this.patience.onWait?.(fault, waitMs);
        await this.clock.wait(waitMs, new AbortController().signal);
      }
    }
  }

  private async once<T>(
    url: string,
    read: (response: FetchResponse, subject: string, onBytes: (bytes: number) => void) => Promise<T>,
  ): Promise<T> {
    const subject = redactUrl(url);
    const dog = new Watchdog(new Patrol(this.clock), this.patience.stallMs, subject);
    const ender = new AbortController();
    try {
      const request = { url, from: null, ifRange: null, isFresh: false };
      const response = await this.fetcher.fetch(request, AbortSignal.any([dog.signal, ender.signal]));
      dog.headCame();
      if (response.status !== 200) throw this.refusalOf(response, subject);
      return await read(response, subject, (bytes) => dog.bytesCame(bytes));
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
