import { Catalog, readManifestValue } from '@lading/core';
import { hexDigest } from './digest.js';
import { seededBytes } from './luck.js';
import type { MemoryNetwork } from './network.js';
import type { Resource } from './resource.js';

/** Where stocked files are served. */
const ORIGIN = 'https://cdn.example.org';

export const urlOf = (core: string, file: string, origin: string = ORIGIN): string => `${origin}/${core}/${file}`;

export interface StockedFile {
  readonly bytes: Uint8Array;
  /** Keys of the manifest's file entry that differ; null takes one away, such as the digest. */
  readonly entry?: Readonly<Record<string, unknown>>;
  /** How it is served. */
  readonly served?: Partial<Omit<Resource, 'bytes'>>;
}

export interface Stock {
  /** Files per core: their bytes, or a length of bytes that the name decides. */
  readonly cores: Readonly<Record<string, Readonly<Record<string, number | Uint8Array | StockedFile>>>>;
  /** The cores that each voice requires. */
  readonly voices?: Readonly<Record<string, readonly string[]>>;
}

function seedOf(text: string): number {
  return [...text].reduce((seed, char) => Math.imul(seed, 31) + char.charCodeAt(0), 7);
}

/** The bytes of a stocked file of which only the length was given. */
export const stockedBytes = (core: string, file: string, length: number): Uint8Array =>
  seededBytes(seedOf(`${core}/${file}`), length);

/** Puts files on the simulated network and gives the catalog that names them. Throws if the manifest they make is refused. */
export function stock(network: MemoryNetwork, { cores, voices = {} }: Stock): Catalog {
  const entries = Object.entries(cores).map(([id, files]) => ({
    id,
    files: Object.entries(files).map(([filename, given]) => {
      const bytes =
        typeof given === 'number'
          ? stockedBytes(id, filename, given)
          : given instanceof Uint8Array
            ? given
            : given.bytes;
      const { entry = {}, served = {} } = typeof given === 'number' || given instanceof Uint8Array ? {} : given;
      network.put(urlOf(id, filename), bytes, served);
      const plain = {
        filename,
        url: urlOf(id, filename),
        sizeBytes: bytes.length,
        sha256: hexDigest('sha256', bytes),
        ...entry,
      };
      return Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== null));
    }),
  }));
  const manifest = {
    version: 3,
    cores: entries,
    voices: Object.entries(voices).map(([id, coreRequirements]) => ({ id, coreRequirements })),
  };
  const reading = readManifestValue(manifest, { base: null, allowHttp: false });
  if (!reading.ok) throw new Error(reading.defects.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  return Catalog.of([reading.manifest], 'any').catalog;
}
