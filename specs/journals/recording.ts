/** A told story as text, and the hash of the state at each of its positions. */
import { createHash } from 'node:crypto';
import { EMPTY_STATE, evolve, stateOf } from '@lading/core';
import { type PortableJournal, readPortableJournal, stateSha256, writePortableJournal } from '@lading/runtime';
import type { Stage } from './stage.js';
import type { Story } from './stories.js';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export async function recorded(story: Story, make: () => Promise<Stage>): Promise<string> {
  await using stage = await make();
  await story.tell(stage);
  const hidden = { homes: [], dirs: [stage.dir], redact: (text: string) => text };
  return writePortableJournal(await stage.journal(), hidden, sha256);
}

/** The hash of the state at every position, from where the journal begins to fold: `position hash`. */
export function hashesOf({ snapshot, records }: PortableJournal): readonly string[] {
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

export const hashesText = (text: string): string => `${hashesOf(readPortableJournal(text)).join('\n')}\n`;
