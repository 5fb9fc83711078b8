import { LadingError, type Manifest } from '@lading/core';
import {
  coreIdOf,
  HuggingFace,
  isReference,
  type Pin,
  type Reference,
  readHubEnvironment,
  readReference,
  referenceOfCore,
  textOf,
} from '@lading/huggingface';
import { type HttpFetcher, localFiles, systemClock } from '@lading/node';
import { UsageError } from './exit.js';
import { paint } from './paint.js';
import type { Session } from './session.js';
import { waitWords } from './words.js';

/** A command that only looks does not wait long for a hub that it can do without; milliseconds. */
const LOOK_STALL_MS = 5_000;

/** What a command wants of the hub: to look goes on without it; to fetch, and to tell what is new, needs its answer. */
export type Want = 'look' | 'fetch' | 'update';

/** What was asked for: ids, and the references that some of them were given as. */
export interface Asked {
  readonly ids: readonly string[];
  readonly references: ReadonlyMap<string, Reference>;
}

/** Ids as they are, and references as the ids of their cores. Throws `UsageError` for a reference that cannot be read. */
export function askedBy(words: readonly string[]): Asked {
  const references = new Map<string, Reference>();
  const ids = words.map((word) => {
    const reference = isReference(word) ? referenceIn(word) : referenceOfCore(word);
    if (reference === null) return word;
    const id = coreIdOf(reference);
    references.set(id, reference);
    return id;
  });
  return { ids: [...new Set(ids)], references };
}

function referenceIn(word: string): Reference {
  const reading = readReference(word);
  if (reading.ok) return reading.reference;
  throw new UsageError(`${JSON.stringify(word)} ${reading.reason}`, 'For example hf://owner/repo@main/model.onnx.');
}

/** The hub as the environment names it. What it cannot tell is left out of the catalog, or is an error if it must be whole. */
export function hubOf(
  { settings, env, out }: Session,
  want: Want,
  unresolved: 'throw' | 'leaveOut' = 'leaveOut',
): HuggingFace {
  const { endpoint, cacheDir } = readHubEnvironment(env);
  const stallMs = want === 'look' ? Math.min(LOOK_STALL_MS, settings.stallMs ?? LOOK_STALL_MS) : settings.stallMs;
  return new HuggingFace({
    clock: systemClock,
    endpoint,
    unresolved,
    onWait: (fault, delayMs) => {
      out.record('waiting', { code: fault.type, message: fault.message, delayMs });
      out.note(paint('dim', `asking again in ${waitWords(delayMs)}: ${fault.message}`));
    },
    ...(stallMs === undefined ? {} : { stallMs }),
    ...(want === 'look' ? { attempts: 1 } : {}),
    ...(settings.retryBaseMs === undefined ? {} : { retryBaseMs: settings.retryBaseMs }),
    ...(cacheDir === null ? {} : { cache: { dir: cacheDir, files: localFiles } }),
  });
}

/** The manifest of files that were asked for by reference: each is a core of its own. */
export async function manifestOf(
  references: ReadonlyMap<string, Reference>,
  hub: HuggingFace,
  fetcher: HttpFetcher,
  allowHttp: boolean,
): Promise<Manifest> {
  const cores = [...references].map(([id, reference]) => ({
    id,
    displayName: textOf(reference),
    files: [{ filename: reference.path.slice(reference.path.lastIndexOf('/') + 1), url: textOf(reference) }],
  }));
  const text = JSON.stringify({ version: 3, id: 'hf', cores });
  const reading = await hub.readManifest(text, { base: null, allowHttp }, fetcher);
  if (reading.ok) return reading.manifest;
  const why = reading.defects.map(({ message }) => message).join('; ');
  throw new LadingError(`what was asked for by reference cannot be kept: ${why}`, {
    code: 'manifestError',
    remedy: 'Name such a file in a catalog, with an id and a file name of your own.',
  });
}

/** What the references came to, for records. */
export function referencesOf(pins: readonly Pin[]): object {
  if (pins.length === 0) return {};
  const references = pins.map(({ reference, url, commit, fault }) => ({
    reference,
    url,
    commit,
    ...(fault === null ? {} : { code: fault.type, message: fault.message }),
  }));
  return { references };
}

/** The same for people: what is pinned is said shortly, what is not with its reason. */
export function pinLines(pins: readonly Pin[]): readonly string[] {
  return pins.map(({ reference, commit, fault }) => {
    const place = commit === null ? 'not pinned to a commit' : `commit ${commit.slice(0, 12)}`;
    const why = fault === null ? '' : `: ${fault.message}`;
    return fault === null && commit !== null
      ? paint('dim', `  ${reference}: ${place}`)
      : `  ${paint('yellow', 'note:')} ${reference}: ${place}${why}`;
  });
}
