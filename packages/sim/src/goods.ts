import { Catalog, type CoreSpec, type Manifest, readManifestValue } from '@lading/core';
import { seededBytes, urlOf } from '@lading/memory';
import { type DigestKind, digestsOf } from './digests.js';
import { tarOf } from './tar.js';

/** A file of a simulated catalog; a bare number is its length. */
export interface ShelfFile {
  readonly sizeBytes: number;
  /** What vouches for it; default sha256. */
  readonly digest?: DigestKind;
  /** Further sources of the same bytes. */
  readonly mirrors?: number;
  /** The publisher serves another content, of this length, which the catalog accepts as well. */
  readonly acceptedBytes?: number;
  /** Bytes of its pieces, each of which has a digest of its own. */
  readonly pieceBytes?: number;
  /** `core/file` whose bytes these are, if that file is as long. */
  readonly equals?: string;
}

/** What is on offer in a simulated world: cores with their files, and the voices made of them. All bytes follow from the names. */
export interface Shelf {
  readonly cores: Readonly<Record<string, Readonly<Record<string, number | ShelfFile>>>>;
  /** Cores that come as one archive, by their unpacked files. */
  readonly archives?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly voices?: Readonly<Record<string, readonly string[]>>;
  readonly bundles?: Readonly<Record<string, readonly string[]>>;
  /** Makes another edition: the same names with other bytes. */
  readonly edition?: number;
}

/** One place on the network, and what a file there consists of. */
export interface Source {
  readonly core: string;
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** A catalog, what its publisher serves, and what of it may ever be found installed. */
export interface Goods {
  readonly catalog: Catalog;
  readonly sources: ReadonlyMap<string, Source>;
  /** Per core: the revision, and per installed file its right contents. */
  readonly right: ReadonlyMap<string, { readonly revision: string; readonly files: ReadonlyMap<string, RightFile> }>;
}

/** What an installed file may be. */
export interface RightFile {
  readonly contents: readonly Uint8Array[];
  /** False if nothing but the size vouches for it: then other bytes of that size are right as well. */
  readonly isProvable: boolean;
}

const seedOf = (text: string): number => [...text].reduce((seed, char) => Math.imul(seed, 31) + char.charCodeAt(0), 7);

function piecesOf(bytes: Uint8Array, sizeBytes: number): unknown {
  const count = Math.ceil(bytes.length / sizeBytes);
  const piece = (i: number) => bytes.subarray(i * sizeBytes, (i + 1) * sizeBytes);
  return { sizeBytes, sha256: Array.from({ length: count }, (_, i) => digestsOf('sha256', piece(i)).sha256) };
}

class ShelfReader {
  readonly sources = new Map<string, Source>();
  readonly right = new Map<string, Map<string, RightFile>>();

  constructor(private readonly shelf: Shelf) {}

  private bytes(name: string, length: number): Uint8Array {
    return seededBytes(seedOf(`${name}/${this.shelf.edition ?? 1}/${length}`), length);
  }

  core(id: string, files: Readonly<Record<string, number | ShelfFile>>): unknown {
    const right = new Map<string, RightFile>();
    this.right.set(id, right);
    const entries = Object.entries(files).map(([filename, given]) => {
      const file: ShelfFile = typeof given === 'number' ? { sizeBytes: given } : given;
      const name = file.equals ?? `${id}/${filename}`;
      const declared = this.bytes(name, file.sizeBytes);
      const accepted = file.acceptedBytes === undefined ? null : this.bytes(name, file.acceptedBytes);
      right.set(filename, {
        contents: accepted === null ? [declared] : [declared, accepted],
        isProvable: file.digest !== 'none',
      });
      const urls = [urlOf(id, filename)];
      for (let i = 1; i <= (file.mirrors ?? 0); i++) urls.push(urlOf(id, filename, `https://mirror${i}.example.org`));
      for (const url of urls) this.sources.set(url, { core: id, file: filename, bytes: accepted ?? declared });
      return {
        filename,
        url: urls[0],
        mirrors: urls.slice(1),
        sizeBytes: declared.length,
        ...digestsOf(file.digest ?? 'sha256', declared),
        pieces: file.pieceBytes === undefined ? null : piecesOf(declared, file.pieceBytes),
        accepted: accepted === null ? [] : [{ sizeBytes: accepted.length, ...digestsOf('sha256', accepted) }],
      };
    });
    return { id, files: entries };
  }

  archive(id: string, files: Readonly<Record<string, number>>): unknown {
    const inside = new Map(Object.entries(files).map(([name, length]) => [name, this.bytes(`${id}/${name}`, length)]));
    this.right.set(id, new Map([...inside].map(([name, bytes]) => [name, { contents: [bytes], isProvable: true }])));
    const bytes = tarOf(new Map([...inside].map(([name, content]) => [`${id}/${name}`, content])));
    const url = urlOf(id, `${id}.tar`);
    this.sources.set(url, { core: id, file: 'archive.tar', bytes });
    return { id, url, sizeBytes: bytes.length, ...digestsOf('sha256', bytes), extractType: 'tar', stripComponents: 1 };
  }
}

/** The goods that a shelf describes. Throws if the manifest they make is refused. */
export function goodsOf(shelf: Shelf): Goods {
  const reader = new ShelfReader(shelf);
  const manifest = {
    version: 3,
    cores: [
      ...Object.entries(shelf.cores).map(([id, files]) => reader.core(id, files)),
      ...Object.entries(shelf.archives ?? {}).map(([id, files]) => reader.archive(id, files)),
    ],
    voices: Object.entries(shelf.voices ?? {}).map(([id, coreRequirements]) => ({ id, coreRequirements })),
    bundles: Object.entries(shelf.bundles ?? {}).map(([id, requires]) => ({ id, requires })),
  };
  const catalog = catalogOf(manifest);
  const right = new Map(
    [...catalog.cores()].map((core: CoreSpec) => [
      core.id,
      { revision: core.revision, files: reader.right.get(core.id) ?? new Map() },
    ]),
  );
  return { catalog, sources: reader.sources, right };
}

export function manifestOf(value: unknown): Manifest {
  const reading = readManifestValue(value, { base: null, allowHttp: false });
  if (!reading.ok) throw new Error(reading.defects.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  return reading.manifest;
}

const catalogOf = (value: unknown): Catalog => Catalog.of([manifestOf(value)], 'any').catalog;
