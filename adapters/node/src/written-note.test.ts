import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ranges } from '@lading/core';
import { decodeLines, encodeLine } from '@lading/runtime';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { type FileIdentity, isNote, WrittenNote } from './written-note.js';

const MIB = 1024 * 1024;
const STORED: Ranges = [
  { from: 0, to: 5 * MIB },
  { from: 16 * MIB, to: 18 * MIB },
];
const FILE: FileIdentity = { dev: 1, ino: 7, birthtimeMs: 12_345.678 };

const dir = await mkdtemp(join(tmpdir(), 'lading-note-'));
let files = 0;
const fileName = (): string => join(dir, `f${files++}`);
const noteOf = (file: string): string => file.replace(/f\d+$/, '.written-$&');

async function told(file: string, stored: Ranges = STORED): Promise<WrittenNote> {
  const note = new WrittenNote(file);
  note.tell(FILE, stored);
  await vi.waitFor(() => expect(note.isTold).toBe(true));
  return note;
}

describe('a note of what is stored', () => {
  afterAll(() => rm(dir, { recursive: true }));

  it('is read by whoever comes after its writer', async () => {
    const file = fileName();
    await told(file);
    expect(await new WrittenNote(file).read(FILE)).toEqual(STORED);
  });

  it('takes the place of the one before', async () => {
    const file = fileName();
    const note = await told(file);
    const more = [{ from: 0, to: 18 * MIB }];
    note.tell(FILE, more);
    await vi.waitFor(async () => expect(await new WrittenNote(file).read(FILE)).toEqual(more));
  });

  it('is not written for what is hardly more than before', async () => {
    const file = fileName();
    const note = await told(file);
    note.tell(FILE, [...STORED, { from: 20 * MIB, to: 21 * MIB }]);
    note.tell(FILE, [...STORED, { from: 20 * MIB, to: 23 * MIB }]);
    await vi.waitFor(async () => expect(await new WrittenNote(file).read(FILE)).toHaveLength(3));
    expect((await new WrittenNote(file).read(FILE)).at(-1)).toEqual({ from: 20 * MIB, to: 23 * MIB });
  });

  it.each(['dev', 'ino', 'birthtimeMs'])(
    'says nothing of another file that bears the name by now, by its %s',
    async (part) => {
      const file = fileName();
      await told(file);
      expect(await new WrittenNote(file).read({ ...FILE, [part]: 99 })).toEqual([]);
    },
  );

  it('says nothing once the machine was started anew', async () => {
    const file = fileName();
    await told(file);
    const [note] = decodeLines(await readFile(noteOf(file))).values;
    await writeFile(noteOf(file), encodeLine({ ...(note as object), bootId: 'another' }));
    expect(await new WrittenNote(file).read(FILE)).toEqual([]);
    await writeFile(noteOf(file), encodeLine(note));
    expect(await new WrittenNote(file).read(FILE)).toEqual(STORED);
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
    expect(await new WrittenNote(file).read(FILE)).toEqual([]);
  });

  it('is gone when it was cleared, also one that was just being written, and may be written again', async () => {
    const file = fileName();
    const note = new WrittenNote(file);
    note.tell(FILE, STORED);
    await note.clear();
    expect(note.isTold).toBe(false);
    expect(await new WrittenNote(file).read(FILE)).toEqual([]);
    note.tell(FILE, STORED);
    await vi.waitFor(async () => expect(await new WrittenNote(file).read(FILE)).toEqual(STORED));
    await note.end();
    note.tell(FILE, [{ from: 0, to: 30 * MIB }]);
    expect(note.isTold).toBe(false);
    expect(await new WrittenNote(file).read(FILE)).toEqual([]);
  });

  it('is written behind one that was just being cleared, and not into it', async () => {
    const file = fileName();
    const note = await told(file);
    const cleared = note.clear();
    await Promise.resolve();
    note.tell(FILE, STORED);
    await cleared;
    await vi.waitFor(() => expect(note.isTold).toBe(true));
    expect(await new WrittenNote(file).read(FILE)).toEqual(STORED);
  });

  it('tells of the first ranges where there are more than it can hold, and of all again when they are fewer', async () => {
    const file = fileName();
    const note = await told(file);
    const many = Array.from({ length: 200 }, (_, i) => ({ from: 3 * i * MIB, to: (3 * i + 1) * MIB }));
    note.tell(FILE, many);
    await vi.waitFor(async () => expect((await new WrittenNote(file).read(FILE)).length).toBeGreaterThan(20));
    const few = [{ from: 0, to: 600 * MIB }];
    note.tell(FILE, few);
    await vi.waitFor(async () => expect(await new WrittenNote(file).read(FILE)).toEqual(few));
  });

  it('that cannot be written costs nothing else', async () => {
    const note = new WrittenNote(join(dir, 'nowhere', 'f'));
    note.tell(FILE, STORED);
    await note.clear();
    expect(note.isTold).toBe(false);
  });

  it('is none of the files that a core may have', () => {
    expect([noteOf(fileName()), 'a/.written-b', 'written-b', '.b'].map(isNote)).toEqual([true, true, false, false]);
  });
});
