import type { CoreSpec, FileSpec, Manifest } from '@lading/core';
import { type Goods, goodsOf, manifestOf, type Shelf, type ShelfFile } from './goods.js';

/** The largest file of a miniature, bytes: small enough for thousands of worlds, large enough for a progress bar to move. */
const LARGEST_BYTES = 64 * 1024;

function fileOf({ contents, urls }: FileSpec, scale: number): ShelfFile {
  const sizeOf = (bytes: number) => (bytes === 0 ? 0 : Math.max(1, Math.round(bytes * scale)));
  const [declared] = contents;
  const hasDigest = [declared.sha256, declared.sha1, declared.md5, declared.gitBlob].some((digest) => digest !== null);
  return { sizeBytes: sizeOf(declared.sizeBytes), digest: hasDigest ? 'sha256' : 'none', mirrors: urls.length - 1 };
}

function archiveOf({ sizeBytes }: CoreSpec, scale: number): Record<string, number> {
  return { 'model.bin': Math.max(1, Math.round(sizeBytes * scale)) };
}

/**
 * A manifest in small: the same ids, files and relations, sizes in proportion, made-up bytes and their digests. What is in an archive no
 * manifest says; it holds one file, `model.bin`.
 */
export function miniatureOf(value: unknown): Goods {
  const manifest: Manifest = manifestOf(value);
  const largest = Math.max(
    1,
    ...manifest.cores.flatMap((core) => core.files.map((file) => file.contents[0].sizeBytes)),
  );
  const scale = Math.min(1, LARGEST_BYTES / largest);
  const plain = manifest.cores.filter((core) => core.archive === null);
  const packed = manifest.cores.filter((core) => core.archive !== null);
  const shelf: Shelf = {
    cores: Object.fromEntries(
      plain.map((core) => [
        core.id,
        Object.fromEntries(core.files.map((file) => [file.filename, fileOf(file, scale)])),
      ]),
    ),
    archives: Object.fromEntries(packed.map((core) => [core.id, archiveOf(core, scale)])),
    voices: Object.fromEntries(manifest.voices.map((voice) => [voice.id, voice.coreRequirements])),
    bundles: Object.fromEntries(manifest.bundles.map((bundle) => [bundle.id, bundle.requires])),
  };
  return goodsOf(shelf);
}
