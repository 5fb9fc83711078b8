import type { LadingEvent } from '@lading/core';
import { describe, expect, it } from 'vitest';
import { eventWords, timeWords } from './timeline.js';

const said: readonly (readonly [LadingEvent, string])[] = [
  [{ type: 'Woken', epoch: 2 }, 'the depot was opened (owner 2)'],
  [{ type: 'VoiceRequested', voice: 'aria', cores: ['a', 'b'] }, 'aria was asked for, needs a, b'],
  [{ type: 'CorePrepared', core: 'a', ticket: 1, staged: { f: 1_500_000 } }, 'a has room, 1.5 MB are here already'],
  [
    {
      type: 'RetryScheduled',
      core: 'a',
      fault: { type: 'stalled', detail: 'd', message: 'no byte for 400 ms' },
      attempt: 1,
      strikes: 0,
      at: 3_000,
      voided: [],
    },
    'a: server stopped sending (no byte for 400 ms); attempt 2 in 2.0 s',
  ],
  [{ type: 'CoreVerified', core: 'a', ticket: 1, isArchive: false, weak: ['x'] }, 'a is proven, 1 file only weakly'],
  [{ type: 'VoicePaused', voice: 'aria', reason: 'noSpace' }, 'aria was paused: not enough space'],
  [{ type: 'VoiceReady', voice: 'aria' }, 'aria is ready'],
];

describe('the timeline', () => {
  it.each(said)('tells %o', (event, words) => {
    expect(eventWords(event, 1_000)).toBe(words);
  });

  it('reads the same in every time zone', () => {
    expect(timeWords(0)).toBe('1970-01-01 00:00:00.000');
  });
});
