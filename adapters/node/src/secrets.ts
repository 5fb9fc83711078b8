import type { Fault } from '@lading/core';
import { type Credentials, FaultError, redactorOf, spellingsOf } from '@lading/runtime';

/** The values we were trusted with. A server may send back whatever it was given: in a header, a redirect, a page. None of it may be shown or kept. */
export class Secrets {
  readonly redact: (text: string) => string;
  private readonly needles: readonly Buffer[];

  constructor(credentials: Credentials) {
    const spellings = spellingsOf(credentials);
    this.redact = redactorOf(spellings);
    this.needles = spellings.map((value) => Buffer.from(value));
  }

  get isEmpty(): boolean {
    return this.needles.length === 0;
  }

  /** A fault whose text is safe. */
  clean(error: unknown): unknown {
    if (this.isEmpty || !(error instanceof FaultError)) return error;
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
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      // Where two chunks meet is all that has to be copied to be looked at.
      const seam = Buffer.concat([tail, bytes.subarray(0, longest)]);
      if (this.needles.some((needle) => seam.includes(needle) || bytes.includes(needle))) {
        throw FaultError.of(
          'serverError',
          'secretEchoed',
          `${subject}: the server sent back a credential; its reply is not kept`,
        );
      }
      const last = bytes.length >= longest ? bytes : seam;
      tail = Buffer.from(last.subarray(Math.max(0, last.length - longest)));
      yield chunk;
    }
  }
}
