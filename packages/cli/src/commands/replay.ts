import { readFile } from 'node:fs/promises';
import { Catalog, coreStatus, type Status, voiceStatus } from '@lading/core';
import { CliError } from '../exit.js';
import { replayed } from '../journal-file.js';
import { paint } from '../paint.js';
import { DONE, type Outcome, type Session } from '../session.js';
import { phaseColour, statusWords } from '../words.js';
import { tellFrom } from './log.js';

/** Folds an exported history again: the timeline, then the state that it ends in. */
export async function replayFile({ out }: Session, file: string): Promise<Outcome> {
  const { records, state } = replayed(await textOf(file));
  tellFrom(out, records, 0);
  const catalog = Catalog.empty();
  const statuses: readonly Status[] = [
    ...[...state.voices.keys()].map((id) => voiceStatus(state, catalog, id)),
    ...[...state.cores.keys()].map((id) => coreStatus(state, catalog, id)),
  ];
  const last = records.at(-1)?.at ?? 0;
  for (const status of statuses) {
    out.record('status', status);
    out.result(`${status.id}: ${paint(phaseColour(status.phase), statusWords(status, last))}`);
  }
  out.result(`replayed ${state.position} events without a difference`);
  return { ...DONE, counts: { events: state.position, cores: state.cores.size, voices: state.voices.size } };
}

export async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CliError(
      `cannot read ${file}: ${(error as Error).message}`,
      'filePermissions',
      'Name a file that can be read.',
    );
  }
}
