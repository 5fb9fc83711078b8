// The same worlds wherever this is read: by another runtime (program.mjs) or in a page (page.ts).
import { scriptOf, traceOf, writeTrace } from '@lading/sim';

/** Performs the worlds of the seeds [first, first + count), in their random weather: one trace each, as text. */
export async function tracesOf(first, count) {
  const traces = [];
  for (let seed = first; seed < first + count; seed++) traces.push(writeTrace(await traceOf(scriptOf(seed))));
  return traces;
}
