/**
 * The generator of the golden journals, and the proof that it still works: every story is told anew, with real HTTP and real files, and in
 * memory. With LADING_RECORD_JOURNALS=1 it writes those of `v1` that are not there; one that is there is never written again.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { DEFAULT_POLICY, EMPTY_STATE } from '@lading/core';
import { fold, readPortableJournal, replayed } from '@lading/runtime';
import { describe, expect, it } from 'vitest';
import { memoryStage } from './memory-stage.js';
import { nodeStage } from './node-stage.js';
import { hashesText, recorded } from './recording.js';
import { STORIES } from './stories.js';

const isRecording = process.env['LADING_RECORD_JOURNALS'] === '1';

async function kept(name: string, text: string): Promise<void> {
  const file = new URL(`v1/${name}.jsonl`, import.meta.url);
  if (!isRecording || existsSync(file)) return;
  await writeFile(file, text);
  await writeFile(new URL(`v1/${name}.states`, import.meta.url), hashesText(text));
}

describe.each([
  { stage: 'memory', make: memoryStage },
  { stage: 'node', make: nodeStage },
])('told $stage', ({ stage, make }) => {
  it.each(STORIES)('$name ends as it should, and keeps every law', async (story) => {
    const text = await recorded(story, make);
    const journal = readPortableJournal(text);
    const end = fold(journal);
    const phaseOf = (id: string) => (end.voices.get(id) ?? end.cores.get(id))?.phase ?? 'absent';
    const ids = Object.keys(story.ending);
    expect(Object.fromEntries(ids.map((id) => [id, phaseOf(id)]))).toEqual(story.ending);
    expect([...replayed(journal, DEFAULT_POLICY)].flatMap(({ breaches }) => breaches)).toEqual([]);
    expect(end.position).toBeGreaterThan(EMPTY_STATE.position);
    await kept(`${story.name}.${stage}`, text);
  });
});

describe('told in memory', () => {
  it.each(STORIES)('$name is the same to the byte each time', async (story) => {
    expect(await recorded(story, memoryStage)).toBe(await recorded(story, memoryStage));
  });
});
