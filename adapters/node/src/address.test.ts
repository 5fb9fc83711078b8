import { lookup } from 'node:dns';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { InwardAddress, isInward, mustLeadOutward, outwardLookup } from './address.js';

/** An IPv4 address in the ways that parsers of addresses read: decimal, hex, octal, short, and inside IPv6. */
function spellings(address: string): readonly string[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  const whole = ((a * 256 + b) * 256 + c) * 256 + d;
  const hex = (n: number) => `0x${n.toString(16)}`;
  const octal = (n: number) => `0${n.toString(8)}`;
  const pair = (high: number, low: number) => (high * 256 + low).toString(16);
  const inside = `${pair(a, b)}:${pair(c, d)}`;
  return [
    address,
    `${address}.`,
    String(whole),
    hex(whole),
    octal(whole),
    [a, b, c, d].map(hex).join('.'),
    [a, b, c, d].map(octal).join('.'),
    `${hex(a)}.${b}.${octal(c)}.${d}`,
    `${a}.${b}.${c * 256 + d}`,
    `${a}.${(b * 256 + c) * 256 + d}`,
    `${a}%2e${b}.${c}.${d}`,
    `${a}\u3002${b}\uff0e${c}.${d}`,
    address.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
    `[::ffff:${address}]`,
    `[::ffff:${inside}]`,
    `[0:0:0:0:0:ffff:${inside}]`,
    `[::${inside}]`,
    `[64:ff9b::${inside}]`,
    `[64:ff9b:1::${inside}]`,
    `[2002:${inside}::]`,
  ];
}

const INWARD_4 = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.254', '127.0.0.1', '127.1.2.3'],
  ...['169.254.0.1', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.168.0.1', '192.168.255.255'],
  ...['198.18.0.1', '198.19.255.255', '224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255'],
];
const INWARD_6 = [
  ...['[::]', '[::1]', '[0:0:0:0:0:0:0:1]', '[0000:0000:0000:0000:0000:0000:0000:0001]', '[fc00::1]', '[fd12:3456::1]'],
  ...['[fe80::1]', '[febf::1]', '[fec0::1]', '[ff02::1]', '[FF05::1:3]', '[2001:0:4136:e378:8000:63bf:3fff:fdd2]'],
];
const OUTWARD = [
  ...[
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.1',
  ],
  ...['169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '192.0.1.1', '192.167.255.255', '192.169.0.0'],
  ...[
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '[2606:4700::1111]',
    '[2a00:1450:4001::1]',
    '[::ffff:8.8.8.8]',
  ],
];

/** The host as the parser that connects reads it; null where it reads none. */
function hostOf(spelling: string): string | null {
  try {
    return new URL(`https://${spelling}/`).hostname;
  } catch {
    return null;
  }
}

describe('an address that no stranger may send us to', () => {
  const rows = [...INWARD_4.flatMap(spellings), ...INWARD_6];

  it.each(rows)('%s is known, or is no address at all', (spelling) => {
    const host = hostOf(spelling);
    expect(host === null || isInward(host.replace(/\.$/, ''))).toBe(true);
  });

  it('is known in more than two hundred ways, nearly all of which connect', () => {
    expect(rows.length).toBeGreaterThan(400);
    expect(rows.filter((spelling) => hostOf(spelling) !== null).length).toBeGreaterThan(380);
  });

  it.each(['fe80::1%eth0', '[fe80::1%25eth0]', '::ffff:7f00:1'])('%s is known as a resolver writes it', (address) =>
    expect(isInward(address)).toBe(true),
  );

  it.each(OUTWARD)('%s is none', (spelling) => {
    const host = hostOf(spelling);
    expect([host === null, isInward(host ?? '')]).toEqual([false, false]);
  });

  it.each(['localhost', 'example.com', '', 'a.b.c.d', '1.2.3'])('%j is a name: what it resolves to is judged', (name) =>
    expect(isInward(name)).toBe(false),
  );
});

describe('a name', () => {
  const never = new AbortController().signal;

  it('is not waited for by who has left', async () => {
    const left = new AbortController();
    const looked = mustLeadOutward('nowhere.invalid', left.signal);
    left.abort(new Error('enough'));
    await expect(looked).rejects.toThrow('enough');
    await expect(mustLeadOutward('nowhere.invalid', left.signal)).rejects.toThrow('enough');
  });

  it('that resolves inward is refused, however many addresses are asked for', async () => {
    const resolve = promisify(outwardLookup);
    for (const all of [true, false]) await expect(resolve('localhost', { all })).rejects.toBeInstanceOf(InwardAddress);
    await expect(mustLeadOutward('localhost', never)).rejects.toBeInstanceOf(InwardAddress);
  });

  it('that does not resolve here is for the proxy to judge', async () => {
    await expect(promisify(lookup)('nowhere.invalid')).rejects.toThrow();
    await mustLeadOutward('nowhere.invalid', never);
  });
});
