/** What is downloaded before and after a power cut: many small cores, some of several MiB, one large, and voices over them. */
import type { Catalog } from '@lading/core';
import { throttle } from '../origin/behaviour.js';
import type { Origin } from '../origin/origin.js';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';
import { catalogOf } from '../scenarios/world.js';

const MIB = 1024 * 1024;
const SMALL_CORES = 24;
const MIDDLE_CORES = 4;
export const BIG_BYTES = 32 * MIB;
export const BIG_PATH = '/big/model.bin';
/** So slow that a cut finds it half done, and so fast that a cycle takes a second. */
const BIG_BYTES_PER_SECOND = 56 * MIB;

interface ShelfFile {
  readonly filename: string;
  readonly url: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

interface ShelfCore {
  readonly id: string;
  readonly files: readonly ShelfFile[];
}

export interface PowerShelf {
  readonly catalog: Catalog;
  /** The same as text. */
  readonly manifest: string;
  /** All that can be asked for. */
  readonly ids: readonly string[];
  /** `core/file` with the bytes that belong there. */
  readonly bytes: ReadonlyMap<string, Uint8Array>;
  /** `core/file` with their digest. */
  readonly digests: ReadonlyMap<string, string>;
  /** The files of a voice or a core, as `core/file`. */
  filesOf(id: string): readonly string[];
}

export function powerShelf(origin: Origin): PowerShelf {
  const bytes = new Map<string, Uint8Array>();
  const digests = new Map<string, string>();
  const core = (id: string, ...sizes: readonly number[]): ShelfCore => ({
    id,
    files: sizes.map((sizeBytes, n) => {
      const filename = sizes.length === 1 ? 'model.bin' : `part/${n}.bin`;
      const content = seededBytes(bytes.size + 1, sizeBytes);
      const sha256 = sha256Hex(content);
      bytes.set(`${id}/${filename}`, content);
      digests.set(`${id}/${filename}`, sha256);
      return { filename, url: origin.put(`/${id}/${filename}`, content), sizeBytes, sha256 };
    }),
  });
  const small = Array.from({ length: SMALL_CORES }, (_, n) => core(`small${n}`, 700 + n, 9_000 * (n % 5) + 1, 40_000));
  const middle = Array.from({ length: MIDDLE_CORES }, (_, n) => core(`middle${n}`, (2 + (n % 3)) * MIB + n));
  const big = core('big', BIG_BYTES);
  origin.script(BIG_PATH, throttle(BIG_BYTES_PER_SECOND));
  const voices = middle.map(({ id }, n) => ({
    id: `voice${n}`,
    engineId: 'engine',
    displayName: `Voice ${n}`,
    language: 'en-US',
    coreRequirements: [id, `small${n}`, `small${n + MIDDLE_CORES}`],
  }));
  const cores = [...small, ...middle, big];
  const shelf = { cores, voices };
  const inVoices = new Set(voices.flatMap(({ coreRequirements }) => coreRequirements));
  const catalog = catalogOf(shelf, `${origin.url}/catalog.json`);
  return {
    catalog,
    manifest: JSON.stringify({ version: 3, id: 'power', revision: 1, ...shelf }),
    ids: [...voices, ...cores.filter(({ id }) => !inVoices.has(id))].map(({ id }) => id),
    bytes,
    digests,
    filesOf: (id) => {
      const ids = voices.find((voice) => voice.id === id)?.coreRequirements ?? [id];
      return cores
        .filter((each) => ids.includes(each.id))
        .flatMap((each) => each.files.map((file) => `${each.id}/${file.filename}`));
    },
  };
}
