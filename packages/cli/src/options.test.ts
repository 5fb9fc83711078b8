import { describe, expect, it } from 'vitest';
import { exitCodeOf, UsageError } from './exit.js';
import { readHeaders } from './headers.js';
import { defaultCatalogs, readSettings } from './options.js';
import { mayColour } from './paint.js';

describe('settings', () => {
  it('come from options before they come from the environment', () => {
    const env = { LADING_DIR: '/env', LADING_CATALOG: 'http://127.0.0.1:1/a.json  b.json' };
    expect(readSettings({}, env)).toMatchObject({ dir: '/env', catalog: ['http://127.0.0.1:1/a.json', 'b.json'] });
    expect(readSettings({ dir: '/flag', catalog: ['c.json'] }, env)).toMatchObject({
      dir: '/flag',
      catalog: ['c.json'],
    });
  });

  it('default to the catalogs that come with the command', () => {
    expect(readSettings({}, {}).catalog).toEqual(defaultCatalogs());
    expect(defaultCatalogs()).toHaveLength(6);
  });

  it('hold the numbers of options and environment', () => {
    const env = { LADING_STALL_TIMEOUT_MS: '400', LADING_RETRY_BASE_MS: '20' };
    const settings = readSettings({ concurrency: '2', limitRate: '2M' }, env);
    expect(settings).toMatchObject({ stallMs: 400, retryBaseMs: 20, concurrency: 2, limitBytesPerSecond: 2_000_000 });
  });

  it.each([
    ['LADING_STALL_TIMEOUT_MS', 'soon'],
    ['LADING_STALL_TIMEOUT_MS', '0'],
    ['LADING_RETRY_BASE_MS', '-1'],
    ['LADING_RETRY_BASE_MS', '1e3'],
  ])('refuse %s=%s and name it', (name, value) => {
    expect(() => readSettings({}, { [name]: value })).toThrow(new RegExp(name));
  });

  it.each([{ concurrency: '0' }, { concurrency: 'many' }, { limitRate: 'fast' }, { dir: '' }])('refuse %o', (flags) => {
    expect(() => readSettings(flags, {})).toThrow(UsageError);
  });

  it('have no colour if NO_COLOR or --no-color says so', () => {
    expect([mayColour({}, {}), mayColour({}, { NO_COLOR: '1' }), mayColour({ color: false }, {})]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('headers', () => {
  it('belong to an origin, however it is written', () => {
    const text = JSON.stringify({ 'https://Example.org:443/path': { 'X-Key': 'abc' } });
    expect(readHeaders({ LADING_HEADERS: text })).toEqual({ 'https://example.org': { 'x-key': 'abc' } });
  });

  it('hold the hub token for the hub alone', () => {
    expect(readHeaders({ HF_TOKEN: 'hf_x' })).toEqual({ 'https://huggingface.co': { authorization: 'Bearer hf_x' } });
    expect(readHeaders({ HF_TOKEN: 'hf_x', HF_ENDPOINT: 'https://hub.test/x' })).toEqual({
      'https://hub.test': { authorization: 'Bearer hf_x' },
    });
    expect(readHeaders({ HF_ENDPOINT: 'https://hub.test' })).toEqual({});
  });

  it.each([
    'Host',
    'connection',
    'Transfer-Encoding',
    'content-length',
    'upgrade',
    'keep-alive',
    'TE',
    'trailer',
    'Range',
    'if-range',
    'if-none-match',
    'accept-encoding',
    'proxy-authorization',
    'Proxy-Connection',
  ])('must not steer the connection or the transfer: %s', (name) => {
    const text = JSON.stringify({ 'https://a.test': { 'x-fine': '1', [name]: 'canary' } });
    const refusal = (): unknown => {
      try {
        return readHeaders({ LADING_HEADERS: text });
      } catch (error) {
        return error;
      }
    };
    expect(refusal()).toBeInstanceOf(UsageError);
    expect(String(refusal())).toContain(`"${name.toLowerCase()}"`);
    expect(String(refusal())).not.toContain('canary');
    expect(exitCodeOf((refusal() as UsageError).code)).toBe(2);
  });

  it.each([
    'canary',
    '[]',
    '{"canary":{}}',
    '{"https://a.test":"canary"}',
    '{"https://a.test":{"x":1,"y":"canary"}}',
    '{"https://a.test":{"x":"canary\\r\\nevil: 1"}}',
    '{"https://a.test":{"x":"canary\\nevil: 1"}}',
    '{"https://a.test":{"x canary":"1"}}',
    '{"https://a.test":{"x\\r\\ncanary":"1"}}',
    '{"https://a.test":{"":"canary"}}',
  ])('that are wrong (%s) are refused without being quoted', (text) => {
    const refusal = (): string => {
      try {
        readHeaders({ LADING_HEADERS: text });
      } catch (error) {
        if (error instanceof UsageError) return `${error.message} ${error.remedy}`;
      }
      return 'not refused';
    };
    expect(refusal()).toContain('LADING_HEADERS');
    expect(refusal()).not.toContain('canary');
  });
});
