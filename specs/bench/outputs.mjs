// Whether a contestant has left every file, whole and right, anywhere below its working directory. Not timed.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

async function sha256Of(path) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}

/** Throws an error that names the first file that is not there or not right. */
export async function mustHold(dir, files, who) {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const places = new Map(entries.filter((entry) => entry.isFile()).map((entry) => [entry.name, entry.parentPath]));
  for (const { name, sha256 } of files) {
    const place = places.get(name);
    if (place === undefined) throw new Error(`${who} ended well and left no ${name} in ${dir}`);
    const found = await sha256Of(join(place, name));
    if (found !== sha256) throw new Error(`${who} left a wrong ${name}: expected sha256 ${sha256}, found ${found}`);
  }
}
