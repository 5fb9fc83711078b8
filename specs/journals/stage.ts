/** What a story needs of a world, so that it can be told in more than one: with real HTTP and real files, and in memory. */
import type { Catalog, Status } from '@lading/core';
import type { Depot, JournalImage } from '@lading/runtime';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';
import { tar } from '../scenarios/tar.js';
import { catalogOf, type Shelf } from '../scenarios/world.js';

/** What goes wrong with the next request of a file. */
export type Trouble =
  | { readonly type: 'drop' | 'stall'; readonly afterBytes: number }
  | { readonly type: 'flip'; readonly atByte: number }
  | { readonly type: 'status'; readonly status: number; readonly retryAfterSeconds?: number };

/** A web of files and the catalog that names them. */
export interface Goods {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly shelf: (origin: string) => Shelf;
}

/** What stories do with a depot. One in a page is out of reach of all else. */
export interface StoryDepot extends Pick<Depot, 'pause' | 'resume' | 'cancel' | 'retry' | 'delete' | 'close'> {
  download(id: string): Promise<unknown>;
  watch(id: string): AsyncIterable<Pick<Status, 'bytesDone'>>;
}

export interface Stage extends AsyncDisposable {
  readonly name: 'node' | 'memory' | 'browser';
  open(goods: Goods): Promise<StoryDepot>;
  /** Lets time pass until the promise has settled. */
  run<T>(promise: Promise<T>): Promise<T>;
  /** Orders what goes wrong with the requests of a path from now on, in their order. */
  trouble(path: string, ...troubles: readonly Trouble[]): void;
  /** A life of the program that asks for something and is killed in the moment an event of this type is durable. */
  killedAt(goods: Goods, id: string, type: string): Promise<void>;
  /** What a depot does to its journal after ten thousand events. No depot may be open. */
  compact(): Promise<void>;
  journal(): Promise<JournalImage>;
  /** The folder of the depot, which no recording may name. */
  readonly dir: string;
}

export const MODEL_BYTES = 48_000;
const modelPath = '/model.onnx';

function fileOf(
  origin: string,
  path: string,
  bytes: Uint8Array,
): { filename: string; url: string; sizeBytes: number; sha256: string } {
  return { filename: path.slice(1), url: `${origin}${path}`, sizeBytes: bytes.length, sha256: sha256Hex(bytes) };
}

/** Two voices over a shared model and an archive, and a third with a model of its own. `edition` decides the bytes of the shared model. */
export function goodsOf(edition = 1): Goods {
  const files = new Map([
    [edition === 1 ? modelPath : `/model-${edition}.onnx`, seededBytes(edition, MODEL_BYTES)],
    ['/voices.bin', seededBytes(20, 9_000)],
    ['/own.onnx', seededBytes(30, 12_000)],
    ['/phonemes.tar', tar({ 'data/phontab': seededBytes(40, 1_500), 'data/lang/en': seededBytes(41, 300) })],
  ]);
  const shelf = (origin: string): Shelf => {
    const [model, table, own, phonemes] = [...files].map(([path, bytes]) => fileOf(origin, path, bytes));
    const { filename: _, ...archive } = phonemes ?? { filename: '' };
    return {
      cores: [
        { id: 'model', type: 'engine_core', files: [model] },
        { id: 'tables', type: 'engine_core', files: [table] },
        { id: 'phonemes', type: 'engine_dependency', ...archive, extractType: 'tar', stripComponents: 1 },
        { id: 'own', type: 'voice_model', files: [own] },
      ],
      voices: [
        { id: 'aria', coreRequirements: ['model', 'tables'] },
        { id: 'basil', coreRequirements: ['model', 'phonemes'] },
        { id: 'cleo', coreRequirements: ['own'] },
      ],
    };
  };
  return { files, shelf };
}

export const catalogAt = (goods: Goods, origin: string): Catalog =>
  catalogOf(goods.shelf(origin), `${origin}/catalog.json`);

/** Resolves when so many bytes of an asset are here, durable or not. */
export async function bytesOf(depot: StoryDepot, id: string, bytes: number): Promise<void> {
  for await (const { bytesDone } of depot.watch(id)) if (bytesDone >= bytes) return;
}
