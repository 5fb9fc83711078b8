import type { Fault, FaultType } from '@lading/core';

/** How an adapter says that the world failed. Carries the fault as data; the runtime makes a report of it. */
export class FaultError extends Error {
  override readonly name = 'FaultError';
  readonly fault: Fault;
  /** For `leaseHeld`: who holds it. */
  readonly owner: unknown;

  constructor(fault: Fault, options: { cause?: unknown; owner?: unknown } = {}) {
    super(fault.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.fault = fault;
    this.owner = options.owner ?? null;
  }

  static of(type: FaultType, detail: string, message: string, more: Partial<Fault> = {}, cause?: unknown): FaultError {
    return new FaultError({ type, detail, message, ...more }, cause === undefined ? {} : { cause });
  }
}

/** The fault in whatever was thrown; what is not known stays `unknown` and keeps its text. */
export function faultOf(error: unknown): Fault {
  if (error instanceof FaultError) return error.fault;
  const message = error instanceof Error ? error.message : String(error);
  return { type: 'unknown', detail: error instanceof Error ? error.name : 'thrown', message };
}
