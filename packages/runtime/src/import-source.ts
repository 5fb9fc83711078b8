/** Bytes that somebody has already: a file, what a person gave to a page, a part of an archive. They may be read several times. */
export interface ImportSource {
  /** What it is called in messages; its last segment is a hint where nothing but a size vouches for a file. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Its bytes in `[from, to)`. */
  read(from: number, to: number): AsyncIterable<Uint8Array>;
  /** It was found in a folder and not named: if it is no file of ours, it is passed over. */
  readonly isFound?: boolean;
}

export const baseName = (name: string): string =>
  name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);

/** A part of a source as a source of its own. */
export function partOf(source: ImportSource, name: string, from: number, sizeBytes: number): ImportSource {
  return { name: `${source.name}: ${name}`, sizeBytes, read: (begin, end) => source.read(from + begin, from + end) };
}

/** A short piece of a source, whole in memory; null if it ends before. */
export async function piece(source: ImportSource, from: number, to: number): Promise<Uint8Array | null> {
  if (to > source.sizeBytes) return null;
  const bytes = new Uint8Array(to - from);
  let at = 0;
  for await (const chunk of source.read(from, to)) {
    if (at + chunk.length > bytes.length) return null;
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return at === bytes.length ? bytes : null;
}
