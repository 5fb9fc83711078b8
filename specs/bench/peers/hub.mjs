// The hub's own client, @huggingface/hub: `downloadFile` asks for the size and then for the bytes on one connection, eight files at once. What its
// `downloadFileToCacheDir` does besides is one more question about each file, which is left out. It proves and syncs nothing.
import { createWriteStream } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import process from 'node:process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { downloadFile } from '@huggingface/hub';

const AT_ONCE = 8;

const { url, case: repository, files } = JSON.parse(await readFile(process.argv[2], 'utf8'));
const queue = files.values();

async function lane() {
  for (const { name } of queue) {
    const blob = await downloadFile({ repo: `bench/${repository}`, path: name, hubUrl: url });
    await pipeline(Readable.fromWeb(blob.stream()), createWriteStream(`${name}.incomplete`));
    await rename(`${name}.incomplete`, name);
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, lane));
