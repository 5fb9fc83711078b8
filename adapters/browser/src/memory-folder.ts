/** Bytes that grow by doubling, and the handle that writes them. */
class MemoryFile {
  readonly kind = 'file';
  private bytes = new Uint8Array(0);
  private size = 0;

  constructor(
    public name: string,
    private folder: MemoryFolder,
  ) {}

  async getFile(): Promise<File> {
    return new File([this.bytes.slice(0, this.size)], this.name);
  }

  async move(folder: MemoryFolder, name: string): Promise<void> {
    this.folder.entriesByName.delete(this.name);
    folder.entriesByName.set(name, this);
    this.folder = folder;
    this.name = name;
  }

  async createSyncAccessHandle() {
    return {
      read: (into: Uint8Array, { at = 0 } = {}) => {
        const found = this.bytes.subarray(at, Math.min(this.size, at + into.length));
        into.set(found);
        return found.length;
      },
      write: (from: Uint8Array, { at = 0 } = {}) => {
        this.truncate(Math.max(this.size, at + from.length));
        this.bytes.set(from, at);
        return from.length;
      },
      truncate: (size: number) => this.truncate(size),
      getSize: () => this.size,
      flush: () => undefined,
      close: () => undefined,
    };
  }

  private truncate(size: number): void {
    if (size > this.bytes.length) {
      const grown = new Uint8Array(Math.max(size, 2 * this.bytes.length));
      grown.set(this.bytes.subarray(0, this.size));
      this.bytes = grown;
    } else if (size < this.size) this.bytes.fill(0, size, this.size);
    this.size = size;
  }
}

class MemoryFolder {
  readonly kind = 'directory';
  readonly entriesByName = new Map<string, MemoryFile | MemoryFolder>();

  private async entry<T extends MemoryFile | MemoryFolder>(
    name: string,
    kind: T['kind'],
    make: (() => T) | null,
  ): Promise<T> {
    const found = this.entriesByName.get(name) ?? make?.();
    if (found === undefined) throw new DOMException(`there is no ${name}`, 'NotFoundError');
    if (found.kind !== kind) throw new DOMException(`${name} is a ${found.kind}`, 'TypeMismatchError');
    this.entriesByName.set(name, found);
    return found as T;
  }

  getFileHandle(name: string, { create = false } = {}): Promise<MemoryFile> {
    return this.entry(name, 'file', create ? () => new MemoryFile(name, this) : null);
  }

  getDirectoryHandle(name: string, { create = false } = {}): Promise<MemoryFolder> {
    return this.entry(name, 'directory', create ? () => new MemoryFolder() : null);
  }

  async removeEntry(name: string): Promise<void> {
    if (!this.entriesByName.delete(name)) throw new DOMException(`there is no ${name}`, 'NotFoundError');
  }

  async *entries(): AsyncGenerator<[string, MemoryFile | MemoryFolder], void, undefined> {
    yield* [...this.entriesByName];
  }
}

/** A folder that is only here: as much of the File System Standard as the store uses, so that the store need not know. */
export const memoryFolder = (): FileSystemDirectoryHandle => new MemoryFolder() as unknown as FileSystemDirectoryHandle;
