import { BlockList, isIP } from 'node:net';

/** A server that carries requests for us; its name and password are for it alone. */
export interface ProxyServer {
  readonly url: URL;
  /** As it may be shown. */
  readonly name: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** As curl has it, for proxies that name no port. */
const DEFAULT_PORT = 1080;

/** What a proxy answered instead of a connection. */
export class ProxyRefusal extends Error {
  constructor(
    readonly proxy: ProxyServer,
    readonly status: number,
  ) {
    super(`the proxy ${proxy.name} answered ${status}`);
  }
}

/** A proxy that we do not know how to speak to. */
export class UnknownProxy extends Error {
  readonly code = 'proxyUnknown';
}

/**
 * The proxy that the environment names for a URL, by the rules of curl: `https_proxy`, `http_proxy`, else `all_proxy`; `no_proxy` lists the
 * hosts that are asked directly. Capitals do as well, small letters come first. Loopback is no exception unless it is listed.
 */
export function proxyFor(url: URL, environment: Environment): ProxyServer | null {
  const named = (name: string): string => environment[name] ?? environment[name.toUpperCase()] ?? '';
  const text = named(`${url.protocol.slice(0, -1)}_proxy`) || named('all_proxy');
  if (text === '' || isExcepted(url.hostname, named('no_proxy'))) return null;
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const proxy = URL.canParse(address) ? new URL(address) : null;
  if (proxy === null || (proxy.protocol !== 'http:' && proxy.protocol !== 'https:')) {
    throw new UnknownProxy(
      `the environment names ${proxy === null ? 'a proxy that is no address' : `a proxy of the kind ${proxy.protocol}`}; only http: and https: are known`,
    );
  }
  if (proxy.port === '' && !/:80\/?$/.test(address)) proxy.port = proxy.protocol === 'https:' ? '' : `${DEFAULT_PORT}`;
  return { url: proxy, name: `${proxy.protocol}//${proxy.host}` };
}

const bare = (host: string): string =>
  host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');

/** A name stands for itself and all below it, an address for itself, an address with a length for its network. */
function isExcepted(hostname: string, list: string): boolean {
  const host = bare(hostname);
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const version = isIP(host);
      if (version !== 0) return isWithin(host, version === 4 ? 'ipv4' : 'ipv6', entry);
      const name = bare(entry.replace(/^\*?\./, ''));
      return host === name || host.endsWith(`.${name}`);
    });
}

function isWithin(host: string, family: 'ipv4' | 'ipv6', entry: string): boolean {
  const [network = '', bits] = entry.split('/');
  const address = bare(network);
  if (bits === undefined) return address === host;
  const length = Number(bits);
  if (isIP(address) !== (family === 'ipv4' ? 4 : 6) || !(length >= 0 && length <= (family === 'ipv4' ? 32 : 128)))
    return false;
  const list = new BlockList();
  list.addSubnet(address, length, family);
  return list.check(host, family);
}

/** What the proxy, and nobody else, is told about who asks (RFC 9110 §11.7.1). */
export function headersThrough({ url }: ProxyServer): Record<string, string> {
  if (url.username === '' && url.password === '') return {};
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}
