// What is fetched: made from seeds before any clock runs, the same bytes and digests in every run.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { seededBetween, seededFile } from './seeded-file.mjs';

const MIB = 1024 * 1024;

/** Of each connection in case B. */
export const CONNECTION_BYTES_PER_SECOND = 20 * MIB;

const many = (count, of) => Array.from({ length: count }, (_, index) => of(String(index).padStart(4, '0')));

/** Each gives the cores of one voice, and each core the sizes of its files by name. */
const CASES = {
  A: {
    title: 'one file of 1 GiB',
    cores: (scale) => [{ 'a.bin': Math.round(1024 * MIB * scale) }],
  },
  B: {
    title: 'one file of 256 MiB, 20 MiB/s for each connection',
    way: 'limited',
    cores: (scale) => [{ 'b.bin': Math.round(256 * MIB * scale) }],
  },
  D: {
    title: '1,000 files of 20 to 200 KB in one core',
    cores: (scale) => [
      Object.fromEntries(
        many(Math.ceil(1000 * scale), (n) => [`d${n}.bin`, seededBetween(20_000, 200_000, `D size ${n}`)]),
      ),
    ],
  },
  E: {
    title: '8 files of 100 MB, each a core of one voice',
    cores: (scale) => many(8, (n) => ({ [`e${n}.bin`]: Math.round(100e6 * scale) })),
  },
  T: {
    title: 'one file of 1 GiB over TLS',
    way: 'tls',
    cores: (scale) => [{ 't.bin': Math.round(1024 * MIB * scale) }],
  },
};

export const CASE_NAMES = Object.keys(CASES);

/** `{ name, title, way, bytes, cores: [{ id, files: [{ name, path, sizeBytes, sha256 }] }] }`, its files in `root`. */
export async function makeCase(name, root, scale) {
  const { title, way = 'plain', cores } = CASES[name];
  await mkdir(join(root, name), { recursive: true });
  const made = [];
  for (const [index, sizes] of cores(scale).entries()) {
    const files = [];
    for (const [file, sizeBytes] of Object.entries(sizes)) {
      const path = `${name}/${file}`;
      files.push({ name: file, path, sizeBytes, sha256: await seededFile(join(root, path), sizeBytes, path) });
    }
    made.push({ id: `${name.toLowerCase()}_core_${index}`, files });
  }
  const bytes = made.flatMap((core) => core.files).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { name, title, way, bytes, cores: made };
}
