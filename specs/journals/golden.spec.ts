/**
 * The golden journals of each format replay for ever: to the hash that was written beside them, at every position, in every adapter, from the
 * beginning or from a snapshot. A journal is never changed to make this pass; the README of this folder says what is done instead.
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Catalog, EMPTY_STATE, imageOf, replay, type StateImage, stateOf } from '@lading/core';
import { openDepot, readDepot } from '@lading/node';
import {
  fold,
  type JournalImage,
  type PortableJournal,
  readPortableJournal,
  replayed,
  stateSha256,
} from '@lading/runtime';
import { describe, expect, it } from 'vitest';
import { type Laid, laidInMemory, laidOnDisk, layFiles, stepsOf } from './laid.js';
import { hashesOf, sha256 } from './recording.js';

const main = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const folder = new URL('v1/', import.meta.url);
const WORLDS = ['browser', 'memory', 'node'];
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.jsonl'))
  .map((name) => name.slice(0, -'.jsonl'.length));
const fileOf = (name: string): string => fileURLToPath(new URL(`${name}.jsonl`, folder));
const journalOf = (name: string): PortableJournal => readPortableJournal(readFileSync(fileOf(name), 'utf8'));
/** The lines beside the journal: `position hash`. */
const written = (name: string): readonly string[] =>
  readFileSync(new URL(`${name}.states`, folder), 'utf8')
    .trimEnd()
    .split('\n');

const hashLine = (image: JournalImage): string => {
  const state = fold(image);
  return `${state.position} ${stateSha256(state, sha256)}`;
};

/** What another process would read: an image that has been text. */
const asText = (image: StateImage): StateImage => JSON.parse(JSON.stringify(image)) as StateImage;

async function hashesIn(laid: Laid, journal: PortableJournal): Promise<readonly string[]> {
  const hashes = [hashLine(await laid.reader().load())];
  for (const step of stepsOf(journal)) {
    await laid.writer.append([step]);
    hashes.push(hashLine(await laid.reader().load()));
  }
  return hashes;
}

it('there are golden journals of eight stories, from all worlds', () => {
  const stories = new Set(names.map((name) => name.split('.')[0]));
  expect(stories.size).toBeGreaterThanOrEqual(8);
  expect(names.sort()).toEqual([...stories].flatMap((story) => WORLDS.map((world) => `${story}.${world}`)).sort());
});

describe.each(names)('the journal %s', (name) => {
  const journal = journalOf(name);

  it('folds to the hash beside it at every position', () => {
    expect(hashesOf(journal)).toEqual(written(name));
    expect(written(name).at(-1)).toBe(`${journal.head.position} ${journal.head.stateSha256}`);
  });

  it('keeps every law at every moment', () => {
    const moments = [...replayed(journal, journal.head.bounds)];
    expect(moments.flatMap(({ breaches }) => breaches)).toEqual([]);
    expect(moments.length).toBeGreaterThan(0);
  });

  it('replays in memory to the same hash at every position', async () => {
    await using laid = await laidInMemory(journal);
    expect(await hashesIn(laid, journal)).toEqual(written(name));
  });

  it('replays from files to the same hash at every position', async () => {
    await using laid = await laidOnDisk(journal);
    expect(await hashesIn(laid, journal)).toEqual(written(name));
  });

  it('folds to the same from a snapshot taken at any position', () => {
    const steps = [...stepsOf(journal)];
    const begin = journal.snapshot === null ? EMPTY_STATE : stateOf(journal.snapshot);
    for (let at = 0; at <= steps.length; at++) {
      const state = replay(
        begin,
        steps.slice(0, at).flatMap(({ events }) => events),
      );
      expect(hashLine({ snapshot: asText(imageOf(state)), records: steps })).toBe(written(name).at(-1));
    }
  });

  it.each([
    { place: 'memory', lay: laidInMemory },
    { place: 'files', lay: laidOnDisk },
  ])('loses nothing when it is compacted at any position in $place', async ({ lay }) => {
    await using laid = await lay(journal);
    const hashes = [hashLine(await laid.reader().load())];
    for (const step of stepsOf(journal)) {
      await laid.writer.append([step]);
      await laid.writer.compact(imageOf(fold(await laid.reader().load())));
      hashes.push(hashLine(await laid.reader().load()));
    }
    expect(hashes).toEqual(written(name));
  });

  it('is the history of a depot that can be read, and opened to go on', async () => {
    await using laid = await laidOnDisk(journal);
    for (const step of stepsOf(journal)) await laid.writer.append([step]);
    await laid.writer.close();
    await layFiles(laid.dir, fold(journal));
    const options = { dir: laid.dir, catalog: Catalog.empty(), concurrency: 0 };
    const reader = await readDepot(options);
    expect(stateSha256(reader.state, sha256)).toBe(journal.head.stateSha256);
    const depot = await openDepot(options);
    expect(depot.state.position).toBeGreaterThan(journal.head.position);
    const later = stateSha256(depot.state, sha256);
    await depot.close();
    const { snapshot, records } = await (await readDepot(options)).archive();
    const before = records.filter(({ from }) => from < journal.head.position);
    expect(hashLine({ snapshot, records: before })).toBe(written(name).at(-1));
    expect(stateSha256(fold({ snapshot, records }), sha256)).toBe(later);
  });

  it('is told by the command, which comes to the same state', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [main, 'replay', fileOf(name), '--json']);
    const result = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
    const { position, stateSha256: hash } = journal.head;
    expect(result).toMatchObject({ type: 'result', ok: true, position, stateSha256: hash, breaches: 0 });
  });
});
