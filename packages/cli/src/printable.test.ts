import { describe, expect, it } from 'vitest';
import { jsonLine, oneLine, printable } from './printable.js';

const HOSTILE = [
  '\u001b[31mred\u001b[0m',
  '\u001b]0;title\u0007',
  '\u001b]52;c;aGk=\u001b\\',
  '\u009b31mc1',
  '\u009d52;c;aGk=\u009c',
  '\u001bPq#0\u001b\\',
  '\u001bc',
  'a\rb\bc\u0000d\u007f',
  '\u202eevil\u202c',
  '\u001b',
];

describe('text from outside', () => {
  it.each(HOSTILE)('%j holds nothing that a terminal obeys', (text) => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must be gone.
    expect(printable(text)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  });

  it('loses the sequence whole, not its first character', () => {
    expect(printable('\u001b[31mred\u001b[0m \u001b]52;c;aGk=\u0007clip')).toBe('red clip');
  });

  it('keeps every script and its line breaks', () => {
    expect(printable('Zoë 雅\nسلام')).toBe('Zoë 雅\nسلام');
    expect(oneLine('a\n  b')).toBe('a b');
  });

  it.each(HOSTILE)('%j comes back the same from JSON, which holds no control character', (text) => {
    const line = jsonLine({ text });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must be escaped.
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    expect(JSON.parse(line)).toEqual({ text });
  });
});
