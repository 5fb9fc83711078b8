import type { GrowingFile, UnpackGround } from '@lading/runtime/archive';
import { Digests } from './digest.js';
import type { Folder, Path } from './folder.js';
import { access, writeFully } from './staged-file.js';

/** A folder that an archive is unpacked into. */
export class OpfsGround implements UnpackGround {
  constructor(
    private readonly folder: Folder,
    private readonly root: Path,
  ) {}

  async makeDirectory(name: string): Promise<void> {
    await this.folder.make(`${this.root}/${name}`);
  }

  async createFile(name: string): Promise<GrowingFile> {
    const digests = await Digests.begin(['sha256'], 0);
    const handle = await access(await this.folder.makeFile(`${this.root}/${name}`));
    return new UnpackedFile(handle, digests);
  }

  /** Names need no syncing here: a generation is final by its mark, which is written after them and synced. */
  syncDirectories(): Promise<void> {
    return Promise.resolve();
  }
}

class UnpackedFile implements GrowingFile {
  private bytes = 0;

  constructor(
    private readonly handle: FileSystemSyncAccessHandle,
    private readonly digests: Digests,
  ) {}

  async write(chunk: Uint8Array): Promise<void> {
    writeFully(this.handle, chunk, this.bytes);
    this.digests.update(chunk);
    this.bytes += chunk.length;
  }

  async seal(): Promise<string> {
    this.handle.flush();
    this.handle.close();
    return this.digests.hex().sha256 ?? '';
  }

  async abandon(): Promise<void> {
    this.handle.close();
  }
}
