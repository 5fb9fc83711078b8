import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isLoopbackHost,
  lastSegmentOf,
  locationIn,
  originOf,
  readHop,
  readUrl,
  redactUrl,
  type UrlRules,
} from './url.js';

const fromFile: UrlRules = { base: null, allowHttp: false };
const fromWeb: UrlRules = { base: 'https://example.org/catalogs/a.json', allowHttp: false };

const urlOf = (text: string, rules = fromFile) => {
  const reading = readUrl(text, rules);
  return reading.ok ? reading.url : `refused: ${reading.reason}`;
};

describe('reading a URL of a manifest', () => {
  it.each([
    ['https://example.org/a b', /spaces/],
    ['https://example.org/a\\b', /backslashes/],
    ['https://example.org/\r\nHost: evil', /control characters/],
    ['https://user:secret@example.org/', /user name or password/],
    ['http://example.org/a', /only loopback/],
    ['http://127.0.0.1.example.org/a', /only loopback/],
    ['http://[::ffff:127.0.0.1]/', /only loopback/],
    ['file:///etc/passwd', /scheme "file:"/],
    ['data:text/plain,x', /scheme "data:"/],
    ['ftp://example.org/', /scheme "ftp:"/],
    ['javascript:alert(1)', /scheme "javascript:"/],
    ['blob:https://example.org/1', /scheme "blob:"/],
    ['hf://owner/name/file.onnx', /scheme "hf:"/],
    ['https://', /no URL/],
    ['//example.org/a', /no URL/],
    ['https://exa mple.org', /spaces/],
    ['', /1 to 4096/],
    [`https://example.org/${'a'.repeat(4096)}`, /1 to 4096/],
  ])('refuses %j', (text, why) => expect(urlOf(text)).toMatch(why));

  it.each([
    'https://example.org/a',
    'http://localhost:8080/a',
    'http://127.9.8.7/a',
    'http://[::1]:1/a',
    'http://demo.localhost/a',
    'HTTPS://EXAMPLE.ORG/a',
  ])('allows %j', (text) => expect(urlOf(text)).not.toMatch(/refused/));

  it('sees through other spellings of an address, as the parser that connects does', () => {
    expect(urlOf('http://2130706433/a')).toBe('http://127.0.0.1/a');
    expect(urlOf('http://0x7f.1/a')).toBe('http://127.0.0.1/a');
    expect(urlOf('http://10.0.0.1/a')).toMatch(/only loopback/);
  });

  it('resolves relative ones against where the manifest came from, and keeps them while that is unknown', () => {
    expect(urlOf('../files/a.bin', fromWeb)).toBe('https://example.org/files/a.bin');
    expect(urlOf('//cdn.example.org/a', fromWeb)).toBe('https://cdn.example.org/a');
    expect(urlOf('files/a.bin')).toBe('files/a.bin');
    expect(urlOf('a', { base: 'http://example.org/m.json', allowHttp: false })).toMatch(/only loopback/);
    expect(urlOf('a', { base: 'http://127.0.0.1:1/m.json', allowHttp: false })).toBe('http://127.0.0.1:1/a');
  });

  it('allows http to other hosts only when told to', () =>
    expect(urlOf('http://example.org/a', { base: null, allowHttp: true })).toBe('http://example.org/a'));

  it('never throws, and what it allows is https, loopback http, or relative', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl(), fc.webUrl({ validSchemes: ['http', 'ftp', 'file'] })),
        fc.boolean(),
        (text, isWeb) => {
          const reading = readUrl(text, isWeb ? fromWeb : fromFile);
          if (reading.ok && (isWeb || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text)))
            expect(reading.url).toMatch(/^https:|^http:\/\/(localhost|127\.|\[::1\]|[^/]*\.localhost)/);
        },
      ),
      { numRuns: 5000 },
    );
  });
});

describe('what of a URL may be shown', () => {
  it.each([
    ['https://example.org/a?X-Amz-Signature=secret#secret', 'https://example.org/a'],
    ['https://user:secret@example.org/a', 'https://example.org/a'],
    ['//user:secret@example.org/a?token=secret', '//example.org/a'],
    ['/a?token=secret', '/a'],
    ['/a#secret', '/a'],
  ])('of %j only what holds no secret', (text, shown) => expect(redactUrl(text)).toBe(shown));

  it('never a query, a fragment or a password', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (text) => {
        expect(redactUrl(text.replace('://', '://me:swordfish@'))).not.toMatch(/[?#]|swordfish/);
      }),
    );
  });
});

describe('parts of a URL', () => {
  it('an origin is what RFC 6454 says, or null', () => {
    expect(originOf('https://Example.org:443/a')).toBe('https://example.org');
    expect(originOf('http://example.org:8080/a')).toBe('http://example.org:8080');
    expect(originOf('a')).toBeNull();
  });

  it('knows the names that never leave the machine', () => {
    expect(
      ['localhost', 'LOCALHOST.', 'a.localhost', '127.0.0.1', '127.255.255.254', '[::1]', '::1'].every(isLoopbackHost),
    ).toBe(true);
    expect(
      ['localhost.example.org', '128.0.0.1', '[::2]', 'notlocalhost', '127.0.0.1.example.org', '0.0.0.0'].some(
        isLoopbackHost,
      ),
    ).toBe(false);
  });

  it('the last segment is that of the path', () => {
    expect(lastSegmentOf('https://example.org/a/model.tar.gz?download=true#x')).toBe('model.tar.gz');
    expect(lastSegmentOf('files/a.bin')).toBe('a.bin');
    expect(lastSegmentOf('https://example.org/')).toBe('');
  });
});

describe('a redirect', () => {
  const from = 'https://host.example/a/b?c';

  it.each([
    ['d', 'https://host.example/a/d'],
    ['/d', 'https://host.example/d'],
    ['//other.example/d', 'https://other.example/d'],
    ['https://other.example/d', 'https://other.example/d'],
    ['', 'https://host.example/a/b?c'],
  ])('to "%s" leads there', (location, url) => {
    expect(readHop(location, from, { allowHttp: false })).toEqual({ ok: true, url });
  });

  it.each([
    ['http://[', 'redirectRefused'],
    ['ftp://host.example/', 'schemeRefused'],
    ['data:,x', 'schemeRefused'],
    ['https://user@host.example/', 'redirectRefused'],
    ['http://host.example/', 'redirectRefused'],
    ['http://127.0.0.1/', 'redirectRefused'],
  ])('to "%s" is not followed', (location, detail) => {
    expect(readHop(location, from, { allowHttp: true })).toMatchObject({ ok: false, detail });
  });

  it('without encryption leads to loopback only, unless that is allowed', () => {
    const home = 'http://127.0.0.1:1/';
    expect(readHop('http://localhost/', home, { allowHttp: false }).ok).toBe(true);
    expect(readHop('http://host.example/', home, { allowHttp: false }).ok).toBe(false);
    expect(readHop('http://host.example/', home, { allowHttp: true }).ok).toBe(true);
  });

  it('is five statuses, and needs a place to lead to', () => {
    const statuses = [200, 206, 300, 301, 302, 303, 304, 305, 307, 308, 404];
    const ways = statuses.filter((status) => locationIn({ status, headers: { location: '/x' } }) !== null);
    expect(ways).toEqual([301, 302, 303, 307, 308]);
    expect(locationIn({ status: 302, headers: {} })).toBeNull();
  });
});
