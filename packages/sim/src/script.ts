import type { Policy } from '@lading/core';
import { seededLuck } from '@lading/memory';
import type { Act } from './act.js';
import { type Goods, goodsOf, type Shelf } from './goods.js';
import { between, type Luck, oneOf } from './luck.js';
import { personAct } from './person.js';
import { STORMY, type Weather, weatherAct } from './weather.js';

/** A play for one world: everything that will happen to it but the luck of its retries, which the seed decides. Plain data. */
export interface Script {
  readonly seed: number;
  readonly policy: Partial<Policy>;
  readonly stallMs: number;
  /** Time that each call to the disk takes, simulated milliseconds. On a disk that takes none, nothing ever overlaps. */
  readonly diskMs: number;
  /** Requests that one file may have under way at once; one where nothing is said, as in scripts from before there were more. */
  readonly connections?: number;
  readonly acts: readonly Act[];
}

/** What the simulation offers: shared cores, an archive, weak and missing digests, mirrors, other accepted contents, an empty file, equal files. */
const SHELF: Shelf = {
  cores: {
    shared: { 'model.onnx': 900, 'tokens.txt': 40 },
    tiny: { 'f.bin': { sizeBytes: 300, digest: 'md5' } },
    many: { 'a.bin': 60, 'b.bin': 90, 'c.bin': 0, 'sub/d.bin': 110, 'e.bin': { sizeBytes: 75, digest: 'gitBlob' } },
    mirrored: { 'voice.onnx': { sizeBytes: 500, mirrors: 2, pieceBytes: 90 } },
    twin: { 'copy.onnx': { sizeBytes: 900, equals: 'shared/model.onnx', pieceBytes: 250 }, 'own.bin': 70 },
    shifting: { 'weights.bin': { sizeBytes: 420, acceptedBytes: 400 }, 'bare.bin': { sizeBytes: 130, digest: 'none' } },
  },
  archives: { data: { 'lang/en.txt': 130, 'phones.bin': 300 } },
  voices: {
    heart: ['shared', 'tiny'],
    fenrir: ['shared', 'many'],
    espeak: ['shared', 'data'],
    alto: ['mirrored', 'data'],
    drift: ['shifting'],
    echo: ['twin', 'tiny'],
  },
  bundles: { choir: ['heart', 'alto', 'drift'] },
};

/** The catalog in its first edition and in the one that comes later. */
export const EDITIONS: readonly [Goods, Goods] = [
  goodsOf(SHELF),
  goodsOf({ ...SHELF, edition: 2, voices: { ...SHELF.voices, heart: ['shared', 'mirrored'] } }),
];

/** Tiny limits: a bound that no world reaches is a bound that no law watches. */
export function policyOf(luck: Luck): Partial<Policy> {
  const retryBaseMs = oneOf(luck, [50, 200, 500]);
  return {
    slots: between(luck, 1, 4),
    retryBaseMs,
    retryCapMs: retryBaseMs * oneOf(luck, [1, 3, 8]),
    retryAfterMaxMs: 5_000,
    maxAttempts: between(luck, 2, 5),
    maxStrikes: between(luck, 1, 4),
    progressBytes: oneOf(luck, [1, 50, 400]),
  };
}

const PAUSES = [0, 0, 0, 1, 5, 20, 40, 100, 300, 1_000, 3_000];

/** One line of a script, all decided by its luck. */
export function actOf(luck: Luck, weather: Weather = STORMY): Act {
  const afterMs = oneOf(luck, PAUSES);
  const wild = luck() < 0.5 ? weatherAct(weather, EDITIONS[0], luck) : null;
  return { afterMs, ...(wild ?? personAct(EDITIONS[0], luck)) };
}

/** Milliseconds that a disk takes for a call; mostly none, which is quick to simulate. */
export const DISK_MS: readonly number[] = [0, 0, 0, 1, 7, 60];

/** Requests that a file may have at once. */
export const CONNECTIONS: readonly number[] = [1, 2, 4];

/** Acts in one script, at most. */
const MOST_ACTS = 24;

/** The script of a seed. It begins with a wish: a world in which nobody wants anything shows nothing. */
export function scriptOf(seed: number, weather: Weather = STORMY): Script {
  const luck = seededLuck(seed);
  const policy = policyOf(luck);
  const stallMs = oneOf(luck, [400, 1_500, 5_000]);
  const diskMs = oneOf(luck, DISK_MS);
  const acts: Act[] = [
    { afterMs: 0, do: 'download', id: oneOf(luck, [...EDITIONS[0].catalog.voices()]).id, giveUpAfterMs: null },
  ];
  for (let left = between(luck, 1, MOST_ACTS); left > 0; left--) acts.push(actOf(luck, weather));
  return { seed, policy, stallMs, diskMs, acts, connections: oneOf(luck, CONNECTIONS) };
}
