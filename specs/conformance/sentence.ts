/** What the suites of all ports share: how a sentence is left out, and how the fault in a rejection is looked at. */
import type { Fault } from '@lading/core';
import { FaultError } from '@lading/runtime';
import { it } from 'vitest';

/** A sentence that a platform may be unable to be asked; `lack` says why, undefined that it is able. */
export function itUnless(lack: string | undefined, sentence: string, test: () => Promise<void>): void {
  if (lack === undefined) it(sentence, test);
  else it.skip(`${sentence} (${lack})`, test);
}

/** What a promise is rejected with; throws if it is not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    () => null,
    (error: unknown) => ({ error }),
  );
  if (outcome === null) throw new Error('expected a rejection, found none');
  return outcome.error;
}

/** The fault that a promise is rejected with; throws what else it is rejected with. */
export async function faultIn(promise: Promise<unknown>): Promise<Fault> {
  const error = await rejection(promise);
  if (error instanceof FaultError) return error.fault;
  throw error;
}
