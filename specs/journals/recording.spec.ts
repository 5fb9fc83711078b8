/**
 * The generator of the golden journals, and the proof that it still works: every story is told anew, with real HTTP and real files, and in
 * memory; `specs/browser/journals.spec.ts` tells them in Chromium. With LADING_RECORD_JOURNALS=1 it writes those of `v1` that are not there; one that is there is never written again.
 */
import { DEFAULT_POLICY } from '@lading/core';
import { readPortableJournal, replayed } from '@lading/runtime';
import { describe, expect, it } from 'vitest';
import { memoryStage } from './memory-stage.js';
import { nodeStage } from './node-stage.js';
import { endingOf, kept, recorded } from './recording.js';
import { STORIES } from './stories.js';

describe.each([
  { stage: 'memory', make: memoryStage },
  { stage: 'node', make: nodeStage },
])('told $stage', ({ stage, make }) => {
  it.each(STORIES)('$name ends as it should, and keeps every law', async (story) => {
    const text = await recorded(story, make);
    const journal = readPortableJournal(text);
    expect(endingOf(journal, story)).toEqual(story.ending);
    expect([...replayed(journal, DEFAULT_POLICY)].flatMap(({ breaches }) => breaches)).toEqual([]);
    await kept(`${story.name}.${stage}`, text);
  });
});

describe('told in memory', () => {
  it.each(STORIES)('$name is the same to the byte each time', async (story) => {
    expect(await recorded(story, memoryStage)).toBe(await recorded(story, memoryStage));
  });
});
