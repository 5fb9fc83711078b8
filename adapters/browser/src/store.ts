import type { InstalledFile, Range } from '@lading/core';
import type { ExtractOptions, Resident, StagedFile, StageOptions, Store, Usage } from '@lading/runtime';
import { Digests } from './digest.js';
import { extractArchive } from './extract.js';
import { Folder } from './folder.js';
import { evicted, guarded, isMissing } from './fs-fault.js';
import { access, copyInto, KeptDigests, OpfsStagedFile, readInto } from './staged-file.js';

/** What is read at once of a file that is exported. */
const READ_BYTES = 1024 * 1024;
const FINAL = '.final-';
const QUARANTINE = '.quarantine-';

const sum = (files: ReadonlyMap<string, number>): number =>
  [...files.values()].reduce((total, bytes) => total + bytes, 0);

const total = (sizes: Readonly<Record<string, number>>): number =>
  Object.values(sizes).reduce((all, bytes) => all + bytes, 0);

/**
 * The bytes of a depot in the origin private file system: `staging/<core>/<file>` for what is not proven, `cores/<core>/<generation>/…` for
 * what is installed. Folders cannot be renamed there, so an empty file beside a generation says what it is: `.final-<generation>` is written
 * last and taken away first; without a mark the folder is being put together. Lives in a dedicated worker only.
 */
export class OpfsStore implements Store {
  private readonly folder: Folder;
  private readonly kept = new KeptDigests();

  constructor(root: FileSystemDirectoryHandle) {
    this.folder = new Folder(root);
  }

  locate(core: string, generation: string, file: string): string {
    return `cores/${core}/${generation}/${file}`;
  }

  private staging(core: string): string {
    return `staging/${core}`;
  }

  private generation(core: string, name: string): string {
    return `cores/${core}/${name}`;
  }

  private mark(core: string, kind: typeof FINAL | typeof QUARANTINE, name: string): string {
    return `cores/${core}/${kind}${name}`;
  }

  stage(core: string, file: string, options: StageOptions): Promise<StagedFile> {
    return OpfsStagedFile.open(this.folder, `${this.staging(core)}/${file}`, options, this.kept);
  }

  reclaim(core: string, keep: string | null, files: readonly string[]): Promise<Readonly<Record<string, number>>> {
    return guarded('read', this.staging(core), async () => {
      const quarantined = await this.marked(core, QUARANTINE);
      for (const name of await this.folder.names(`cores/${core}`, 'directory')) {
        if (name === keep || quarantined.includes(name)) continue;
        await this.folder.remove(this.mark(core, FINAL, name));
        await this.bringBack(core, name, files);
        await this.unpublish(core, name);
      }
      return Object.fromEntries(await this.folder.files(this.staging(core)));
    });
  }

  /** Moves files of a generation that nobody names back to where they were staged. */
  private async bringBack(core: string, generation: string, files: readonly string[]): Promise<void> {
    const present = await this.folder.files(this.generation(core, generation));
    for (const file of files) {
      if (present.has(file))
        await this.folder.move(`${this.generation(core, generation)}/${file}`, `${this.staging(core)}/${file}`);
    }
  }

  /** Copies: there are no links here. */
  adopt(core: string, file: string, from: Resident): Promise<number | null> {
    const place = `${this.staging(core)}/${file}`;
    const source =
      from.generation === null
        ? `${this.staging(from.core)}/${from.file}`
        : this.locate(from.core, from.generation, from.file);
    return guarded('copy', place, async () => {
      const isThere = from.generation === null || (await this.folder.has(this.mark(from.core, FINAL, from.generation)));
      if (!isThere || !(await this.folder.has(source))) return null;
      this.kept.take(place);
      return await copyInto(await this.folder.makeFile(place), await this.folder.file(source));
    });
  }

  discard(core: string): Promise<void> {
    return guarded('remove', this.staging(core), () => this.folder.remove(this.staging(core)));
  }

  async extract(core: string, options: ExtractOptions, signal: AbortSignal): Promise<readonly InstalledFile[]> {
    const target = this.generation(core, options.generation);
    const archive = `${this.staging(core)}/${options.file}`;
    try {
      signal.throwIfAborted();
      await guarded('unpack', archive, () => this.folder.remove(target));
      return await guarded('unpack', archive, () => extractArchive(this.folder, archive, target, options, signal));
    } catch (error) {
      await this.folder.remove(target);
      signal.throwIfAborted();
      throw error;
    }
  }

  publish(core: string, generation: string, files: readonly string[] | null): Promise<void> {
    const place = this.generation(core, generation);
    return guarded('install', place, async () => {
      if (await this.folder.has(this.mark(core, FINAL, generation)))
        throw new DOMException('it is there already', 'InvalidModificationError');
      if (files === null) await this.folder.enter(place);
      else for (const file of files) await this.install(core, place, file);
      await this.folder.mark(this.mark(core, FINAL, generation));
    });
  }

  /** An open handle goes on working when the site's storage is cleared under it: only moving by name tells that the file is gone. */
  private async install(core: string, place: string, file: string): Promise<void> {
    const source = `${this.staging(core)}/${file}`;
    try {
      await this.folder.move(source, `${place}/${file}`);
    } catch (error) {
      throw isMissing(error) ? evicted(source) : error;
    }
  }

