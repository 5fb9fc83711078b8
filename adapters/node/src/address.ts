import { lookup as dnsLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/**
 * Addresses that a redirect must not lead to: this host, private networks, link-local (cloud metadata lives there), carrier NAT
 * (RFC 1918, 3927, 4193, 4291, 6598), and those that carry an IPv4 address through a gateway, where it is judged no more
 * (RFC 3056, 4380, 6052, 8215). Judged on the address that is connected to, because names and spellings can lie.
 */
const inward = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  inward.addSubnet(net, bits, 'ipv4');
}
for (const [net, bits] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2001::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  inward.addSubnet(net, bits, 'ipv6');
}

/** True for an address that no stranger may send us to. IPv4 inside IPv6 is judged as IPv4. */
export function isInward(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const version = isIP(bare);
  if (version === 0) return false;
  return inward.check(bare, version === 4 ? 'ipv4' : 'ipv6');
}

export class InwardAddress extends Error {
  readonly code = 'LADING_INWARD_ADDRESS';
}

/** A resolver that refuses names which lead inward; what it returns is what is connected to. */
export const outwardLookup: LookupFunction = (hostname, options, callback) => {
  dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '', 0);
    const bad = addresses.find(({ address }) => isInward(address));
    if (bad !== undefined)
      return callback(new InwardAddress(`${hostname} is ${bad.address}, an inward address`), '', 0);
    if (options.all === true) return callback(null, addresses);
    const [first] = addresses;
    return callback(null, first?.address ?? '', first?.family ?? 0);
  });
};

/**
 * Judges a name before a proxy is asked to go there: the proxy connects, so nobody can look at the address then. A name that only the
 * proxy knows is the proxy's to judge.
 */
export function mustLeadOutward(hostname: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const leave = (): void => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    outwardLookup(hostname, { all: true }, (error) => {
      signal.removeEventListener('abort', leave);
      if (error instanceof InwardAddress) reject(error);
      else resolve();
    });
  });
}
