import { Agent, request } from 'undici';
import { outwardLookup } from './address.js';

/** Bytes of one response head. */
const MAX_HEADER_BYTES = 64 * 1024;

/** Connections of one depot. Timeouts are the runtime's; here there are none. */
export class HttpClient {
  readonly request = request;
  private readonly settings = {
    headersTimeout: 0,
    bodyTimeout: 0,
    pipelining: 1,
    maxHeaderSize: MAX_HEADER_BYTES,
    allowH2: false,
  };
  readonly own = new Agent({ ...this.settings, connect: { timeout: 0 } });
  /** For hops that a server of the outside chose: never inward. */
  readonly guarded = new Agent({ ...this.settings, connect: { timeout: 0, lookup: outwardLookup } });

  async close(): Promise<void> {
    await Promise.all([this.own.destroy(), this.guarded.destroy()]);
  }
}