  sizes(core: string, generation: string, files: readonly string[]): Promise<Readonly<Record<string, number>>> {
    const place = this.generation(core, generation);
    return guarded('read', place, async () => {
      if (!(await this.folder.has(this.mark(core, FINAL, generation)))) return {};
      const there = await this.folder.files(place);
      return Object.fromEntries(files.flatMap((name) => (there.has(name) ? [[name, there.get(name) ?? 0]] : [])));
    });
  }

  generations(core: string): Promise<readonly string[]> {
    return guarded('read', `cores/${core}`, () => this.marked(core, FINAL));
  }

  private async marked(core: string, kind: typeof FINAL | typeof QUARANTINE): Promise<readonly string[]> {
    const marks = await this.folder.names(`cores/${core}`, 'file');
    return marks.filter((name) => name.startsWith(kind)).map((name) => name.slice(kind.length));
  }

  sweep(core: string, keep: string | null, quarantine: 'keep' | 'drop' = 'keep'): Promise<void> {
    const place = `cores/${core}`;
    return guarded('remove', place, async () => {
      const spared = quarantine === 'keep' ? await this.marked(core, QUARANTINE) : [];
      for (const name of await this.folder.names(place, 'directory'))
        if (name !== keep && !spared.includes(name)) await this.unpublish(core, name);
      for (const kind of [FINAL, QUARANTINE] as const)
        for (const name of await this.marked(core, kind))
          if (name !== keep && !spared.includes(name)) await this.folder.remove(this.mark(core, kind, name));
      await this.folder.remove(this.staging(core));
      if (keep === null && (await this.folder.names(place)).length === 0) await this.folder.remove(place);
    });
  }

  /** Takes the mark away first, in one step, so that nobody ever finds half a generation. */
  private async unpublish(core: string, name: string): Promise<void> {
    await this.folder.remove(this.mark(core, FINAL, name));
    await this.folder.remove(this.generation(core, name));
    await this.folder.remove(this.mark(core, QUARANTINE, name));
  }

  remove(core: string): Promise<void> {
    return this.sweep(core, null, 'drop');
  }

  residents(): Promise<readonly string[]> {
    return guarded('read', 'the depot', async () => {
      const names = [...(await this.folder.names('cores')), ...(await this.folder.names('staging'))];
      return [...new Set(names)].sort();
    });
  }

  async inspect(core: string, generation: string, file: string, range?: Range): Promise<InstalledFile | null> {
    const place = this.locate(core, generation, file);
    return await guarded('read', place, async () => {
      const found = (await this.folder.has(this.mark(core, FINAL, generation)))
        ? await this.folder.file(place).catch((error: unknown) => {
            if (isMissing(error)) return null;
            throw error;
          })
        : null;
      if (found === null) return null;
      const handle = await access(found);
      try {
        const digests = await Digests.begin(['sha256'], 0);
        const { from, to } = range ?? { from: 0, to: handle.getSize() };
        const sizeBytes = (await readInto(digests, handle, to, from)) - from;
        return { filename: file, sizeBytes, sha256: digests.hex().sha256 ?? '' };
      } finally {
        handle.close();
      }
    });
  }

  async *read(core: string, generation: string, file: string): AsyncGenerator<Uint8Array> {
    const place = this.locate(core, generation, file);
    const found = await guarded('read', place, async () => (await this.folder.file(place)).getFile());
    for (let at = 0; at < found.size; at += READ_BYTES)
      yield await guarded(
        'read',
        place,
        async () => new Uint8Array(await found.slice(at, at + READ_BYTES).arrayBuffer()),
      );
  }

  quarantine(
    core: string,
    generation: string,
    goodFiles: readonly string[],
    partFiles: readonly string[] = [],
  ): Promise<void> {
    return guarded('set aside', this.generation(core, generation), async () => {
      // One at a time: what was set aside before has been looked at or never will be, and the depot must not grow with every repair.
      for (const name of await this.marked(core, QUARANTINE)) await this.unpublish(core, name);
      await this.folder.move(this.mark(core, FINAL, generation), this.mark(core, QUARANTINE, generation));
      await this.bringBack(core, generation, goodFiles);
      for (const file of partFiles)
        await copyInto(
          await this.folder.makeFile(`${this.staging(core)}/${file}`),
          await this.folder.file(`${this.generation(core, generation)}/${file}`),
        );
    });
  }

  /** Nobody knows: the browser's estimate does not see every limit, so it may be told with a fault, but must not keep a download from trying. */
  freeBytes(): Promise<number | null> {
    return Promise.resolve(null);
  }

  usage(): Promise<Usage> {
    return guarded('read', 'the depot', async () => {
      const cores = await this.weights('cores');
      const staging = await this.weights('staging');
      const all = sum(await this.folder.files(''));
      return { cores, staging, otherBytes: all - total(cores) - total(staging) };
    });
  }

  private async weights(place: string): Promise<Record<string, number>> {
    const weights: Record<string, number> = {};
    for (const core of await this.folder.names(place, 'directory'))
      weights[core] = sum(await this.folder.files(`${place}/${core}`));
    return weights;
  }
}
