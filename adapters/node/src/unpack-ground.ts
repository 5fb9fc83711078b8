import { lstat, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { type GrowingFile, quoted, type UnpackGround, unsafe } from '@lading/runtime/archive';
import { syncDirectory } from './durable.js';
import { UnpackedFile } from './unpacked-file.js';

/** A directory of the disk that an archive is unpacked into. Refuses one that is not empty, or a link to one. */
export class DiskGround implements UnpackGround {
  private constructor(private readonly root: string) {}

  static async at(root: string): Promise<DiskGround> {
    const stats = await lstat(root);
    if (!stats.isDirectory()) throw Object.assign(new Error(`ENOTDIR: ${root}`), { code: 'ENOTDIR', path: root });
    const found = await readdir(root);
    if (found.length > 0) {
      throw Object.assign(new Error(`ENOTEMPTY: ${root} holds ${found.length} entries`), {
        code: 'ENOTEMPTY',
        path: root,
      });
    }
    return new DiskGround(path.resolve(root));
  }

  async makeDirectory(name: string): Promise<void> {
    await mkdir(this.pathOf(name), 0o755);
  }

  createFile(name: string): Promise<GrowingFile> {
    return UnpackedFile.create(this.pathOf(name), name);
  }

  async syncDirectories(names: readonly string[]): Promise<void> {
    for (const name of names) await syncDirectory(this.pathOf(name));
    await syncDirectory(this.root);
  }

  private pathOf(name: string): string {
    const place = path.resolve(this.root, name);
    // The grammar makes this impossible; it stands here because a hole in the grammar must not be a hole in the disk.
    if (!place.startsWith(this.root.endsWith(path.sep) ? this.root : this.root + path.sep)) {
      throw unsafe(`${quoted(name)}: leads out of the target directory`);
    }
    return place;
  }
}
