import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { HttpFetcher } from '@lading/node';
import {
  type JournalImage,
  type PortableJournal,
  PortableJournalDamaged,
  readPortableJournal,
  writePortableJournal,
} from '@lading/runtime';
import { CliError } from './exit.js';
import type { Settings } from './options.js';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A folder by all its names: a home or a depot is often a link. */
async function namesOf(folder: string): Promise<readonly string[]> {
  const names = new Set([folder, await realpath(folder).catch(() => folder)]);
  return [...names].filter((name) => name.length > 1).sort((a, b) => b.length - a.length);
}

/** The text of `lading log --export`: a history without secrets and without the places of this machine. */
export async function exported(image: JournalImage, { dir, headers = {} }: Settings): Promise<string> {
  const [homes, dirs] = await Promise.all([namesOf(homedir()), namesOf(dir)]);
  const { redact } = new HttpFetcher({ headers });
  return writePortableJournal(image, { homes, dirs, redact }, sha256);
}

/** A history that cannot be replayed, and why. */
export const notReplayable = (why: string): CliError =>
  new CliError(
    `the history does not replay: ${why}`,
    'notReplayable',
    'Export it again with `lading log --export FILE`.',
  );

/** Reads an exported history. Throws an error naming the line if it is foreign, cut or changed. */
export function imported(text: string): PortableJournal {
  try {
    return readPortableJournal(text);
  } catch (error) {
    throw error instanceof PortableJournalDamaged ? notReplayable(error.message) : error;
  }
}
