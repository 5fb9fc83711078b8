/** What the suites of the store ask of a platform beyond the port, and the few moves that all of them make. */
import type { DigestAlgorithm, Store } from '@lading/runtime';
import { seeded } from './bytes.js';

export interface StoreBench extends AsyncDisposable {
  readonly store: Store;
  /** The store as a process that starts anew finds it. */
  reopen(): Store;
  /** Changes an installed file behind the store's back; null takes it away. */
  spoil(core: string, generation: string, file: string, bytes: Uint8Array | null): Promise<void>;
  /** Leaves about so many bytes free on the disk; null gives all back. Only on a disk that was asked for with a size. */
  leaveFree(bytes: number | null): Promise<void>;
  /** Lets the next sync of a file fail, once, as a broken disk does. */
  failNextSync(): Promise<void>;
  /** Lets the next write take half of what it is given, and call that no error. */
  halveNextWrite(): Promise<void>;
  /** Does the work in a process that dies after so many steps; tells whether it came to its end before. */
  dying(steps: number, work: (store: Store) => Promise<unknown>): Promise<'done' | 'died'>;
  /** Ends all processes, and forgets what was not synced. */
  cutPower(): Promise<void>;
}

/** What a platform cannot be asked, with the reason why. */
export interface StoreLacks {
  /** Its disk cannot be filled. */
  readonly full?: string;
  readonly failure?: string;
  readonly death?: string;
  /** Nothing tells it what a process that died had stored and not synced. */
  readonly stored?: string;
  readonly powerCut?: string;
}

export interface StoreSetting {
  /** Size of a disk that can be filled; null for the ordinary one. */
  readonly diskBytes: number | null;
}

export type MakeStore = (setting: StoreSetting) => Promise<StoreBench>;

export type StoreSentence = (
  lack: string | undefined,
  words: string,
  test: (bench: StoreBench) => Promise<void>,
) => void;

/** Files of a core in this suite: one beside another, one below, one far below, one without a byte. */
export const FILES: Readonly<Record<string, Uint8Array>> = {
  'model.onnx': seeded(1, 100_000),
  'voices/af.bin': seeded(2, 3_000),
  'espeak/voices/v/f1': seeded(3, 17),
  'empty.txt': new Uint8Array(0),
};
export const NAMES: readonly string[] = Object.keys(FILES);
export const LENGTHS: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(FILES).map(([file, bytes]) => [file, bytes.length]),
);

export const bytesOf = (file: string): Uint8Array => {
  const bytes = FILES[file];
  if (bytes === undefined) throw new Error(`no file ${file} in this suite`);
  return bytes;
};

export async function stageWhole(store: Store, core: string, file: string, bytes: Uint8Array): Promise<void> {
  const staged = await store.stage(core, file, { bytes: 0, sizeBytes: bytes.length, algorithms: [] });
  await staged.write(bytes);
  await staged.sync();
  await staged.close();
}

export async function stageAll(store: Store, core: string): Promise<void> {
  for (const file of NAMES) await stageWhole(store, core, file, bytesOf(file));
}

export async function install(store: Store, core: string, generation: string): Promise<void> {
  await stageAll(store, core);
  await store.publish(core, generation, NAMES);
}

/** What is staged under a name: how many bytes of those wanted there are, and their digest. */
export async function stagedDigest(
  store: Store,
  core: string,
  file: string,
  bytes: number,
  algorithm: DigestAlgorithm = 'sha256',
): Promise<{ readonly bytes: number; readonly digest: string | undefined }> {
  const staged = await store.stage(core, file, { bytes, sizeBytes: bytes, algorithms: [algorithm] });
  try {
    return { bytes: staged.bytes, digest: (await staged.digests())[algorithm] };
  } finally {
    await staged.close();
  }
}
