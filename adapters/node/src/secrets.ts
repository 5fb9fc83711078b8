import type { Fault } from '@lading/core';
import { FaultError } from '@lading/runtime';

/** Shorter values are no secrets, and would be found everywhere. */
const LEAST_LENGTH = 4;
const REDACTED = '[redacted]';

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** The values we were trusted with. A server may send back whatever it was given: in a header, a redirect, a page. None of it may be shown or kept. */
export class Secrets {
  private readonly pattern: RegExp | null;
  private readonly needles: readonly Buffer[];

  constructor(headers: Readonly<Record<string, Readonly<Record<string, string>>>>) {
    const values = Object.values(headers).flatMap((each) => Object.values(each));
    // A token is also known without the scheme in front of it, and as a URL would spell it.
    const bare = values.flatMap((value) => [value, value.replace(/^\S+\s+/, '')]);
    const all = [...new Set(bare.flatMap((value) => [value, encodeURIComponent(value), encodeURI(value)]))].filter(
      (value) => value.length >= LEAST_LENGTH,
    );
    all.sort((a, b) => b.length - a.length);
    this.pattern = all.length === 0 ? null : new RegExp(all.map(escaped).join('|'), 'gi');
    this.needles = all.map((value) => Buffer.from(value));
  }

  get isEmpty(): boolean {
    return this.pattern === null;
  }

  readonly redact = (text: string): string => (this.pattern === null ? text : text.replace(this.pattern, REDACTED));

  /** A fault whose text is safe. */
  clean(error: unknown): unknown {
    if (this.pattern === null || !(error instanceof FaultError)) return error;
    const fault: Fault = {
      ...error.fault,
      message: this.redact(error.fault.message),
      detail: this.redact(error.fault.detail),
    };
    return new FaultError(fault, { cause: error.cause, owner: error.owner });
  }

  /** The bytes as they are, as long as no secret is among them, also across two chunks; else a fault before the chunk is handed on. */
  async *watch(body: AsyncIterable<Uint8Array>, subject: string): AsyncGenerator<Uint8Array, void, undefined> {
    const longest = Math.max(0, ...this.needles.map((needle) => needle.length)) - 1;
    let tail: Buffer = Buffer.alloc(0);
    for await (const chunk of body) {
      const seen = Buffer.concat([tail, chunk]);
      if (this.needles.some((needle) => seen.includes(needle))) {
        throw FaultError.of(
          'serverError',
          'secretEchoed',
          `${subject}: the server sent back a credential; its reply is not kept`,
        );
      }
      tail = Buffer.from(seen.subarray(Math.max(0, seen.length - longest)));
      yield chunk;
    }
  }
}
