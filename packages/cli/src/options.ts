import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NodeOptions } from '@lading/node';
import envPaths from 'env-paths';
import { parseBytes } from './bytes.js';
import { UsageError } from './exit.js';
import { readHeaders } from './headers.js';

/** The options that every command takes, as the parser gives them. */
export interface GlobalFlags {
  readonly dir?: string;
  readonly catalog?: readonly string[];
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly concurrency?: string;
  readonly limitRate?: string;
  readonly allowHttp?: boolean;
  readonly wait?: boolean;
  readonly color?: boolean;
  readonly platform?: string;
}

/** What a depot is opened with; the catalog is still a list of places. */
export type Settings = NodeOptions & { readonly catalog: readonly string[] };

const DEFAULT_CATALOGS = ['kokoro', 'piper', 'supertonic', 'speech', 'language', 'assistant'];
/** More at once than any server or disk is glad about. */
const MAX_CONCURRENCY = 64;
/** The longest that a timer of Node can wait. */
const MAX_MS = 2 ** 31 - 1;

/** Beside the bundle, where the build puts the catalogs; run from its source, in the workspace. */
export function defaultCatalogs(): readonly string[] {
  for (const folder of ['./manifests/', '../../../manifests/']) {
    const paths = DEFAULT_CATALOGS.map((name) => fileURLToPath(new URL(`${folder}${name}.json`, import.meta.url)));
    const found = paths.filter((path) => existsSync(path));
    if (found.length > 0) return found;
  }
  return [];
}

/** Throws `UsageError` if the text is no whole number of the range; empty counts as not given. */
function wholeNumber(name: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined || text === '') return undefined;
  const value = /^\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(
    `${name} must be a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`,
    `Correct ${name}, or leave it out.`,
  );
}

function rateOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const bytes = parseBytes(text);
  if (bytes !== null) return bytes;
  throw new UsageError(
    `--limit-rate must be bytes a second such as 500k, 2M or 8MiB, not ${JSON.stringify(text)}`,
    'Suffixes are k, M, G (decimal) and KiB, MiB, GiB (binary).',
  );
}

function catalogsOf(flags: GlobalFlags, env: NodeJS.ProcessEnv): readonly string[] {
  if (flags.catalog !== undefined && flags.catalog.length > 0) return flags.catalog;
  const named = (env['LADING_CATALOG'] ?? '').split(/\s+/).filter((source) => source !== '');
  // One path may hold spaces; several are told apart by them.
  const whole = env['LADING_CATALOG']?.trim();
  if (whole !== undefined && named.length > 1 && existsSync(whole)) return [whole];
  return named.length > 0 ? named : defaultCatalogs();
}

/** The directory of the depot, absolute. */
export function directoryOf(flags: GlobalFlags, env: NodeJS.ProcessEnv): string {
  if (flags.dir === '') throw new UsageError('--dir is empty', 'Name a directory, or leave the option out.');
  return resolve(flags.dir ?? (env['LADING_DIR'] || envPaths('lading', { suffix: '' }).data));
}

/** Options and environment as one; options win. Throws `UsageError` naming what cannot be right. */
export function readSettings(flags: GlobalFlags, env: NodeJS.ProcessEnv): Settings {
  const concurrency = wholeNumber('--concurrency', flags.concurrency, 1, MAX_CONCURRENCY);
  const limit = rateOf(flags.limitRate);
  const stallMs = wholeNumber('LADING_STALL_TIMEOUT_MS', env['LADING_STALL_TIMEOUT_MS'], 1, MAX_MS);
  const retryBaseMs = wholeNumber('LADING_RETRY_BASE_MS', env['LADING_RETRY_BASE_MS'], 0, MAX_MS);
  return {
    dir: directoryOf(flags, env),
    catalog: catalogsOf(flags, env),
    headers: readHeaders(env),
    allowHttp: flags.allowHttp ?? false,
    ...(flags.platform === undefined ? {} : { platform: flags.platform }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(limit === undefined ? {} : { limitBytesPerSecond: limit }),
    ...(stallMs === undefined ? {} : { stallMs }),
    ...(retryBaseMs === undefined ? {} : { retryBaseMs }),
  };
}
