/** A told story as text, and the hash of the state at each of its positions. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import process from 'node:process';
import { EMPTY_STATE, evolve, stateOf } from '@lading/core';
import { fold, type JournalImage, readPortableJournal, stateSha256, writePortableJournal } from '@lading/runtime';
import type { Stage } from './stage.js';
import type { Story } from './stories.js';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export async function recorded(story: Story, make: () => Promise<Stage>): Promise<string> {
  await using stage = await make();
  await story.tell(stage);
  return portable(await stage.journal(), stage);
}

export function portable(journal: JournalImage, { dir }: Pick<Stage, 'dir'>): string {
  return writePortableJournal(journal, { homes: [], dirs: [dir], redact: (text) => text }, sha256);
}

/** Writes a recording that is not there yet, if recordings are asked for. */
export async function kept(name: string, text: string): Promise<void> {
  const file = new URL(`v1/${name}.jsonl`, import.meta.url);
  if (process.env['LADING_RECORD_JOURNALS'] !== '1' || existsSync(file)) return;
  await writeFile(file, text);
  await writeFile(new URL(`v1/${name}.states`, import.meta.url), hashesText(text));
}

/** The phases in which it ended, of the voices and cores that its ending names. */
export function endingOf(journal: JournalImage, { ending }: Story): Story['ending'] {
  const end = fold(journal);
  const phaseOf = (id: string) => (end.voices.get(id) ?? end.cores.get(id))?.phase ?? 'absent';
  return Object.fromEntries(Object.keys(ending).map((id) => [id, phaseOf(id)]));
}

/** The hash of the state at every position, from where the journal begins to fold: `position hash`. */
export function hashesOf({ snapshot, records }: JournalImage): readonly string[] {
  let state = snapshot === null ? EMPTY_STATE : stateOf(snapshot);
  const hashes = [`${state.position} ${stateSha256(state, sha256)}`];
  for (const record of records) {
    if (record.from < state.position) continue;
    for (const event of record.events) {
      state = evolve(state, event)[0];
      hashes.push(`${state.position} ${stateSha256(state, sha256)}`);
    }
  }
  return hashes;
}

const hashesText = (text: string): string => `${hashesOf(readPortableJournal(text)).join('\n')}\n`;
