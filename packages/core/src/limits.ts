/**
 * Every bound of the package, with its unit and its reason. A number that policy may change is in `Policy`;
 * these are the ones that protect us from hostile input.
 */
export const LIMITS = {
  /** Bytes of manifest text; the Piper catalog of 163 voices has 0.3 MB. Larger ones are refused unread. */
  manifestBytes: 32 * 1024 * 1024,
  /** Nesting of JSON; ours needs 6. Deeper text is an attack on the stack. */
  jsonDepth: 64,
  /** Values in one JSON text: a catalog of 100,000 voices has about 3 million. Each costs memory, also an empty one. */
  jsonValues: 3_500_000,
  /** Objects and arrays among them. */
  jsonContainers: 600_000,
  /** Defects reported for one manifest before we stop counting. */
  manifestDefects: 500,
  /** Characters of an id. */
  idLength: 200,
  /** Segments and bytes of a file name inside a core. */
  nameSegments: 16,
  nameBytes: 200,
  /** Bytes of one file: 1 TiB, far above any model, far below 2^53. */
  fileBytes: 2 ** 40,
  /** Unpacked bytes of an archive that declares none: with its packed bytes it stays under three times the declared size + 8 MiB. */
  unpackedFactor: 2,
  unpackedSlackBytes: 7 * 1024 * 1024,
  /** Files in one archive; espeak-ng has 488. */
  archiveFiles: 100_000,
} as const;
