// The same worlds wherever this is read: by another runtime (program.mjs) or in a page (page.ts).
import { scriptOf, traceOf, writeTrace } from '@lading/sim';

/** Performs the worlds of these seeds, in their random weather: one trace each, as text. */
export async function tracesOf(seeds) {
  const traces = [];
  for (const seed of seeds) traces.push(writeTrace(await traceOf(scriptOf(seed))));
  return traces;
}
