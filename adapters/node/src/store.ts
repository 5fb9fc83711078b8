import { createHash } from 'node:crypto';
import { chmodSync, createReadStream, lstatSync, readdirSync, renameSync, type Stats } from 'node:fs';
import { rmdir, statfs } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { InstalledFile, Range } from '@lading/core';
import {
  type ExtractOptions,
  FaultError,
  type Resident,
  type StagedFile,
  type StageOptions,
  type Store,
  type Usage,
} from '@lading/runtime';
import { ArchiveError } from '@lading/runtime/archive';
import { breath } from './breath.js';
import { descriptors, onceDescriptorFree } from './descriptors.js';
import { DigestThread } from './digest-thread.js';
import { makeDirectory, syncDirectory } from './durable.js';
import { extractArchive } from './extract.js';
import { fsFault, guarded, isMissing } from './fs-fault.js';
import { removeHeld, renameHeld } from './held-file.js';
import { linkFile } from './link-file.js';
import { copyDurably, isHalfCopy, moveFile } from './move-file.js';
import { Proofs } from './proofs.js';
import { DiskStagedFile } from './staged-file.js';
import { isNote } from './written-note.js';

const isQuarantine = (name: string): boolean => name.startsWith('.quarantine-');

/**
 * The bytes of a depot in plain folders: `staging/<core>/<file>` for what is not proven, `cores/<core>/<generation>/…` for what is final.
 * A name that begins with a dot is never final. Generations come and go by one rename of a folder.
 */
export class DiskStore implements Store {
  private readonly staging: string;
  private readonly cores: string;
  private readonly digests = new DigestThread();
  private readonly proofs = new Proofs();

  constructor(private readonly dir: string) {
    this.staging = join(dir, 'staging');
    this.cores = join(dir, 'cores');
  }

  private generation(core: string, name: string): string {
    return join(this.cores, core, name);
  }

  /** Where a generation is put together before it is final. */
  private assembly(core: string, generation: string): string {
    return join(this.cores, core, `.${generation}`);
  }

  locate(core: string, generation: string, file: string): string {
    return join(this.cores, core, generation, file);
  }

  /** A name has no segment that leads elsewhere, so nothing has to be resolved. */
  private staged(core: string, file: string): string {
    return `${this.staging}${sep}${core}${sep}${file}`;
  }

  stage(core: string, file: string, options: StageOptions): Promise<StagedFile> {
    const path = this.staged(core, file);
    return descriptors.stage(async () => this.proofs.of(await DiskStagedFile.open(path, options, this.digests), path));
  }

  reclaim(core: string, keep: string | null, files: readonly string[]): Promise<Readonly<Record<string, number>>> {
    return guarded('read', join(this.staging, core), async () => {
      for (const name of await namesIn(join(this.cores, core))) {
        if (name === keep || isQuarantine(name)) continue;
        await this.bringBack(core, this.generation(core, name), files);
        await removeHeld(this.generation(core, name));
      }
      const staged = await filesIn(join(this.staging, core));
      for (const name of [...staged.keys()].filter((name) => isHalfCopy(name) || isNote(name))) {
        if (isHalfCopy(name)) await removeHeld(join(this.staging, core, name));
        staged.delete(name);
      }
      return Object.fromEntries(staged);
    });
  }

  /** Moves files of a generation that nobody names back to where they were staged. */
  private async bringBack(core: string, from: string, files: readonly string[]): Promise<void> {
    const present = new Set([...(await filesIn(from)).keys()]);
    for (const file of files) {
      if (!present.has(file)) continue;
      const target = this.staged(core, file);
      await makeDirectory(dirname(target));
      this.proofs.forget(target);
      await moveFile(join(from, file), target);
    }
  }

  adopt(core: string, file: string, from: Resident): Promise<number | null> {
    const path = this.staged(core, file);
    const source =
      from.generation === null ? this.staged(from.core, from.file) : this.locate(from.core, from.generation, from.file);
    this.proofs.forget(path);
    return guarded('link', path, () => linkFile(source, path));
  }

  discard(core: string): Promise<void> {
    return guarded('remove', join(this.staging, core), () => removeHeld(join(this.staging, core)));
  }

