// Writes the catalogs of this folder from `sources/`. Run from the workspace root, after an install:
//
//   node manifests/generate.mjs            writes them
//   node manifests/generate.mjs --check    writes nothing; exits 1 and names the catalogs that would change
//
// The same sources give the same bytes: no clock, no network, no order that depends on the machine.
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { assistant } from './generate/assistant.mjs';
import { kokoro } from './generate/kokoro.mjs';
import { language } from './generate/language.mjs';
import { layOut } from './generate/layout.mjs';
import { piper } from './generate/piper.mjs';
import { speech } from './generate/speech.mjs';
import { supertonic } from './generate/supertonic.mjs';

/** The text of each catalog by its file name. */
export const catalogs = new Map(
  [kokoro, piper, supertonic, speech, language, assistant].map((manifest) => [`${manifest.id}.json`, layOut(manifest)]),
);

function textOf(name) {
  try {
    return readFileSync(new URL(name, import.meta.url), 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

function main(options) {
  const isCheck = options[0] === '--check';
  if (options.length > 1 || (options.length === 1 && !isCheck)) throw new Error('usage: generate.mjs [--check]');
  const changed = [...catalogs].filter(([name, text]) => textOf(name) !== text);
  for (const [name, text] of changed) {
    if (!isCheck) writeFileSync(new URL(name, import.meta.url), text);
    console.log(`${name} ${isCheck ? 'would change' : 'written'}`);
  }
  console.log(`${catalogs.size - changed.length} of ${catalogs.size} catalogs are unchanged`);
  if (isCheck && changed.length > 0) process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv.slice(2));
