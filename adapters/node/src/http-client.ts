import type { LookupFunction, Socket } from 'node:net';
import { Agent, buildConnector, request } from 'undici';
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
  readonly own = new Agent({ ...this.settings, connect: connectorOf({}) });
  /** For hops that a server of the outside chose: never inward. */
  readonly guarded = new Agent({ ...this.settings, connect: connectorOf({ lookup: outwardLookup }) });

  async close(): Promise<void> {
    await Promise.all([this.own.destroy(), this.guarded.destroy()]);
  }
}

/**
 * Certificates are proven whatever the environment says (`NODE_TLS_REJECT_UNAUTHORIZED`): it may have been set for another program.
 *
 * The parser of undici 7 asserts that it is not paused when its connection ends, and throws where nobody can catch it: a server
 * that cuts a reply while the bytes before are still being written would end the process (nodejs/undici#5360; mended in 8, which
 * Node 20 cannot run). So it is set going again just before undici looks: these listeners stand before its own. Leans on names
 * of undici 7.30.2, which is pinned; `specs/scenarios/http.spec.ts` cuts such a connection in every way.
 */
function connectorOf(options: { readonly lookup?: LookupFunction }): buildConnector.connector {
  const connect = buildConnector({ timeout: 0, allowH2: false, rejectUnauthorized: true, ...options });
  return (target, callback) =>
    connect(target, (...outcome) => {
      const [, socket] = outcome;
      // After a failure undici calls with the error alone, whatever its types say.
      if (socket) for (const event of ['end', 'error', 'close']) socket.on(event, () => unpause(socket));
      callback(...outcome);
    });
}

interface Pausable {
  paused: boolean;
  resume(): void;
}

/** Turns in which what was read of a connection is parsed: a pause comes at most once a chunk of one read, 64 KiB. */
const MAX_TURNS = 65_536;

function unpause(socket: Socket): void {
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'parser');
  const parser = symbol === undefined ? null : (socket as unknown as Record<symbol, Pausable | null>)[symbol];
  if (parser?.paused !== true) return;
  for (let turn = 0; turn < MAX_TURNS && parser.paused && !socket.destroyed; turn++) parser.resume();
  parser.paused = false;
}
