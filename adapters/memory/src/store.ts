import type { InstalledFile, Range } from '@lading/core';
import type { ExtractOptions, Resident, StagedFile, StageOptions, Store, Usage } from '@lading/runtime';
import { hexDigest } from './digest.js';
import { extractArchive } from './extract.js';
import { guarded, isMissing } from './fs-fault.js';
import { type Mount, parentOf } from './mount.js';
import { childOf } from './power.js';
import { MemoryStagedFile } from './staged-file.js';

const sum = (files: ReadonlyMap<string, number>): number =>
  [...files.values()].reduce((total, bytes) => total + bytes, 0);

const isQuarantine = (name: string): boolean => name.startsWith('.quarantine-');

/**
 * The bytes of a depot on a simulated disk, laid out as on a real one: `staging/<core>/<file>` for what is not proven,
 * `cores/<core>/<generation>/…` for what is final. A name that begins with a dot is never final. Unpacks plain tar only.
 */
export class MemoryStore implements Store {
  private readonly staging: string;
  private readonly cores: string;

  constructor(
    private readonly mount: Mount,
    private readonly dir: string,
  ) {
    this.staging = childOf(dir, 'staging');
    this.cores = childOf(dir, 'cores');
  }

  private generation(core: string, name: string): string {
    return `${this.cores}/${core}/${name}`;
  }

  /** Where a generation is put together before it is final. */
  private assembly(core: string, generation: string): string {
    return this.generation(core, `.${generation}`);
  }

  locate(core: string, generation: string, file: string): string {
    return `${this.generation(core, generation)}/${file}`;
  }

  stage(core: string, file: string, options: StageOptions): Promise<StagedFile> {
    return MemoryStagedFile.open(this.mount, `${this.staging}/${core}/${file}`, options);
  }

  reclaim(core: string, keep: string | null, files: readonly string[]): Promise<Readonly<Record<string, number>>> {
    return guarded('read', `${this.staging}/${core}`, async () => {
      for (const name of await this.mount.names(`${this.cores}/${core}`)) {
        if (name === keep || isQuarantine(name)) continue;
        await this.bringBack(core, this.generation(core, name), files);
        await this.mount.remove(this.generation(core, name));
      }
      return Object.fromEntries(await this.mount.filesIn(`${this.staging}/${core}`));
    });
  }

  /** Moves files of a generation that nobody names back to where they were staged. */
  private async bringBack(core: string, from: string, files: readonly string[]): Promise<void> {
    const present = await this.mount.filesIn(from);
    for (const file of files) {
      if (!present.has(file)) continue;
      const target = `${this.staging}/${core}/${file}`;
      await this.mount.makeFolder(parentOf(target));
      await this.mount.rename(`${from}/${file}`, target);
    }
  }

  /** Copies: nothing is linked on a simulated disk. */
  adopt(core: string, file: string, from: Resident): Promise<number | null> {
    const path = `${this.staging}/${core}/${file}`;
    const source =
      from.generation === null
        ? `${this.staging}/${from.core}/${from.file}`
        : this.locate(from.core, from.generation, from.file);
    return guarded('link', path, () => this.copy(source, path));
  }

  discard(core: string): Promise<void> {
    return guarded('remove', `${this.staging}/${core}`, () => this.mount.remove(`${this.staging}/${core}`));
  }

  async extract(core: string, options: ExtractOptions, signal: AbortSignal): Promise<readonly InstalledFile[]> {
    const folder = this.assembly(core, options.generation);
    const archive = `${this.staging}/${core}/${options.file}`;
    try {
      await this.mount.remove(folder);
      await this.mount.makeFolder(folder);
      return await guarded('unpack', archive, () => extractArchive(this.mount, core, archive, folder, options, signal));
    } catch (error) {
      await this.mount.remove(folder);
      signal.throwIfAborted();
      throw error;
    }
  }

  publish(core: string, generation: string, files: readonly string[] | null): Promise<void> {
    const final = this.generation(core, generation);
    return guarded('install', final, async () => {
      const assembly = this.assembly(core, generation);
      if (files !== null) await this.assemble(core, assembly, files);
      await this.mount.rename(assembly, final);
      await this.mount.syncFolder(parentOf(final));
    });
  }

  /** The files are synced and proven already; here they change their name, and the names are made durable. */
  private async assemble(core: string, assembly: string, files: readonly string[]): Promise<void> {
    await this.mount.makeFolder(assembly);
    const folders = new Set([assembly]);
    for (const file of files) {
      const target = `${assembly}/${file}`;
      for (let folder = parentOf(target); folder !== assembly; folder = parentOf(folder)) folders.add(folder);
      await this.mount.makeFolder(parentOf(target));
      await this.mount.rename(`${this.staging}/${core}/${file}`, target);
    }
    for (const folder of [...folders].sort((a, b) => b.length - a.length)) await this.mount.syncFolder(folder);
  }

