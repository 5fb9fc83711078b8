import type { Defect } from './defect.js';
import { type Fault, type FaultType, isRetryable, remedyOf } from './fault.js';
import type { Refusal } from './refusal.js';

/**
 * The exceptions of the public face. Core never throws them (refusals are returned, faults recorded); the facade turns the one or the
 * other into the class whose name people search for. `code` is stable, `remedy` says what to do.
 */
export class LadingError extends Error {
  override readonly name: string = 'LadingError';
  readonly code: string;
  readonly remedy: string;
  readonly fault: Fault | null;

  constructor(message: string, options: { code: string; remedy: string; fault?: Fault; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.remedy = options.remedy;
    this.fault = options.fault ?? null;
  }

  get isRetryable(): boolean {
    return this.fault !== null && isRetryable(this.fault);
  }
}

/** A download did not reach ready: the network, the server or the disk. */
export class DownloadError extends LadingError {
  override readonly name = 'DownloadError';
}

/** The bytes are not the ones the manifest names. */
export class ChecksumError extends LadingError {
  override readonly name = 'ChecksumError';
}

/** A ready model is not what its engine needs. */
export class ModelValidationError extends LadingError {
  override readonly name = 'ModelValidationError';
}

/** An option, a manifest or a command cannot be right. `defects` names every place of a manifest. */
export class ConfigurationError extends LadingError {
  override readonly name = 'ConfigurationError';
  readonly defects: readonly Defect[];
  readonly ids: readonly string[];

  constructor(
    message: string,
    options: { code: string; remedy: string; defects?: readonly Defect[]; ids?: readonly string[]; cause?: unknown },
  ) {
    super(message, options);
    this.defects = options.defects ?? [];
    this.ids = options.ids ?? [];
  }
}

/** The depot cannot be opened: another owner, a directory that cannot be written, a broken journal. */
export class InitializationError extends LadingError {
  override readonly name = 'InitializationError';
  readonly owner: unknown;

  constructor(
    message: string,
    options: { code: string; remedy: string; owner?: unknown; fault?: Fault; cause?: unknown },
  ) {
    super(message, options);
    this.owner = options.owner ?? null;
  }
}

export class ModelLoadError extends LadingError {
  override readonly name = 'ModelLoadError';
}

export class MemoryError extends LadingError {
  override readonly name = 'MemoryError';
}

export class GenerationError extends LadingError {
  override readonly name = 'GenerationError';
}

const CHECKSUM_TYPES: ReadonlySet<FaultType> = new Set(['checksumMismatch', 'upstreamChanged']);

export function errorOfFault(fault: Fault, subject: string): LadingError {
  const message = `${subject}: ${fault.message}`;
  const options = { code: fault.type, remedy: remedyOf(fault), fault };
  if (CHECKSUM_TYPES.has(fault.type)) return new ChecksumError(message, options);
  if (fault.type === 'leaseHeld') return new InitializationError(message, options);
  if (fault.type === 'manifestError') return new ConfigurationError(message, options);
  return new DownloadError(message, options);
}

export function errorOfRefusal(refusal: Refusal): LadingError {
  return new ConfigurationError(refusal.message, { code: refusal.code, remedy: refusal.remedy, ids: refusal.ids });
}