  async extract(core: string, options: ExtractOptions, signal: AbortSignal): Promise<readonly InstalledFile[]> {
    const targetDir = this.assembly(core, options.generation);
    const archivePath = this.staged(core, options.file);
    try {
      await removeHeld(targetDir);
      await makeDirectory(targetDir);
      const { extractType, stripComponents, maxBytes, maxFiles } = options;
      this.proofs.demand(archivePath);
      const request = { archivePath, extractType, stripComponents, targetDir, maxBytes, maxFiles };
      const files = await extractArchive(request, signal);
      // Unpacking takes a while, and opens the archive anew.
      this.proofs.demand(archivePath);
      return files;
    } catch (error) {
      await removeHeld(targetDir);
      signal.throwIfAborted();
      if (error instanceof ArchiveError)
        throw FaultError.of('archiveInvalid', error.code, `${core}: ${error.message}`, {}, error);
      throw fsFault(error, 'unpack', archivePath);
    }
  }

  publish(core: string, generation: string, files: readonly string[] | null): Promise<void> {
    const final = this.generation(core, generation);
    return guarded('install', final, async () => {
      const assembly = this.assembly(core, generation);
      if (files !== null) await this.assemble(core, assembly, files);
      await renameHeld(assembly, final);
      await syncDirectory(dirname(final));
    });
  }

  /** The files are synced and proven already; here they change their name, and the names are made durable. */
  private async assemble(core: string, assembly: string, files: readonly string[]): Promise<void> {
    await makeDirectory(assembly);
    const folders = new Set([assembly]);
    for (const file of files) {
      await breath();
      const target = join(assembly, file);
      const inside = dirname(target);
      if (!folders.has(inside)) await makeDirectory(inside);
      for (let folder = inside; !folders.has(folder); folder = dirname(folder)) folders.add(folder);
      const source = this.staged(core, file);
      this.proofs.demand(source);
      chmodSync(source, 0o444);
      await moveFile(source, target, renameSync);
      this.proofs.forget(source);
    }
    for (const folder of [...folders].sort((a, b) => b.length - a.length)) await syncDirectory(folder);
  }

  sizes(core: string, generation: string, files: readonly string[]): Promise<Readonly<Record<string, number>>> {
    const path = this.generation(core, generation);
    return guarded('read', path, async () => {
      const sizes: Record<string, number> = {};
      for (const file of files) {
        await breath();
        const size = sizeOf(path, file);
        if (size !== null) sizes[file] = size;
      }
      return sizes;
    });
  }

  generations(core: string): Promise<readonly string[]> {
    return guarded('read', join(this.cores, core), async () => {
      const names = await namesIn(join(this.cores, core));
      return names.filter((name) => !name.startsWith('.'));
    });
  }

  sweep(core: string, keep: string | null, quarantine: 'keep' | 'drop' = 'keep'): Promise<void> {
    return guarded('remove', join(this.cores, core), async () => {
      for (const name of await namesIn(join(this.cores, core))) {
        if (name === keep || (quarantine === 'keep' && isQuarantine(name))) continue;
        await this.unpublish(core, name);
      }
      const staged = join(this.staging, core);
      // Most have nothing staged, and to remove nothing costs more than to see that.
      if (lstatSync(staged, { throwIfNoEntry: false }) !== undefined) await removeHeld(staged);
      if (keep === null) await rmdir(join(this.cores, core)).catch(() => undefined);
    });
  }

  /** Takes the final name away first, in one step, so that no reader ever finds half a generation. */
  private async unpublish(core: string, name: string): Promise<void> {
    const path = this.generation(core, name);
    const hidden = name.startsWith('.') ? path : this.generation(core, `.removed-${name}`);
    if (hidden !== path) await renameHeld(path, hidden);
    await removeHeld(hidden);
  }

  remove(core: string): Promise<void> {
    return this.sweep(core, null, 'drop');
  }

  residents(): Promise<readonly string[]> {
    return guarded('read', this.dir, async () => {
      return [...new Set([...(await namesIn(this.cores)), ...(await namesIn(this.staging))])].sort();
    });
  }

