import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fingerprintOf, type Manifest } from '@lading/core';
import { defaultCatalogs } from './options.js';

/** What the build read of a catalog, and the text that it read. */
interface Reading {
  readonly of: string;
  readonly manifest: Manifest;
}

/**
 * A catalog that comes with the command, as it was read and found good when the command was built: reading it again would be most of what `lading
 * list` costs. Null for every other catalog, and for one whose text is no longer the one that was read: those are read with all care.
 */
export async function builtIn(source: string): Promise<Manifest | null> {
  if (!defaultCatalogs().includes(source)) return null;
  try {
    const [text, reading] = await Promise.all([readFile(source, 'utf8'), readFile(readingOf(source), 'utf8')]);
    const { of, manifest } = JSON.parse(reading) as Reading;
    return of === fingerprintOf(text) ? manifest : null;
  } catch {
    // Run from its source there is no reading; and whatever is wrong with the catalog, who reads it says so.
    return null;
  }
}

/** Where the build puts it. */
const readingOf = (source: string): string => join(dirname(source), 'read', basename(source));
