import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import {
  Catalog,
  ConfigurationError,
  type Defect,
  faultTypeOfStatus,
  LIMITS,
  type Manifest,
  readManifest,
  readUrl,
  redactUrl,
} from '@lading/core';
import { FaultError, type Fetcher, type Hub, Watchdog } from '@lading/runtime';
import { systemClock } from './clock.js';
import { isMissing } from './fs-fault.js';

export interface CatalogOptions {
  /** Platform that variants are resolved for; default the one this process runs on. */
  readonly platform?: string;
  readonly allowHttp?: boolean;
  /** Without a byte for so long a catalog address is given up, milliseconds. */
  readonly stallMs?: number;
  /** Reads manifests that name files of a hub; without one such a name is a defect. */
  readonly hub?: Hub;
}

const isAddress = (source: string): boolean => /^https?:\/\//i.test(source);
/** As it may be shown: the query of an address may hold a signature. */
const named = (source: string): string => (isAddress(source) ? redactUrl(source) : source);

function refused(source: string, defects: readonly Defect[]): ConfigurationError {
  const shown = defects.slice(0, 20).map(({ path, message }) => `  ${path}: ${message}`);
  const more = defects.length > shown.length ? [`  and ${defects.length - shown.length} more`] : [];
  const count = `${defects.length} ${defects.length === 1 ? 'defect' : 'defects'}`;
  return new ConfigurationError(
    `the catalog ${named(source)} is refused, it has ${count}:\n${[...shown, ...more].join('\n')}`,
    {
      code: 'manifestError',
      remedy: 'Correct the catalog at the places named, or use another.',
      defects,
    },
  );
}

const tooLarge = (source: string, bytes: number): ConfigurationError =>
  refused(source, [
    { path: '$', message: `the manifest has ${bytes} bytes, at most ${LIMITS.manifestBytes} are read` },
  ]);

async function textOfFile(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > LIMITS.manifestBytes) throw tooLarge(path, size);
    // A length is no promise: a device has none and never ends.
    return await gather(path, createReadStream(path), () => undefined);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    const why = isMissing(error) ? 'there is no such file' : (error as Error).message;
    throw new ConfigurationError(`the catalog ${path} cannot be read: ${why}`, {
      code: 'manifestError',
      remedy: 'Give --catalog the path or address of a manifest.',
      cause: error,
    });
  }
}

/** Text from its bytes as they come, never more than a manifest may have. */
async function gather(
  source: string,
  body: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let bytes = 0;
  const decode = (chunk?: Uint8Array): string => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      throw refused(source, [{ path: '$', message: 'the text is not UTF-8' }]);
    }
  };
  for await (const chunk of body) {
    bytes += chunk.length;
    onBytes(chunk.length);
    if (bytes > LIMITS.manifestBytes) throw tooLarge(source, bytes);
    text += decode(chunk);
  }
  return text + decode();
}

async function textOfAddress(url: string, fetcher: Fetcher, stallMs: number): Promise<string> {
  const dog = new Watchdog(systemClock, stallMs, `the catalog ${named(url)}`);
  const ender = new AbortController();
  try {
    const request = { url, from: null, ifRange: null, isFresh: false };
    const response = await fetcher.fetch(request, AbortSignal.any([dog.signal, ender.signal]));
    dog.headCame();
    if (response.status !== 200) {
      const message = `the catalog ${named(url)}: the server answered ${response.status}`;
      throw FaultError.of(faultTypeOfStatus(response.status), `http${response.status}`, message, {
        httpStatus: response.status,
      });
    }
    return await gather(url, response.body, (bytes) => dog.bytesCame(bytes));
  } catch (error) {
    dog.signal.throwIfAborted();
    throw error;
  } finally {
    dog.stop();
    ender.abort();
  }
}

/** Reads one manifest from a path or an address. Throws `ConfigurationError` with every defect and its place. */
export async function loadManifest(source: string, fetcher: Fetcher, options: CatalogOptions = {}): Promise<Manifest> {
  const address = isAddress(source) ? readUrl(source, { base: null, allowHttp: options.allowHttp ?? false }) : null;
  if (address?.ok === false) throw refused(source, [{ path: '$', message: `its address ${address.reason}` }]);
  const text = isAddress(source)
    ? await textOfAddress(source, fetcher, options.stallMs ?? 30_000)
    : await textOfFile(source);
  // A server that sends back what it was trusted with would have it shown, and written down.
  if (fetcher.redact !== undefined && fetcher.redact(text) !== text) {
    throw refused(source, [{ path: '$', message: 'it holds a credential that was sent to its server' }]);
  }
  const rules = { base: isAddress(source) ? source : null, allowHttp: options.allowHttp ?? false };
  const reading = await (options.hub?.readManifest(text, rules, fetcher) ?? readManifest(text, rules));
  if (!reading.ok) throw refused(source, reading.defects);
  return reading.manifest;
}

/** Reads several manifests, but for those that are read already, and merges them. */
export async function loadCatalog(
  sources: readonly (string | Manifest)[],
  fetcher: Fetcher,
  options: CatalogOptions = {},
): Promise<Catalog> {
  const manifests: Manifest[] = [];
  for (const source of sources) {
    manifests.push(typeof source === 'string' ? await loadManifest(source, fetcher, options) : source);
  }
  const { catalog, defects } = Catalog.of(manifests, options.platform ?? process.platform);
  if (defects.length > 0)
    throw refused(
      sources.map((source) => (typeof source === 'string' ? named(source) : source.id)).join(', '),
      defects,
    );
  return catalog;
}
