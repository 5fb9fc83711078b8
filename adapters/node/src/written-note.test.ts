import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ranges } from '@lading/core';
import { decodeLines, encodeLine } from '@lading/runtime';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { isNote, WrittenNote } from './written-note.js';

const MIB = 1024 * 1024;
const STORED: Ranges = [
  { from: 0, to: 5 * MIB },
  { from: 16 * MIB, to: 18 * MIB },
];
const INO = 7;

const dir = await mkdtemp(join(tmpdir(), 'lading-note-'));
let files = 0;
const fileName = (): string => join(dir, `f${files++}`);
const noteOf = (file: string): string => file.replace(/f\d+$/, '.written-$&');

async function told(file: string, stored: Ranges = STORED): Promise<WrittenNote> {
  const note = new WrittenNote(file);
  note.tell(INO, stored);
  await vi.waitFor(() => expect(note.isTold).toBe(true));
  return note;
}

describe('a note of what is stored', () => {
  afterAll(() => rm(dir, { recursive: true }));

  it('is read by whoever comes after its writer', async () => {
    const file = fileName();
    await told(file);
    expect(await new WrittenNote(file).read(INO)).toEqual(STORED);
  });

  it('takes the place of the one before', async () => {
    const file = fileName();
    const note = await told(file);
    const more = [{ from: 0, to: 18 * MIB }];
    note.tell(INO, more);
    await vi.waitFor(async () => expect(await new WrittenNote(file).read(INO)).toEqual(more));
  });

  it('is not written for what is hardly more than before', async () => {
    const file = fileName();
    const note = await told(file);
    note.tell(INO, [...STORED, { from: 20 * MIB, to: 21 * MIB }]);
    note.tell(INO, [...STORED, { from: 20 * MIB, to: 23 * MIB }]);
    await vi.waitFor(async () => expect(await new WrittenNote(file).read(INO)).toHaveLength(3));
    expect((await new WrittenNote(file).read(INO)).at(-1)).toEqual({ from: 20 * MIB, to: 23 * MIB });
  });

  it('says nothing of another file that bears the name by now', async () => {
    const file = fileName();
    await told(file);
    expect(await new WrittenNote(file).read(INO + 1)).toEqual([]);
  });

  it('says nothing once the machine was started anew', async () => {
    const file = fileName();
    await told(file);
    const [note] = decodeLines(await readFile(noteOf(file))).values;
    await writeFile(noteOf(file), encodeLine({ ...(note as object), bootId: 'another' }));
    expect(await new WrittenNote(file).read(INO)).toEqual([]);
    await writeFile(noteOf(file), encodeLine(note));
    expect(await new WrittenNote(file).read(INO)).toEqual(STORED);
  });

  it.each([
    ['empty', () => new Uint8Array()],
    ['torn', (bytes: Uint8Array) => bytes.subarray(0, 20)],
    ['changed', (bytes: Uint8Array) => Buffer.from(Buffer.from(bytes).toString().replace('"from":0', '"from":1'))],
    ['no note', () => encodeLine({ v: 1, stored: 'all' })],
    [
      'of nonsense',
      (bytes: Uint8Array) =>
        encodeLine({
          ...(decodeLines(bytes).values[0] as object),
          stored: [{ from: -1, to: 9 }, { from: 3, to: 2 }, { from: 0.5, to: 2 }, null],
        }),
    ],
    [
      'of something else',
      (bytes: Uint8Array) => encodeLine({ ...(decodeLines(bytes).values[0] as object), stored: 5 }),
    ],
  ])('that is %s says nothing', async (_, spoil) => {
    const file = fileName();
    await told(file);
    await writeFile(noteOf(file), spoil(await readFile(noteOf(file))));
    expect(await new WrittenNote(file).read(INO)).toEqual([]);
  });

  it('is gone when it was cleared, also one that was just being written, and may be written again', async () => {
    const file = fileName();
    const note = new WrittenNote(file);
    note.tell(INO, STORED);
    await note.clear();
    expect(note.isTold).toBe(false);
    expect(await new WrittenNote(file).read(INO)).toEqual([]);
    note.tell(INO, STORED);
    await vi.waitFor(async () => expect(await new WrittenNote(file).read(INO)).toEqual(STORED));
    await note.end();
    note.tell(INO, [{ from: 0, to: 30 * MIB }]);
    expect(note.isTold).toBe(false);
    expect(await new WrittenNote(file).read(INO)).toEqual([]);
  });

  it('that cannot be written costs nothing else', async () => {
    const note = new WrittenNote(join(dir, 'nowhere', 'f'));
    note.tell(INO, STORED);
    await note.clear();
    expect(note.isTold).toBe(false);
  });

  it('is none of the files that a core may have', () => {
    expect([noteOf(fileName()), 'a/.written-b', 'written-b', '.b'].map(isNote)).toEqual([true, true, false, false]);
  });
});
