import { fingerprintOf } from '@lading/core';
import { describe, expect, it } from 'vitest';
import { type Private, scrubbed, scrubbedJournal } from './scrub.js';

const hidden: Private = {
  homes: ['/home/kim', '/data/people/kim'],
  dirs: ['/srv/depot'],
  redact: (text) => text.replaceAll('s3cret', '[given]'),
};

describe('a text that leaves the machine', () => {
  it.each([
    [
      'model.onnx from https://user:pw@cdn.example.org/a/b?X-Amz-Signature=abc#t: HTTP 503',
      'model.onnx from https://cdn.example.org/…: HTTP 503',
    ],
    ['HTTPS://CDN.example.org:8443/signed/9f86d081884c7d65: gone', 'HTTPS://CDN.example.org:8443/…: gone'],
    ['from https://cdn.example.org, twice', 'from https://cdn.example.org, twice'],
    [
      'http://127.0.0.1:80/x redirects to data:text/plain,abc: refused',
      'http://127.0.0.1:80/… redirects to …: refused',
    ],
    [
      'http://127.0.0.1:80/x redirects to /login/abc: that is no URL',
      'http://127.0.0.1:80/… redirects to …: that is no URL',
    ],
    ['cannot open ftp://kim:pw@host/x', 'cannot open ftp:…'],
    ['asked /file.bin?token=abc&x=1 again', 'asked /file.bin again'],
    ['cannot write /srv/depot/staging/m: EIO', 'cannot write <depot>/staging/m: EIO'],
    ["ENOENT: '/home/kim/x'", "ENOENT: '…'"],
    ['under /data/people/kim/models and /home/lee/x', 'under ~/models and ~/x'],
    ['under /Users/lee/Library, /root/x', 'under ~/Library, ~/x'],
    ['under C:\\Users\\Lee\\AppData', 'under ~\\AppData'],
    ['the server sent s3cret', 'the server sent [given]'],
    ['Authorization: Bearer abc.def, and more', 'Authorization: [redacted], and more'],
    ['x-api-key=abc', 'x-api-key=[redacted]'],
    ['it was given bearer abcdef', 'it was given bearer [redacted]'],
    ['hf_abcdefghij and ghp_abcdefghij', '[redacted] and [redacted]'],
    ['it begins "<html>kim\\"s page"', 'it begins "…"'],
    ['the core "model" is not in the catalog', 'the core "model" is not in the catalog'],
    ['12 bytes have sha256 ab, expected 34', '12 bytes have sha256 ab, expected 34'],
  ])('reads %j as %j', (text, safe) => {
    expect(scrubbed(text, hidden, new Set(['model']))).toBe(safe);
  });
});

describe('a journal that leaves the machine', () => {
  it('keeps its names and numbers, and what makes its state', () => {
    const durable = { 'f.bin': { bytes: 3, validator: '"kim"', origin: 'https://cdn.example.org' } };
    const fault = { type: 'unknown', detail: 'see /home/kim', message: 'at /home/kim/x', file: 'f.bin' };
    const events = [
      { type: 'CoreCheckpointed', core: 'model', ticket: 1, files: durable, isProgress: true },
      { type: 'CoreFailed', core: 'model', fault, voided: ['f.bin'] },
    ];
    const record = { v: 1, from: 0, epoch: 1, at: 5, events };
    const { records } = scrubbedJournal({ snapshot: null, records: [record as never] }, hidden);
    expect(records).toEqual([
      {
        ...record,
        events: [
          { ...events[0], files: { 'f.bin': { ...durable['f.bin'], validator: fingerprintOf('"kim"') } } },
          { ...events[1], fault: { ...fault, detail: '[redacted]', message: 'at ~/x' } },
        ],
      },
    ]);
  });
});
