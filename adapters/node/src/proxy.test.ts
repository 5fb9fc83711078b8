import { describe, expect, it } from 'vitest';
import { headersThrough, proxyFor, UnknownProxy } from './proxy.js';

const chosen = (url: string, environment: Record<string, string>): string | null =>
  proxyFor(new URL(url), environment)?.url.href ?? null;

describe('the proxy of a URL', () => {
  it.each([
    ['http://a.example/', { http_proxy: 'http://p:1' }, 'http://p:1/'],
    ['https://a.example/', { http_proxy: 'http://p:1' }, null],
    ['https://a.example/', { https_proxy: 'http://p:2' }, 'http://p:2/'],
    ['https://a.example/', { HTTPS_PROXY: 'http://P:2' }, 'http://p:2/'],
    ['https://a.example/', { HTTPS_PROXY: 'http://large:2', https_proxy: 'http://small:2' }, 'http://small:2/'],
    ['https://a.example/', { ALL_PROXY: 'http://p:3' }, 'http://p:3/'],
    ['https://a.example/', { all_proxy: 'http://p:3', HTTPS_PROXY: 'http://p:2' }, 'http://p:2/'],
    ['https://a.example/', { all_proxy: 'http://p:3', https_proxy: '' }, 'http://p:3/'],
    ['https://a.example/', { https_proxy: 'p.example:3128' }, 'http://p.example:3128/'],
    ['https://a.example/', { https_proxy: 'p.example' }, 'http://p.example:1080/'],
    ['https://a.example/', { https_proxy: 'http://p.example:80' }, 'http://p.example/'],
    ['https://a.example/', { https_proxy: 'https://p.example' }, 'https://p.example/'],
    ['http://127.0.0.1:8000/', { http_proxy: 'http://p:1' }, 'http://p:1/'],
    ['http://localhost/', { http_proxy: 'http://p:1' }, 'http://p:1/'],
    ['http://a.example/', {}, null],
  ])('of %s with %j is %s', (url, environment, expected) => {
    expect(chosen(url, environment as unknown as Record<string, string>)).toBe(expected);
  });

  it.each([
    ['*', 'a.example', true],
    ['a.example', 'a.example', true],
    ['a.example', 'A.EXAMPLE.', true],
    ['a.example', 'www.a.example', true],
    ['.a.example', 'a.example', true],
    ['*.a.example', 'www.a.example', true],
    ['a.example', 'nota.example', false],
    ['example', 'a.example.org', false],
    ['b.example, a.example', 'a.example', true],
    ['b.example a.example', 'a.example', true],
    ['localhost', 'localhost', true],
    ['127.0.0.1', '127.0.0.1', true],
    ['0.0.1', '127.0.0.1', false],
    ['127.0.0.0/8', '127.9.9.9', true],
    ['10.0.0.0/8', '127.9.9.9', false],
    ['10.0.0.0/99', '10.0.0.1', false],
    ['::1', '[::1]', true],
    ['[::1]', '[::1]', true],
    ['fd00::/8', '[fd12::1]', true],
    ['10.0.0.0/8', '[fd12::1]', false],
    ['', 'a.example', false],
  ])('with no_proxy=%s leaves %s alone: %s', (list, host, isAlone) => {
    const environment = { http_proxy: 'http://p:1' };
    expect(chosen(`http://${host}/`, { ...environment, no_proxy: list })).toBe(isAlone ? null : 'http://p:1/');
    expect(chosen(`http://${host}/`, { ...environment, NO_PROXY: list })).toBe(isAlone ? null : 'http://p:1/');
  });

  it.each(['socks5://p:1', 'ftp://p', 'http://', 'http://p:99999'])('is refused if it is %s', (text) => {
    expect(() => chosen('http://a.example/', { http_proxy: text })).toThrow(UnknownProxy);
  });

  it('is told its name and password, and nobody is shown them', () => {
    const proxy = proxyFor(new URL('http://a.example/'), { http_proxy: 'http://me:s%3Acret%40@p:1' });
    expect(proxy?.name).toBe('http://p:1');
    expect(proxy && headersThrough(proxy)).toEqual({
      'proxy-authorization': `Basic ${Buffer.from('me:s:cret@').toString('base64')}`,
    });
  });
});
