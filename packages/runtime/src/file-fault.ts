import type { Fault } from '@lading/core';

/** What ended a transfer, and the files whose staged bytes are void. */
export class FileFault extends Error {
  override readonly name = 'FileFault';
  constructor(
    readonly fault: Fault,
    readonly voided: readonly string[],
  ) {
    super(fault.message);
  }
}
