import { type Pin, textOf } from '@lading/huggingface';
import type { Asset, Depot, DepotReader } from '@lading/runtime';
import { formatBytes } from '../bytes.js';
import { EXIT, exitCodeOf } from '../exit.js';
import { freeBytesAt } from '../free-space.js';
import { type Asked, pinLines, referencesOf } from '../hub.js';
import { demandKnown, owning, reading } from '../opening.js';
import { paint } from '../paint.js';
import { planLines, planRecord } from '../plan-text.js';
import type { Outcome, Session } from '../session.js';
import { Watch } from '../watch.js';
import { plural } from '../words.js';

/** Files of one core that are named one by one. */
const MOST_LINES = 6;

export interface Downloads {
  readonly ids: readonly string[];
  readonly tellsRetries?: boolean;
  readonly asked?: Asked;
  readonly pins?: readonly Pin[];
}

/** Brings everything that is asked for, all at once. */
export async function download(session: Session, ids: readonly string[]): Promise<Outcome> {
  const reader = await reading(session, ids, 'fetch');
  const { asked, pins } = reader;
  demandKnown(reader, session, asked.ids);
  reader.plan(...asked.ids);
  const work = async (depot: Depot) => await bring(session, depot, { ids: asked.ids, asked, pins });
  return await owning(session, reader, undefined, work);
}

/** What the catalog means by an id: the members of a bundle, a voice, or a core. */
export function subjectsOf(reader: DepotReader, ids: readonly string[]): readonly string[] {
  const { catalog } = reader;
  const subjects = ids.flatMap((id) => {
    const voices = catalog.wishesOf(id).map((voice) => voice.id);
    return voices.length > 0 ? voices : [catalog.resolveCore(id)?.id ?? id];
  });
  return [...new Set(subjects)];
}

/** Plans, downloads, shows, and tells where everything is. */
export async function bring(
  session: Session,
  depot: Depot,
  { ids, tellsRetries = false, asked, pins = [] }: Downloads,
): Promise<Outcome> {
  const { out, env } = session;
  const plan = depot.plan(...ids);
  const freeBytes = await freeBytesAt(session.settings.dir);
  out.record('plan', { ...planRecord(ids, plan, freeBytes), ...referencesOf(pins) });
  for (const line of [...planLines(ids, plan, freeBytes), ...pinLines(pins)]) out.note(line);

  const subjects = subjectsOf(depot, ids);
  const watch = new Watch(depot, out, { subjects, env, tellsRetries });
  stopsGracefully(session, depot, watch, subjects);
  const downloads = ids.map((id) => settled(depot.download(id)));
  // What is asked for now goes before what an earlier run left waiting; there may be nothing left to hurry.
  await Promise.all(ids.map((id) => settled(depot.prioritize(id))));
  const outcomes = await Promise.all(downloads);
  watch.end();

  let firstBad: number | null = null;
  let ready = 0;
  for (const [i, outcome] of outcomes.entries()) {
    const id = ids[i] ?? '';
    if ('value' in outcome) {
      ready += 1;
      tellReady(session, id, outcome.value, namedAs(asked, id));
    } else {
      const { code } = out.problem(outcome.error, 'failed', { id, ...namedAs(asked, id) });
      firstBad ??= exitCodeOf(code);
    }
  }
  return {
    exitCode: firstBad ?? EXIT.done,
    counts: { ready, failed: ids.length - ready, bytesToFetch: plan.bytesToFetch },
  };
}

type Settled<T> = { readonly value: T } | { readonly error: unknown };

const settled = <T>(promise: Promise<T>): Promise<Settled<T>> =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

/** The reference that an id was given as. */
function namedAs(asked: Asked | undefined, id: string): { readonly reference?: string } {
  const reference = asked?.references.get(id);
  return reference === undefined ? {} : { reference: textOf(reference) };
}

function tellReady({ out }: Session, id: string, asset: Asset, named: { readonly reference?: string }): void {
  const { paths, warnings } = asset;
  out.record('ready', { id, paths, warnings, ...named });
  out.result(`${paint('green', 'ready')} ${paint('bold', id)}`);
  for (const line of placeLines(asset)) out.result(`  ${line}`);
  for (const file of warnings)
    out.note(`${paint('yellow', 'note:')} only a weak digest, or its size, vouches for ${file}`);
}

/** Each file, or only the folder of a core that has many: an archive brings hundreds. */
function placeLines({ places, files }: Asset): readonly string[] {
  return places.flatMap(({ core }) => {
    const own = files.filter((file) => file.core === core);
    const [first] = own;
    if (first === undefined || own.length <= MOST_LINES) return own.map((file) => file.path);
    const folder = first.path.slice(0, first.path.length - first.filename.length);
    return [`${folder} (${plural(own.length, 'file')})`];
  });
}

/** A signal closes the depot, which neither pauses nor cancels anything: the next run goes on. */
function stopsGracefully(session: Session, depot: Depot, watch: Watch, subjects: readonly string[]): void {
  session.onStop(async () => {
    watch.end();
    await depot.close();
    const cores = new Set(subjects.flatMap((id) => [...depot.status(id).cores, id]));
    const states = [...cores].map((id) => depot.status(id)).filter((status) => status.kind === 'core');
    const bytesKept = states.reduce((sum, status) => sum + status.bytesDone, 0);
    session.out.note(`stopped; ${formatBytes(bytesKept)} kept, run the same command to go on`);
    return { bytesKept };
  });
}
