import { Catalog, EMPTY_STATE, imageOf, type Refusal, readManifestValue } from '@lading/core';
import { describe, expect, it } from 'vitest';
import type { Keeper } from './keeper.js';
import { Mirror } from './mirror.js';
import type { JournalRecord } from './ports.js';

const CATALOG = (() => {
  const file = { filename: 'f', url: 'https://example.org/f', sizeBytes: 1000, sha256: 'a'.repeat(64) };
  const reading = readManifestValue(
    { version: 3, cores: [{ id: 'c', files: [file] }], voices: [{ id: 'v', coreRequirements: ['c'] }] },
    { base: null, allowHttp: false },
  );
  if (!reading.ok) throw new Error('the manifest of this test is refused');
  return Catalog.of([reading.manifest], 'any').catalog;
})();

const woken = (from: number): JournalRecord => ({
  v: 1,
  from,
  epoch: from + 1,
  at: 5,
  events: [{ type: 'Woken', epoch: from + 1 }],
});

/** An owner that is only asked. */
function mirrored(answer: () => Promise<Refusal | null> = () => Promise.resolve(null)) {
  const asked: unknown[] = [];
  const never = (): never => {
    throw new Error('not asked here');
  };
  const keeper: Keeper = {
    command: (command) => {
      asked.push(command);
      return answer();
    },
    inspect: never,
    setAside: never,
    clean: never,
    usage: never,
  };
  let isStopped = false;
  const mirror = new Mirror({
    catalog: CATALOG,
    image: imageOf(EMPTY_STATE),
    keeper,
    locate: (core, generation, file) => `${core}/${generation}/${file}`,
    stop: async () => {
      isStopped = true;
    },
  });
  return { mirror, asked, isStopped: () => isStopped };
}

describe('a depot that is kept elsewhere', () => {
  it('is where its owner is, record by record', () => {
    const { mirror } = mirrored();
    mirror.follow([woken(0), woken(1)]);
    mirror.follow([woken(2)]);
    expect(mirror.depot.state).toMatchObject({ position: 3, epoch: 3 });
  });

  it('tells each event with its place, and those that it had joined with not again', () => {
    const { mirror } = mirrored();
    const positions: number[] = [];
    mirror.depot.events$.subscribe(({ position }) => positions.push(position));
    mirror.follow([woken(0)]);
    mirror.follow([woken(0), woken(1)]);
    expect(positions).toEqual([1, 2]);
  });

  it('refuses a gap: what it would show had never been', () => {
    const { mirror } = mirrored();
    expect(() => mirror.follow([woken(1)])).toThrow('events 0 to 1');
    expect(mirror.depot.state.position).toBe(0);
  });

  it('takes over the state of an owner that it joins anew', () => {
    const { mirror } = mirrored();
    const other = mirrored().mirror;
    other.follow([woken(0), woken(1)]);
    mirror.rejoin(imageOf(other.depot.state));
    mirror.follow([woken(2)]);
    expect(mirror.depot.state.position).toBe(3);
  });

  it('sends commands on, and throws the refusals that come back', async () => {
    const refusal: Refusal = { type: 'refusal', code: 'nothingToDo', message: 'no', remedy: 'none', ids: [] };
    const { mirror, asked } = mirrored(() => Promise.resolve(refusal));
    await expect(mirror.depot.pause('v')).rejects.toMatchObject({ code: 'nothingToDo', message: 'no' });
    expect(asked).toEqual([{ type: 'pause', id: 'v' }]);
  });

  it('ends every wait when its owner is gone for good', async () => {
    const { mirror } = mirrored();
    const download = mirror.depot.download('v');
    mirror.break(new Error('the worker has failed'));
    await expect(download).rejects.toThrow('the worker has failed');
  });

  it('closes where it is kept', async () => {
    const { mirror, isStopped } = mirrored();
    await mirror.depot.close();
    expect(isStopped()).toBe(true);
    await expect(mirror.depot.clean()).rejects.toMatchObject({ code: 'closed' });
  });
});
