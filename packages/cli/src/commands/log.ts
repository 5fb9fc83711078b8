import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Catalog } from '@lading/core';
import { readDepot } from '@lading/node';
import type { JournalRecord } from '@lading/runtime';
import { CliError } from '../exit.js';
import { exported } from '../journal-file.js';
import type { Output } from '../output.js';
import { paint } from '../paint.js';
import { oneLine } from '../printable.js';
import { DONE, type Outcome, type Session } from '../session.js';
import { eventColour, eventWords, timeWords } from '../timeline.js';
import { plural } from '../words.js';

/** How often a follower looks, milliseconds. */
const POLL_MS = 250;

/** Tells what happened; with `--export` writes it instead. A history needs no catalog. */
export async function log(
  session: Session,
  flags: { readonly follow?: boolean; readonly export?: string },
): Promise<Outcome> {
  const { out, settings } = session;
  const reader = await readDepot({ ...settings, catalog: Catalog.empty() });
  // Taken before the reading: what is written meanwhile then shows as a change.
  let seen = await signatureOf(settings.dir);
  if (flags.export !== undefined) {
    const image = await reader.archive();
    await writeTo(flags.export, await exported(image, settings));
    const records = image.records.length;
    out.note(`${plural(records, 'record')} written to ${flags.export}`);
    return { ...DONE, counts: { records, file: flags.export } };
  }
  let position = tellFrom(out, await reader.history(), 0);
  while (flags.follow === true) {
    await sleep(POLL_MS);
    const now = await signatureOf(settings.dir);
    if (now === seen) continue;
    seen = now;
    position = tellFrom(out, await reader.history(), position);
  }
  return { ...DONE, counts: { events: position } };
}

/** Tells the events from a position on, and gives the position they end at. */
function tellFrom(out: Output, records: readonly JournalRecord[], from: number): number {
  let position = from;
  for (const record of records) {
    for (const [i, event] of record.events.entries()) {
      const at = record.from + i + 1;
      if (at <= position) continue;
      position = at;
      out.record('event', { position: at, at: record.at, epoch: record.epoch, event });
      if (out.isJson) continue;
      const colour = eventColour(event);
      const words = oneLine(eventWords(event, record.at));
      out.result(
        `${paint('dim', `${timeWords(record.at)} ${String(at).padStart(6)}`)}  ${colour === null ? words : paint(colour, words)}`,
      );
    }
  }
  return position;
}

/** Changes whenever something was written. */
async function signatureOf(dir: string): Promise<string> {
  const journal = join(dir, 'journal');
  const names = await readdir(journal).catch(() => []);
  const sizes = await Promise.all(
    names.sort().map((name) =>
      stat(join(journal, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return names.map((name, i) => `${name} ${sizes[i]}`).join();
}

/** Throws `CliError` naming the file. */
export async function writeTo(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new CliError(
      `cannot write ${file}: ${(error as Error).message}`,
      'filePermissions',
      'Name a file that can be written.',
    );
  }
}
