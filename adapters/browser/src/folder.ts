import { isMissing } from './fs-fault.js';

/** Segments of a path, joined by `/`. */
export type Path = string;

const split = (path: Path): readonly string[] => path.split('/').filter((segment) => segment !== '');

export function parentOf(path: Path): Path {
  return split(path).slice(0, -1).join('/');
}

export const baseOf = (path: Path): string => split(path).at(-1) ?? '';

/**
 * A folder of the origin private file system, entered by paths. What is missing is empty, unless it is asked for by name. Refuses nothing
 * itself: what the browser throws comes through.
 */
export class Folder {
  constructor(readonly root: FileSystemDirectoryHandle) {}

  async make(path: Path): Promise<FileSystemDirectoryHandle> {
    let folder = this.root;
    for (const segment of split(path)) folder = await folder.getDirectoryHandle(segment, { create: true });
    return folder;
  }

  /** Throws `NotFoundError` if it is not there. */
  async enter(path: Path): Promise<FileSystemDirectoryHandle> {
    let folder = this.root;
    for (const segment of split(path)) folder = await folder.getDirectoryHandle(segment);
    return folder;
  }

  /** Throws `NotFoundError` if it is not there. */
  async file(path: Path): Promise<FileSystemFileHandle> {
    return await (await this.enter(parentOf(path))).getFileHandle(baseOf(path));
  }

  async makeFile(path: Path): Promise<FileSystemFileHandle> {
    return await (await this.make(parentOf(path))).getFileHandle(baseOf(path), { create: true });
  }

  async has(path: Path): Promise<boolean> {
    return (await orMissing(this.file(path))) !== null;
  }

  /** An empty file whose being there says something; durable when this resolves. */
  async mark(path: Path): Promise<void> {
    const handle = await (await this.makeFile(path)).createSyncAccessHandle();
    try {
      handle.flush();
    } finally {
      handle.close();
    }
  }

  async move(from: Path, to: Path): Promise<void> {
    const file = await this.file(from);
    await file.move(await this.make(parentOf(to)), baseOf(to));
  }

  /** Removes a file, or a folder with all that is in it; nothing if it is not there. */
  async remove(path: Path): Promise<void> {
    const folder = await orMissing(this.enter(parentOf(path)));
    await orMissing(folder?.removeEntry(baseOf(path), { recursive: true }) ?? Promise.resolve());
  }

  async names(path: Path, kind?: FileSystemHandleKind): Promise<string[]> {
    const folder = await orMissing(this.enter(path));
    const names: string[] = [];
    if (folder === null) return names;
    for await (const [name, handle] of folder.entries())
      if (kind === undefined || handle.kind === kind) names.push(name);
    return names.sort();
  }

  /** Files below a folder with their lengths, by name relative to it, segments joined by `/`. */
  async files(path: Path): Promise<Map<string, number>> {
    const files = new Map<string, number>();
    const folder = await orMissing(this.enter(path));
    if (folder !== null) await collect(folder, '', files);
    return files;
  }
}

async function collect(folder: FileSystemDirectoryHandle, prefix: string, files: Map<string, number>): Promise<void> {
  for await (const [name, handle] of folder.entries()) {
    if (handle.kind === 'directory') await collect(handle as FileSystemDirectoryHandle, `${prefix}${name}/`, files);
    else files.set(prefix + name, (await (handle as FileSystemFileHandle).getFile()).size);
  }
}

async function orMissing<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
