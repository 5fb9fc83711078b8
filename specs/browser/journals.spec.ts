/**
 * The stories of the golden journals, told in a real Chromium: what is recorded there keeps every law, and Node comes to the same state at every
 * position as the pages that lived it and as a page that folds it. With LADING_RECORD_JOURNALS=1 it writes what `specs/journals/v1` lacks.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { DEFAULT_POLICY } from '@lading/core';
import { readPortableJournal, replayed } from '@lading/runtime';
import { afterAll, describe, expect, it } from 'vitest';
import { endingOf, hashesOf, kept, portable } from '../journals/recording.js';
import { STORIES } from '../journals/stories.js';
import { startChromium } from './chromium.js';
import { openPage, startSite } from './depot-page.js';
import { pageStage } from './journal-stage.js';

const browser = await startChromium();
const site = await startSite();
afterAll(async () => {
  await browser.close();
  await site.close();
});

describe('told in Chromium', () => {
  it.each(STORIES)('$name ends as it should, keeps every law, and is the same to Node', async (story) => {
    await using stage = await pageStage(browser, site);
    await story.tell(stage);
    const journal = await stage.journal();
    expect(endingOf(journal, story)).toEqual(story.ending);
    expect([...replayed(journal, DEFAULT_POLICY)].flatMap(({ breaches }) => breaches)).toEqual([]);

    const hashes = hashesOf(journal);
    expect(await stage.hashes()).toEqual(hashes);
    // What was before the snapshot is told, and its state is gone.
    const first = Number(hashes[0]?.split(' ')[0]);
    const lived = stage.lived.filter((line) => Number(line.split(' ')[0]) >= first);
    expect(lived.length).toBeGreaterThan(5);
    expect(lived.filter((line) => !hashes.includes(line))).toEqual([]);

    const text = portable(journal, stage);
    expect([...replayed(readPortableJournal(text), DEFAULT_POLICY)].flatMap(({ breaches }) => breaches)).toEqual([]);
    await kept(`${story.name}.browser`, text);
  });
});

it('every golden journal folds in Chromium to the hash beside it, at every position', async () => {
  const folder = new URL('../journals/v1/', import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  expect(names.length).toBeGreaterThanOrEqual(3 * STORIES.length);
  const text = (name: string): string => readFileSync(new URL(name, folder), 'utf8');
  const tab = await openPage(browser, `${site.url}/`);
  for (const name of names) {
    const written = text(name.replace('.jsonl', '.states')).trimEnd().split('\n');
    expect(await tab.call('hashes', text(name)), name).toEqual(written);
  }
});