  async inspect(core: string, generation: string, file: string, range?: Range): Promise<InstalledFile | null> {
    const path = this.locate(core, generation, file);
    try {
      const hash = createHash('sha256');
      const stream = createReadStream(path, {
        highWaterMark: 1024 * 1024,
        // A stream names the last byte, not the one behind it.
        ...(range === undefined ? {} : { start: range.from, end: range.to - 1 }),
      });
      await pipeline(stream, hash);
      return { filename: file, sizeBytes: stream.bytesRead, sha256: hash.digest('hex') };
    } catch (error) {
      if (isMissing(error)) return null;
      throw fsFault(error, 'read', path);
    }
  }

  async *read(core: string, generation: string, file: string): AsyncGenerator<Uint8Array> {
    const path = this.locate(core, generation, file);
    try {
      yield* createReadStream(path, { highWaterMark: 1024 * 1024 });
    } catch (error) {
      throw fsFault(error, 'read', path);
    }
  }

  quarantine(
    core: string,
    generation: string,
    goodFiles: readonly string[],
    partFiles: readonly string[] = [],
  ): Promise<void> {
    const path = this.generation(core, generation);
    return guarded('set aside', path, async () => {
      // One at a time: what was set aside before has been looked at or never will be, and the depot must not grow with every repair.
      for (const name of await namesIn(join(this.cores, core))) {
        if (isQuarantine(name)) await removeHeld(this.generation(core, name));
      }
      const hidden = this.generation(core, `.quarantine-${generation}`);
      await renameHeld(path, hidden);
      await this.bringBack(core, hidden, goodFiles);
      for (const file of partFiles) {
        const target = this.staged(core, file);
        await makeDirectory(dirname(target));
        await copyDurably(join(hidden, file), target);
      }
    });
  }

  async freeBytes(): Promise<number | null> {
    try {
      const { bavail, bsize } = await statfs(this.dir);
      return bavail * bsize;
    } catch {
      return null;
    }
  }

  usage(): Promise<Usage> {
    return guarded('read', this.dir, async () => {
      // What is linked lies on the disk once, and is counted where it is met first.
      const seen = new Set<string>();
      const bytesBelow = async (path: string) => sum(await filesIn(path, '', seen));
      const cores: Record<string, number> = {};
      const staging: Record<string, number> = {};
      for (const core of await namesIn(this.cores)) cores[core] = await bytesBelow(join(this.cores, core));
      for (const core of await namesIn(this.staging)) staging[core] = await bytesBelow(join(this.staging, core));
      const all = sum(await filesIn(this.dir, '', new Set()));
      const known = [...Object.values(cores), ...Object.values(staging)].reduce((total, bytes) => total + bytes, 0);
      return { cores, staging, otherBytes: all - known };
    });
  }
}

const sum = (files: ReadonlyMap<string, number>): number =>
  [...files.values()].reduce((total, bytes) => total + bytes, 0);

/** The length of a regular file below a folder, through no link; null if there is none. */
function sizeOf(folder: string, file: string): number | null {
  const parts = file.split('/');
  const last = parts.pop() ?? '';
  let path = folder;
  for (const part of parts) {
    path = join(path, part);
    if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return null;
  }
  const stat = lstatSync(join(path, last), { throwIfNoEntry: false });
  return stat?.isFile() ? stat.size : null;
}

async function namesIn(path: string): Promise<string[]> {
  await breath();
  try {
    return (await onceDescriptorFree(async () => readdirSync(path))).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/**
 * Regular files below a folder with their lengths, by name relative to it, segments joined by `/`. With `seen`, of several links to the same
 * bytes only the first is told.
 */
async function filesIn(path: string, prefix = '', seen?: Set<string>): Promise<Map<string, number>> {
  const files = new Map<string, number>();
  for (const name of await namesIn(path)) {
    const full = join(path, name);
    // Its folder was just read, and mostly the system has read this with it.
    const stat = lstatSync(full, { throwIfNoEntry: false });
    if (stat?.isDirectory())
      for (const [inner, size] of await filesIn(full, `${prefix}${name}/`, seen)) files.set(inner, size);
    else if (stat?.isFile() && isNew(stat, seen)) files.set(prefix + name, stat.size);
  }
  return files;
}

function isNew({ dev, ino, nlink }: Stats, seen: Set<string> | undefined): boolean {
  if (seen === undefined || nlink === 1) return true;
  const inode = `${dev}:${ino}`;
  if (seen.has(inode)) return false;
  seen.add(inode);
  return true;
}
