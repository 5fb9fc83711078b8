import { errorOfFault, type Manifest, readJson } from '@lading/core';
import type { Pin } from '@lading/huggingface';
import { loadManifest } from '@lading/node';
import { CliError, EXIT, exitCodeOf, problemsOf } from '../exit.js';
import { hubOf, pinLines, referencesOf } from '../hub.js';
import { importPiper } from '../import-piper.js';
import { fetcherOf } from '../opening.js';
import { paint } from '../paint.js';
import type { Outcome, Session } from '../session.js';
import { plural } from '../words.js';
import { writeTo } from './log.js';
import { textOf } from './replay.js';

/** Says of each manifest what is wrong with it and where, or that nothing is. */
export async function check(session: Session, files: readonly string[]): Promise<Outcome> {
  const { out, settings } = session;
  const fetcher = fetcherOf(settings);
  let exitCode: number = EXIT.done;
  let defects = 0;
  try {
    for (const file of files) {
      try {
        const hub = hubOf(session, 'fetch', 'throw');
        const manifest = await loadManifest(file, fetcher, { ...settings, hub });
        demandAgreement(hub.pins);
        out.record('checked', { file, ...countsOf(manifest), ...referencesOf(hub.pins) });
        out.result(`${paint('green', 'ok')}  ${file}: ${wordsOf(manifest)}`);
        for (const line of pinLines(hub.pins)) out.note(line);
      } catch (error) {
        const problems = problemsOf(error);
        defects += problems.length;
        if (out.isJson) out.problem(error, 'error', { file });
        else
          for (const { path, message } of problems)
            out.result(`${paint('red', 'bad')} ${file}: ${path === undefined ? '' : `${path}: `}${message}`);
        if (exitCode === EXIT.done) exitCode = exitCodeOf(problems[0].code);
      }
    }
  } finally {
    await fetcher.close();
  }
  return { exitCode, counts: { files: files.length, defects } };
}

/** What the hub has must be what the manifest says of it; that it could not be asked is no defect of the manifest. */
function demandAgreement(pins: readonly Pin[]): void {
  const wrong = pins.find(({ fault }) => fault?.type === 'upstreamChanged' || fault?.type === 'notFound')?.fault;
  if (wrong !== undefined && wrong !== null) throw errorOfFault(wrong, 'the catalog');
}

const countsOf = ({ id, revision, cores, voices, bundles }: Manifest) => ({
  id,
  revision,
  cores: cores.length,
  voices: voices.length,
  bundles: bundles.length,
});

function wordsOf({ cores, voices, bundles }: Manifest): string {
  const files = cores.reduce((sum, core) => sum + core.files.length, 0);
  const parts = [plural(cores.length, 'core'), plural(files, 'file'), plural(voices.length, 'entry', 'entries')];
  return [...parts, ...(bundles.length > 0 ? [plural(bundles.length, 'bundle')] : [])].join(', ');
}

/** Converts a publisher's catalog. Its own reader names repeated keys and what else JSON lets pass. */
export async function importCatalog({ out }: Session, file: string, flags: { readonly out: string }): Promise<Outcome> {
  const text = await textOf(file);
  const manifest = importPiper(strictJson(text, file), { lastUpdated: new Date().toISOString().slice(0, 10) });
  await writeTo(flags.out, `${JSON.stringify(manifest, null, 2)}\n`);
  out.record('imported', { file: flags.out, cores: manifest.cores.length, voices: manifest.voices.length });
  out.result(`${plural(manifest.voices.length, 'voice')} written to ${flags.out}`);
  return { exitCode: EXIT.done, counts: { voices: manifest.voices.length } };
}

/** Strictly read: a repeated key is a defect here, and not the last value. */
function strictJson(text: string, file: string): unknown {
  const reading = readJson(text);
  if (reading.ok) return reading.value;
  const places = reading.defects.map(({ path, message }) => `${path}: ${message}`);
  throw new CliError(
    `${file} is refused: ${places.join('; ')}`,
    'manifestError',
    'Correct the file at the places named.',
    {
      path: reading.defects[0]?.path ?? '$',
    },
  );
}
