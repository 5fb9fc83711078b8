// Reads vitest's JSON result and prints the one line that a continuous integration looks for: "N passed, N failed".
import { readFile } from 'node:fs/promises';

const result = JSON.parse(await readFile(process.argv[2], 'utf8'));
// A file that broke before its first test ran counts as one failure, or it would not count at all.
const broken = result.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
).length;
const failed = result.numFailedTests + broken;
const skipped = result.numPendingTests + result.numTodoTests;

console.log(`${result.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
// An unhandled error fails a run in which every test passed.
if (failed > 0 || !result.success) process.exit(1);
