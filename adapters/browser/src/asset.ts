import { Asset } from '@lading/runtime';

/** Something that is ready, whose files an engine can be given. A `File` is good until its core is updated or deleted: ask anew then. */
export class BrowserAsset extends Asset {
  constructor(
    asset: Asset,
    locate: (core: string, generation: string, file: string) => string,
    private readonly open: (place: string) => Promise<File>,
  ) {
    super(asset.id, asset.places, locate);
  }

  /** The file of this name, as `path` finds it; its bytes stay on the disk until they are read. */
  file(filename: string): Promise<File> {
    return this.open(this.path(filename));
  }

  /** A `blob:` URL of the file, for engines that fetch what they load. It holds the file until `URL.revokeObjectURL`. */
  async url(filename: string): Promise<string> {
    return URL.createObjectURL(await this.file(filename));
  }
}
