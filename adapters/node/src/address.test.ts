import { lookup } from 'node:dns';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { InwardAddress, isInward, mustLeadOutward, outwardLookup } from './address.js';

/** As `URL` spells them, from the spellings that people try. */
const spelt = (host: string): string => new URL(`http://${host}/`).hostname;

describe('an address', () => {
  it.each(
    [
      [
        '127.0.0.1',
        '127.1',
        '0x7f.1',
        '2130706433',
        '017700000001',
        '0x7f000001',
        '127.0.0.1.',
        '①②⑦.0.0.1',
        '127.255.255.255',
      ],
      ['0', '0.0.0.0', '0.1.2.3'],
      ['10.0.0.1', '10.255.255.255', '0xa.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', '192.168.257'],
      ['169.254.169.254', '0xa9fea9fe', '2852039166', '169.254.1.1', '100.64.0.1', '100.127.255.255'],
      ['192.0.0.1', '198.18.0.1', '198.19.255.255', '224.0.0.1', '239.1.1.1', '240.0.0.1', '255.255.255.255'],
      ['[::1]', '[::]', '[0:0:0:0:0:0:0:1]', '[fc00::1]', '[fdff::1]', '[fe80::1]', '[febf::1]', '[ff02::1]'],
      ['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::ffff:10.0.0.1]', '[::ffff:169.254.169.254]', '[::127.0.0.1]'],
      ['[64:ff9b::127.0.0.1]', '[64:ff9b::a9fe:a9fe]', '[64:ff9b:1::1]', '[2002:7f00:1::]', '[2001:0:7f00:1::]'],
    ].flat(),
  )('that leads inward is known as such: %s', (host) => {
    expect(isInward(spelt(host)), spelt(host)).toBe(true);
  });

  it.each(
    [
      [
        '1.1.1.1',
        '8.8.8.8',
        '9.255.255.255',
        '11.0.0.0',
        '100.63.255.255',
        '100.128.0.0',
        '126.255.255.255',
        '128.0.0.0',
      ],
      [
        '169.253.255.255',
        '169.255.0.0',
        '172.15.255.255',
        '172.32.0.0',
        '192.167.255.255',
        '192.169.0.0',
        '198.20.0.0',
      ],
      ['[2606:4700::1111]', '[2a00:1450::1]', '[2001:4860::8888]', '[2003::1]', '[::ffff:8.8.8.8]', '[fec0::1]'],
    ].flat(),
  )('that leads outward is not: %s', (host) => {
    expect(isInward(spelt(host)), spelt(host)).toBe(false);
  });

  it('that is none is no address: a name is judged by what it resolves to', () => {
    for (const name of ['localhost', 'a.example', '127.0.0.1.example']) expect(isInward(name)).toBe(false);
  });
});

describe('a name', () => {
  it('that resolves inward is refused, however many addresses are asked for', async () => {
    const resolve = promisify(outwardLookup);
    for (const all of [true, false]) await expect(resolve('localhost', { all })).rejects.toBeInstanceOf(InwardAddress);
    await expect(mustLeadOutward('localhost')).rejects.toBeInstanceOf(InwardAddress);
  });

  it('that does not resolve here is for the proxy to judge', async () => {
    await expect(promisify(lookup)('nowhere.invalid')).rejects.toThrow();
    await mustLeadOutward('nowhere.invalid');
  });
});
