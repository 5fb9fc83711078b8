// The few WHATWG globals that every platform has and the runtime may name: Node, browsers, workers, Deno and Bun.
// They stand here because the DOM library would also offer `window`, `fetch` and `setTimeout`, which the runtime must not see.

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

declare var AbortSignal: {
  readonly prototype: AbortSignal;
  abort(reason?: unknown): AbortSignal;
  any(signals: Iterable<AbortSignal>): AbortSignal;
};

interface AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

declare var AbortController: {
  readonly prototype: AbortController;
  new (): AbortController;
};

interface TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>;
}

declare var TextEncoder: {
  readonly prototype: TextEncoder;
  new (): TextEncoder;
};

interface TextDecoder {
  decode(bytes?: Uint8Array | ArrayBuffer, options?: { readonly stream?: boolean }): string;
}

declare var TextDecoder: {
  readonly prototype: TextDecoder;
  new (label?: 'utf-8' | 'latin1', options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean }): TextDecoder;
};
