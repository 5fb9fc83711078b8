import { ConfigurationError, type InstalledFile } from '@lading/core';

/** Where one core of an asset is installed. */
export interface Place {
  readonly core: string;
  readonly generation: string;
  readonly files: readonly InstalledFile[];
  readonly weak: readonly string[];
}

export interface AssetFile extends InstalledFile {
  readonly core: string;
  /** Where an engine finds it: a path, or what the platform has instead. */
  readonly path: string;
}

/** Something that is ready: a voice, a model or a core, and where its files are. */
export class Asset {
  constructor(
    readonly id: string,
    readonly places: readonly Place[],
    private readonly locate: (core: string, generation: string, file: string) => string,
  ) {}

  /** Files that only a weak digest, or none, vouches for. */
  get warnings(): readonly string[] {
    return this.places.flatMap((place) => place.weak.map((file) => `${place.core}/${file}`));
  }

  get files(): readonly AssetFile[] {
    return this.places.flatMap(({ core, generation, files }) =>
      files.map(({ filename, sizeBytes, sha256 }) => {
        const path = this.locate(core, generation, filename);
        return { filename, sizeBytes, sha256, core, path };
      }),
    );
  }

  get paths(): readonly string[] {
    return this.files.map((file) => file.path);
  }

  /** The place of one file, by its name inside the core or by its last segment. Throws `ConfigurationError` if there is none, or several. */
  path(filename: string): string {
    const { files } = this;
    const exact = files.filter((file) => file.filename === filename);
    const found = exact.length > 0 ? exact : files.filter((file) => file.filename.endsWith(`/${filename}`));
    const [file] = found;
    if (file !== undefined && found.length === 1) return file.path;
    const names = files.slice(0, 10).map((each) => each.filename);
    throw new ConfigurationError(`"${this.id}" has ${found.length} files called "${filename}"`, {
      code: 'unknownFile',
      remedy: `Its files are ${names.join(', ')}${files.length > 10 ? ' and more' : ''}.`,
    });
  }
}
