/** From whatever was thrown to the exit code and the record that scripts go by. Knows errors by their shape, so that it loads nothing. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  unknownId: 3,
  verification: 4,
  noSpace: 5,
  network: 6,
  leaseHeld: 7,
  pipe: 141,
} as const;

const EXIT_OF_CODE: Readonly<Record<string, number>> = {
  usage: EXIT.usage,
  unknownId: EXIT.unknownId,
  checksumMismatch: EXIT.verification,
  upstreamChanged: EXIT.verification,
  damaged: EXIT.verification,
  exportInvalid: EXIT.verification,
  notReplayable: EXIT.verification,
  noSpace: EXIT.noSpace,
  networkTimeout: EXIT.network,
  networkUnreachable: EXIT.network,
  serverError: EXIT.network,
  interrupted: EXIT.network,
  stalled: EXIT.network,
  notFound: EXIT.network,
  unauthorized: EXIT.network,
  leaseHeld: EXIT.leaseHeld,
};

export function exitCodeOf(code: string): number {
  return Object.hasOwn(EXIT_OF_CODE, code) ? (EXIT_OF_CODE[code] ?? EXIT.failed) : EXIT.failed;
}

/** 128 + the signal's number, as shells count. */
export const exitCodeOfSignal = (signal: string): number => ({ SIGHUP: 129, SIGINT: 130 })[signal] ?? 143;

/** Something that ends a command: said in one line, with what to do about it. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(
    message: string,
    readonly code: string,
    readonly remedy: string,
    readonly more: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
}

/** A wrong option, argument or environment variable. */
export class UsageError extends CliError {
  constructor(message: string, remedy = 'See `lading --help`.') {
    super(message, 'usage', remedy);
  }
}

/** What is said of one thing that went wrong. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  /** Place in a manifest, such as `$.cores[0].files[1].url`. */
  readonly path?: string;
  readonly neededBytes?: number;
  readonly freeBytes?: number;
  readonly owner?: unknown;
  readonly ids?: readonly string[];
}

interface Thrown {
  readonly message?: unknown;
  readonly code?: unknown;
  readonly remedy?: unknown;
  readonly fault?: { readonly type?: unknown; readonly neededBytes?: number; readonly freeBytes?: number } | null;
  readonly owner?: unknown;
  readonly ids?: readonly string[];
  readonly defects?: readonly { readonly path: string; readonly message: string }[];
  readonly more?: Readonly<Record<string, unknown>>;
}

const REPORT = 'Retry; if it happens again, report it with the output of `lading log`.';

const text = (value: unknown, otherwise: string): string =>
  typeof value === 'string' && value !== '' ? value : otherwise;

/** Everything that an error says; a refused manifest says one thing for each defect. */
export function problemsOf(error: unknown): readonly [Problem, ...Problem[]] {
  if (typeof error !== 'object' || error === null) return [{ code: 'unknown', message: String(error), remedy: REPORT }];
  const thrown = error as Thrown;
  const { fault, owner, ids, defects = [] } = thrown;
  const isOurs = typeof thrown.remedy === 'string';
  // A system's own codes, such as ENOENT, are no codes of ours.
  const code = isOurs ? text(thrown.code, 'unknown') : text(fault?.type, 'unknown');
  const problem: Problem = {
    code,
    message: text(thrown.message, 'something failed without saying what'),
    remedy: text(thrown.remedy, REPORT),
    ...(fault?.neededBytes === undefined ? {} : { neededBytes: fault.neededBytes }),
    ...(fault?.freeBytes === undefined ? {} : { freeBytes: fault.freeBytes }),
    ...(owner === undefined || owner === null ? {} : { owner }),
    ...(ids === undefined || ids.length === 0 ? {} : { ids }),
    ...thrown.more,
  };
  const [first, ...others] = defects.map(({ path, message }) => ({ ...problem, path, message }));
  return first === undefined ? [problem] : [first, ...others];
}
