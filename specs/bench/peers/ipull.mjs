// ipull by its own API: eight connections for one file, or eight files at once. It keeps ranges to go on from, and proves and syncs nothing.
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { downloadFile } from 'ipull';

const AT_ONCE = 8;

const { files } = JSON.parse(await readFile(process.argv[2], 'utf8'));
const queue = files.values();
const parallelStreams = files.length > 1 ? 1 : AT_ONCE;

async function lane() {
  for (const { name, url } of queue) {
    const engine = await downloadFile({ url, directory: '.', fileName: name, parallelStreams });
    await engine.download();
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, lane));