  sizes(core: string, generation: string, files: readonly string[]): Promise<Readonly<Record<string, number>>> {
    const path = this.generation(core, generation);
    return guarded('read', path, async () => {
      const there = await this.mount.filesIn(path);
      return Object.fromEntries(files.flatMap((name) => (there.has(name) ? [[name, there.get(name) ?? 0]] : [])));
    });
  }

  generations(core: string): Promise<readonly string[]> {
    return guarded('read', `${this.cores}/${core}`, async () => {
      const names = await this.mount.names(`${this.cores}/${core}`);
      return names.filter((name) => !name.startsWith('.'));
    });
  }

  sweep(core: string, keep: string | null, quarantine: 'keep' | 'drop' = 'keep'): Promise<void> {
    const folder = `${this.cores}/${core}`;
    return guarded('remove', folder, async () => {
      for (const name of await this.mount.names(folder)) {
        if (name === keep || (quarantine === 'keep' && isQuarantine(name))) continue;
        await this.unpublish(core, name);
      }
      await this.mount.remove(`${this.staging}/${core}`);
      if (keep === null && (await this.mount.names(folder)).length === 0) await this.mount.remove(folder);
    });
  }

  /** Takes the final name away first, in one step, so that no reader ever finds half a generation. */
  private async unpublish(core: string, name: string): Promise<void> {
    const path = this.generation(core, name);
    const hidden = name.startsWith('.') ? path : this.generation(core, `.removed-${name}`);
    if (hidden !== path) await this.mount.rename(path, hidden);
    await this.mount.remove(hidden);
  }

  remove(core: string): Promise<void> {
    return this.sweep(core, null, 'drop');
  }

  residents(): Promise<readonly string[]> {
    return guarded('read', this.dir, async () => {
      const names = [...(await this.mount.names(this.cores)), ...(await this.mount.names(this.staging))];
      return [...new Set(names)].sort();
    });
  }

  inspect(core: string, generation: string, file: string, range?: Range): Promise<InstalledFile | null> {
    const path = this.locate(core, generation, file);
    return guarded('read', path, async () => {
      const whole = await this.mount.read(path).catch((error: unknown) => {
        if (isMissing(error)) return null;
        throw error;
      });
      const bytes = range === undefined ? whole : (whole?.subarray(range.from, range.to) ?? null);
      return bytes && { filename: file, sizeBytes: bytes.length, sha256: hexDigest('sha256', bytes) };
    });
  }

  async *read(core: string, generation: string, file: string): AsyncGenerator<Uint8Array> {
    const path = this.locate(core, generation, file);
    yield await guarded('read', path, () => this.mount.read(path));
  }

  quarantine(
    core: string,
    generation: string,
    goodFiles: readonly string[],
    partFiles: readonly string[] = [],
  ): Promise<void> {
    const path = this.generation(core, generation);
    return guarded('set aside', path, async () => {
      for (const name of await this.mount.names(`${this.cores}/${core}`))
        if (isQuarantine(name)) await this.mount.remove(this.generation(core, name));
      const hidden = this.generation(core, `.quarantine-${generation}`);
      await this.mount.rename(path, hidden);
      await this.bringBack(core, hidden, goodFiles);
      for (const file of partFiles) await this.copy(`${hidden}/${file}`, `${this.staging}/${core}/${file}`);
    });
  }

  /** The length of the copy, which is durable; its name need not be. Null if there is no such file. */
  private async copy(source: string, path: string): Promise<number | null> {
    const bytes = await this.mount.read(source).catch((error: unknown) => {
      if (isMissing(error)) return null;
      throw error;
    });
    if (bytes === null) return null;
    await this.mount.makeFolder(parentOf(path));
    // In the same file: what was noted of it is of other bytes.
    this.mount.disk.written.delete(path);
    const fd = await this.mount.open(path);
    await this.mount.truncate(fd, 0);
    await this.mount.write(fd, bytes, 0);
    await this.mount.sync(fd);
    await this.mount.close(fd);
    return bytes.length;
  }

  freeBytes(): Promise<number | null> {
    return this.mount.process.step(() => {
      const free = this.mount.disk.freeBytes();
      return free === Number.POSITIVE_INFINITY ? null : free;
    });
  }

  usage(): Promise<Usage> {
    return guarded('read', this.dir, async () => {
      const cores = await this.sizesIn(this.cores);
      const staging = await this.sizesIn(this.staging);
      const all = sum(await this.mount.filesIn(this.dir));
      const known = [...Object.values(cores), ...Object.values(staging)].reduce((total, bytes) => total + bytes, 0);
      return { cores, staging, otherBytes: all - known };
    });
  }

  private async sizesIn(folder: string): Promise<Record<string, number>> {
    const sizes: Record<string, number> = {};
    for (const core of await this.mount.names(folder)) sizes[core] = sum(await this.mount.filesIn(`${folder}/${core}`));
    return sizes;
  }
}
