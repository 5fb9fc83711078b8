import type { Fault } from '@lading/core';

/** How a resource is served. */
export interface Resource {
  readonly bytes: Uint8Array;
  /** As it stands in the header, with quotes; null for none. */
  readonly etag: string | null;
  /** As it stands in the header; null for none. */
  readonly lastModified: string | null;
  /** False for a server that knows no ranges. */
  readonly hasRanges: boolean;
  /** More headers, lower-case; an empty value takes one away. */
  readonly headers: Readonly<Record<string, string>>;
  /** Simulated time until the head comes, milliseconds. */
  readonly latencyMs: number;
  readonly chunkBytes: number;
  /** Simulated time before each chunk, milliseconds. */
  readonly chunkMs: number;
}

/** What goes wrong with one request. Offsets count from the start of that response's body, except where said. */
export type NetworkFault =
  /** No connection, with this fault. */
  | { readonly type: 'refuse'; readonly fault?: Fault }
  /** No head, ever. */
  | { readonly type: 'silence' }
  /** The connection is reset before there is a head. */
  | { readonly type: 'hangUp' }
  /** The head comes so much later, simulated milliseconds: what is asked for meanwhile overtakes it. */
  | { readonly type: 'late'; readonly ms: number }
  /** A redirect, to wherever this leads from the URL that was asked for. */
  | { readonly type: 'redirect'; readonly status: number; readonly location: string }
  /** A redirect to the same path of another origin. */
  | { readonly type: 'moved'; readonly status: number; readonly origin: string }
  /** A redirect to where another redirect waits, and so on without end. */
  | { readonly type: 'maze'; readonly status: number }
  /** Another status, without the resource's bytes. */
  | {
      readonly type: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly bytes?: Uint8Array;
    }
  /** The connection breaks after so many bytes. */
  | { readonly type: 'drop'; readonly afterBytes: number }
  /** The body ends after so many bytes, as if it were whole. */
  | { readonly type: 'cut'; readonly afterBytes: number }
  /** Nothing more after so many bytes. */
  | { readonly type: 'stall'; readonly afterBytes: number }
  /** A byte of the resource (counted from its start) has a bit turned over. */
  | { readonly type: 'flip'; readonly atByte: number }
  /** The whole resource with 200, whatever was asked. */
  | { readonly type: 'ignoreRange' }
  /** The range asked for is answered, `If-Range` is not looked at. */
  | { readonly type: 'ignoreIfRange' }
  /** Headers other than they should be; an empty value takes one away. */
  | { readonly type: 'headers'; readonly headers: Readonly<Record<string, string>> }
  /** Other pace. */
  | { readonly type: 'pace'; readonly chunkBytes: number; readonly chunkMs: number }
  /** More bytes than were announced. */
  | { readonly type: 'excess'; readonly bytes: Uint8Array };
