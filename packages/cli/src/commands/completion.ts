import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { DONE, type Outcome, type Session } from '../session.js';
import { SCRIPTS } from '../shell-scripts.js';

/** A script that a shell sources; it asks `lading __complete` for the words that may come next. */
export async function completion({ out }: Session, shell: keyof typeof SCRIPTS): Promise<Outcome> {
  out.record('completion', { shell, script: SCRIPTS[shell] });
  out.result(SCRIPTS[shell].trimEnd());
  return DONE;
}

const TAKE_IDS: ReadonlySet<string> = new Set([
  'download',
  'plan',
  'status',
  'path',
  'delete',
  'cancel',
  'verify',
  'import',
  'export',
]);

/** The words that may stand where the last one is being written, one a line. */
export async function complete(
  { out, settings }: Session,
  program: Command,
  words: readonly string[],
): Promise<Outcome> {
  const begun = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  let command = program;
  for (const word of before) {
    command = command.commands.find((each) => each.name() === word || each.aliases().includes(word)) ?? command;
  }
  const candidates = begun.startsWith('-')
    ? [...command.options, ...program.options].flatMap(({ long }) => long ?? [])
    : [...wordsOf(command), ...(TAKE_IDS.has(command.name()) ? await idsOf(settings.catalog) : [])];
  for (const word of new Set(candidates)) if (word.startsWith(begun)) out.result(word);
  return DONE;
}

/** What the command's own declaration names: its commands, or the choices of its first argument. */
function wordsOf(command: Command): readonly string[] {
  const children = command.commands.map((each) => each.name()).filter((name) => !name.startsWith('_'));
  return [...children, ...(command.registeredArguments[0]?.argChoices ?? [])];
}

interface Named {
  readonly voices?: readonly { readonly id?: unknown }[];
  readonly bundles?: readonly { readonly id?: unknown }[];
  readonly cores?: readonly { readonly id?: unknown }[];
}

/** Ids of the catalogs that are files, unproven: a shell waits for this. */
async function idsOf(sources: readonly string[]): Promise<readonly string[]> {
  const named = await Promise.all(
    sources.map(async (source): Promise<Named> => {
      try {
        return JSON.parse(await readFile(source, 'utf8')) as Named;
      } catch {
        return {};
      }
    }),
  );
  const all = named.flatMap(({ voices, bundles, cores }) =>
    [voices, bundles, cores].flatMap((list) => (Array.isArray(list) ? list : [])),
  );
  return all.flatMap(({ id }) => (typeof id === 'string' && /^[\w.+@=-]+$/.test(id) ? [id] : []));
}
