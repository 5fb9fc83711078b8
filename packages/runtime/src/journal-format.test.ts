import { Catalog, DEFAULT_POLICY, decide, EMPTY_STATE, type Input, imageOf, readManifestValue } from '@lading/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from './crc32c.js';
import { decodeLine, decodeLines, encodeLine, fold, JournalCorrupt, upcast } from './journal-format.js';
import type { JournalRecord } from './ports.js';

const sha256 = 'a'.repeat(64);
const reading = readManifestValue(
  {
    version: 3,
    cores: [{ id: 'c', files: [{ filename: 'a.bin', url: 'https://example.org/a', sizeBytes: 10, sha256 }] }],
    voices: [{ id: 'v', coreRequirements: ['c'] }],
  },
  { base: null, allowHttp: false },
);
if (!reading.ok) throw new Error(JSON.stringify(reading.defects));
const { catalog } = Catalog.of([reading.manifest], 'any');

const core = 'c';
const ticket = 1;
const inputs: readonly Input[] = [
  { type: 'woke', epoch: 1, staged: {}, missing: {} },
  { type: 'download', id: 'v' },
  { type: 'prepared', core, ticket, staged: {} },
  { type: 'checkpointed', core, ticket, files: { 'a.bin': { bytes: 10, validator: '"ä"', origin: null } } },
  { type: 'downloaded', core, ticket },
  { type: 'verified', core, ticket, weak: [] },
  { type: 'installed', core, ticket, generation: 'g1', files: [{ filename: 'a.bin', sizeBytes: 10, sha256 }] },
];

/** A history from nothing to a ready voice, one record an input. */
const records: JournalRecord[] = [];
let live = EMPTY_STATE;
const prefixes = [JSON.stringify(imageOf(live))];
for (const [at, input] of inputs.entries()) {
  const decision = decide(live, catalog, DEFAULT_POLICY, input, { now: at, luck: 0.5 });
  if (decision.type === 'refusal') throw new Error(decision.message);
  records.push({ v: 1, from: live.position, epoch: 1, at, events: decision.events });
  live = decision.state;
  prefixes.push(JSON.stringify(imageOf(live)));
}
const lines = records.map(encodeLine);
const bytes = Uint8Array.from(lines.flatMap((line) => [...line]));

const stateFrom = (journal: Uint8Array): string => {
  const { values } = decodeLines(journal);
  return JSON.stringify(imageOf(fold({ snapshot: null, records: values.map(upcast) })));
};

describe('a journal line', () => {
  it('has the checksum of RFC 9260: "123456789" gives e3069283', () => {
    expect(crc32c(new TextEncoder().encode('123456789')).toString(16)).toBe('e3069283');
  });

  it('gives back whatever JSON was put in', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const line = encodeLine(value);
        expect(line.indexOf(10)).toBe(line.length - 1);
        expect(JSON.stringify(decodeLine(line.subarray(0, -1)))).toBe(JSON.stringify(value));
      }),
    );
  });

  it('gives back many in their order', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (values) => {
        const journal = Uint8Array.from(values.flatMap((value) => [...encodeLine(value)]));
        const decoded = decodeLines(journal);
        expect(JSON.stringify(decoded.values)).toBe(JSON.stringify(values));
        expect(decoded.goodBytes).toBe(journal.length);
      }),
    );
  });

  it('takes no bytes for a line that only look like one', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => decodeLine(noise) === undefined));
  });
});

describe('a journal', () => {
  it('tells the state that was lived', () => {
    expect(stateFrom(bytes)).toBe(prefixes.at(-1));
    expect(live.voices.get('v')?.phase).toBe('ready');
  });

  it('torn at any byte tells the state after the last whole record', () => {
    const ends = lines.map((_, i) => lines.slice(0, i + 1).reduce((sum, line) => sum + line.length, 0));
    for (let cut = 0; cut <= bytes.length; cut++) {
      const whole = ends.filter((end) => end <= cut).length;
      expect(stateFrom(bytes.subarray(0, cut)), `cut at ${cut}`).toBe(prefixes[whole]);
      expect(decodeLines(bytes.subarray(0, cut)).goodBytes).toBe(ends[whole - 1] ?? 0);
    }
  });

  it('with any one bit turned over tells an earlier state at its end, or that it is damaged; never another state', () => {
    let named = 0;
    const last = bytes.length - (lines.at(-1)?.length ?? 0);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const turned = Uint8Array.from(bytes);
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      try {
        expect([prefixes.at(-2), prefixes.at(-3)]).toContain(stateFrom(turned));
        // Only what the last record hangs on may pass for a torn tail: itself, and the newline before it.
        expect(bit >> 3).toBeGreaterThanOrEqual(last - 1);
      } catch (error) {
        if (!(error instanceof JournalCorrupt)) throw error;
        named++;
      }
    }
    expect(named).toBeGreaterThan((last - 1) * 8 - 1);
  });

  it('with a record missing from its midst is refused', () => {
    for (let gap = 1; gap < records.length - 1; gap++) {
      const holed = records.filter((_, i) => i !== gap);
      expect(() => fold({ snapshot: null, records: holed }), `without record ${gap}`).toThrow(JournalCorrupt);
    }
  });

  it('with a record of an older owner after a newer one is refused', () => {
    const [woken, ...rest] = records;
    if (woken === undefined) throw new Error('no record');
    const usurped = [{ ...woken, epoch: 2, events: [{ type: 'Woken' as const, epoch: 2 }] }, ...rest];
    expect(() => fold({ snapshot: null, records: usurped })).toThrow(/epoch 1 after epoch 2/);
  });

  it('goes on from a snapshot at any place, whether or not the records before it are still there', () => {
    let state = EMPTY_STATE;
    for (let at = 0; at <= records.length; at++) {
      state = fold({ snapshot: null, records: records.slice(0, at) });
      const snapshot = JSON.parse(JSON.stringify(imageOf(state)));
      for (const tail of [records, records.slice(at)]) {
        expect(JSON.stringify(imageOf(fold({ snapshot, records: tail })))).toBe(prefixes.at(-1));
      }
    }
  });

  it('of an unknown format is refused, not guessed at', () => {
    for (const value of [null, 7, {}, { v: 2, events: [] }, { v: 1 }])
      expect(() => upcast(value)).toThrow(/unknown format/);
  });
});
