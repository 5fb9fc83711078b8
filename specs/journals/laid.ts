/** A portable journal laid into the places where adapters keep theirs, one event at a time, so that it can be opened at any position. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { DepotState } from '@lading/core';
import { DEFAULT_DIR, MemoryDisk, MemoryJournal, Mount } from '@lading/memory';
import { FileJournal } from '@lading/node';
import type { Journal, JournalRecord, PortableJournal } from '@lading/runtime';

export interface Laid extends AsyncDisposable {
  /** As whoever writes it. */
  readonly writer: Journal;
  /** As a process that starts anew finds it. */
  reader(): Journal;
}

export interface LaidOnDisk extends Laid {
  /** The folder of the depot. */
  readonly dir: string;
}

/** Atomic records, cut into one for each event: every position is then one at which a depot can be opened. */
export function* stepsOf({ snapshot, records }: PortableJournal): Generator<JournalRecord, void, undefined> {
  for (const record of records) {
    if (record.from < (snapshot?.position ?? 0)) continue;
    for (const [i, event] of record.events.entries()) yield { ...record, from: record.from + i, events: [event] };
  }
}

async function begun<T extends Laid>(laid: T, { snapshot }: PortableJournal): Promise<T> {
  await laid.writer.load();
  if (snapshot !== null) await laid.writer.compact(snapshot);
  return laid;
}

export async function laidInMemory(journal: PortableJournal): Promise<Laid> {
  const disk = new MemoryDisk();
  const open = () => new MemoryJournal(new Mount(disk, disk.start()), `${DEFAULT_DIR}/journal`);
  return begun({ writer: open(), reader: open, [Symbol.asyncDispose]: async () => disk.crash() }, journal);
}

export async function laidOnDisk(journal: PortableJournal): Promise<LaidOnDisk> {
  const root = await mkdtemp(join(tmpdir(), 'lading-laid-'));
  const dir = join(root, 'depot');
  const writer = new FileJournal(join(dir, 'journal'), 'write');
  const laid = {
    dir,
    writer,
    reader: () => new FileJournal(join(dir, 'journal'), 'read'),
    [Symbol.asyncDispose]: async () => {
      await writer.close();
      await rm(root, { recursive: true, force: true });
    },
  };
  return begun(laid, journal);
}

/** Puts files of the right length where a state says that they are installed: opening looks at no more. */
export async function layFiles(dir: string, state: DepotState): Promise<void> {
  for (const [core, { context }] of state.cores.entries()) {
    for (const { filename, sizeBytes } of context.installed?.files ?? []) {
      const path = join(dir, 'cores', core, context.installed?.generation ?? '', filename);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, new Uint8Array(sizeBytes));
    }
  }
}
