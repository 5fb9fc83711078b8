import { readFileSync } from 'node:fs';
import { Argument, Command, CommanderError } from 'commander';
import { EXIT, UsageError } from './exit.js';
import type { GlobalFlags } from './options.js';
import { Output } from './output.js';
import { mayColour } from './paint.js';
import { conduct, type Outcome, type Session } from './session.js';

/**
 * Every command and option, declared. What a command does is loaded when it is run, so that help and mistakes answer at once.
 */
type Work = (session: Session) => Promise<Outcome>;

/** What the parser found: a command to run, or a text to show. */
type Parsed =
  | { readonly work: Work; readonly flags: GlobalFlags }
  | { readonly text: string; readonly error: Error | null };

const collected = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

const version = (): string => {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
};

function examples(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ lading ${line}`).join('\n')}`);
}

const WHAT = 'ids of the catalog, or files of the Hugging Face hub: hf://owner/repo@revision/path';

/** The parser, telling `chosen` which command it is. */
export function programOf(chosen: (work: Work) => void): Command {
  const program = new Command('lading')
    .description('Downloads, proves, installs and deletes on-device AI: voices, speech, language and embedding models.')
    .version(version(), '-V, --version')
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .option('--dir <dir>', 'the depot: where assets are kept (LADING_DIR)')
    .option('--catalog <file|url>', 'a manifest; may be given several times (LADING_CATALOG)', collected)
    .option('--json', 'one JSON record a line on stdout, and nothing else')
    .option('--quiet', 'no progress and no notes')
    .option('--concurrency <n>', 'cores in work at once')
    .option('--limit-rate <bytes>', 'bytes a second for all transfers together, such as 2M or 512KiB')
    .option('--wait', 'wait while another process uses the depot')
    .option('--allow-http', 'allow http: to hosts other than this machine')
    .option('--no-color', 'no colour (NO_COLOR)')
    .option('--platform <name>', 'choose variants for this platform');
  examples(program, 'demo', 'list', 'download kokoro_af_heart', 'path kokoro_af_heart');

  const add = (parent: Command, name: string, description: string, ...lines: readonly string[]): Command =>
    examples(parent.command(name).description(description), ...lines);
  const top = (name: string, description: string, ...lines: readonly string[]) =>
    add(program, name, description, ...lines);

  top(
    'download',
    'bring voices, models, bundles or cores, and prove them',
    'download kokoro_af_heart',
    'download piper_en_US-amy-low --dir ./assets',
    'download hf://owner/repo@main/model.onnx',
  )
    .alias('pull')
    .argument('<id...>', WHAT)
    .action((ids: string[]) => chosen(async (s) => (await import('./commands/download.js')).download(s, ids)));
  top('plan', 'say what a download would fetch, and what is here', 'plan kokoro_af_heart kokoro_am_adam')
    .argument('<id...>', WHAT)
    .action((ids: string[]) => chosen(async (s) => (await import('./commands/plan.js')).plan(s, ids)));
  top('list', 'everything that there is, by engine', 'list', 'list --catalog my-catalog.json')
    .alias('ls')
    .action(() => chosen(async (s) => (await import('./commands/list.js')).list(s)));
  top('status', 'what is going on with one asset, or with all that are here', 'status', 'status kokoro_af_heart --json')
    .argument('[id]')
    .action((id?: string) => chosen(async (s) => (await import('./commands/status.js')).status(s, id)));
  top('path', 'where the files of a ready asset are', 'path kokoro_af_heart', 'path kokoro_af_heart kokoro-v1.0.onnx')
    .argument('<id>')
    .argument('[file]')
    .action((id: string, file?: string) => chosen(async (s) => (await import('./commands/path.js')).path(s, id, file)));
  top(
    'delete',
    'delete assets, and the cores that nobody else needs',
    'delete kokoro_af_heart',
    'delete kokoro_model_v1 --force',
  )
    .alias('rm')
    .argument('<id...>')
    .option('--force', 'also a core that voices use; they become unavailable')
    .action((ids: string[], flags: { force?: boolean }) =>
      chosen(async (s) => (await import('./commands/remove.js')).remove(s, ids, flags)),
    );
  top('cancel', 'give up downloads and what only they had brought', 'cancel kokoro_af_heart')
    .argument('<id...>')
    .action((ids: string[]) => chosen(async (s) => (await import('./commands/remove.js')).cancel(s, ids)));
  top(
    'verify',
    'read installed files again and compare them with their digests',
    'verify',
    'verify kokoro_af_heart --repair',
  )
    .argument('[id...]')
    .option('--repair', 'fetch what is damaged anew, file by file')
    .action((ids: string[], flags: { repair?: boolean }) =>
      chosen(async (s) => (await import('./commands/verify.js')).verify(s, ids, flags)),
    );
  top(
    'import',
    'take files that are on this machine already, prove them and install them',
    'import kokoro_af_heart ~/Downloads/kokoro-v1.0.onnx',
    'import kokoro_af_heart /media/stick/kokoro',
    'import kokoro.tar',
  )
    .usage('[id] <file...> [options]')
    .argument(
      '<what...>',
      'an id, then files or folders; or what `lading export` wrote, which says itself what it is for',
    )
    .action((words: string[]) => chosen(async (s) => (await import('./commands/import.js')).importInto(s, words)));
  top(
    'export',
    'write what is installed as one archive that `lading import` takes on another machine',
    'export kokoro_af_heart --out kokoro.tar',
  )
    .argument('<id...>')
    .requiredOption('--out <file>', 'where the archive goes')
    .action((ids: string[], flags: { out: string }) =>
      chosen(async (s) => (await import('./commands/export.js')).exportFrom(s, ids, flags)),
    );
  top('clean', 'remove leftovers that belong to nothing', 'clean').action(() =>
    chosen(async (s) => (await import('./commands/remove.js')).clean(s)),
  );
  top('usage', 'disk space by core', 'usage').action(() =>
    chosen(async (s) => (await import('./commands/usage.js')).usage(s)),
  );
  top('updates', 'what is here of which the catalog has another version', 'updates').action(() =>
    chosen(async (s) => (await import('./commands/updates.js')).updates(s)),
  );
  top('log', 'what happened in the depot, in order', 'log', 'log --follow', 'log --export history.jsonl')
    .option('--follow', 'go on as things happen')
    .option('--export <file>', 'write a file that `lading replay` reads, on any machine')
    .action((flags: { follow?: boolean; export?: string }) =>
      chosen(async (s) => (await import('./commands/log.js')).log(s, flags)),
    );
  top(
    'replay',
    'tell an exported history moment by moment, and hold the laws against it',
    'replay history.jsonl',
    'replay history.jsonl --at 40',
    'replay - < history.jsonl',
  )
    .argument('<file>', 'what `lading log --export` wrote; - reads it from stdin')
    .option('--at <n>', 'stop after so many events, and show the state then')
    .action((file: string, flags: { at?: string }) =>
      chosen(async (s) => (await import('./commands/replay.js')).replayFile(s, file, flags)),
    );
  const catalog = top(
    'catalog',
    'check and make catalogs',
    'catalog check my-catalog.json',
    'catalog import piper voices.json --out piper.json',
  );
  add(catalog, 'check', 'name every defect of manifests with its place', 'catalog check my-catalog.json')
    .argument('<file...>')
    .action((files: string[]) => chosen(async (s) => (await import('./commands/catalog.js')).check(s, files)));
  add(catalog, 'import', "turn a publisher's catalog into ours", 'catalog import piper voices.json --out piper.json')
    .addArgument(new Argument('<publisher>').choices(['piper']))
    .argument('<file>')
    .requiredOption('--out <file>', 'where the manifest goes')
    .action((_: string, file: string, flags: { out: string }) =>
      chosen(async (s) => (await import('./commands/catalog.js')).importCatalog(s, file, flags)),
    );
  top(
    'completion',
    'a script that completes commands, options and ids',
    'completion bash > ~/.local/share/bash-completion/completions/lading',
  )
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action((shell: 'bash' | 'zsh' | 'fish') =>
      chosen(async (s) => (await import('./commands/completion.js')).completion(s, shell)),
    );
  top('demo', 'see a download break, go on and be proven, without any network', 'demo', 'demo --dir ./demo').action(
    () => chosen(async (s) => (await import('./commands/demo.js')).demo(s)),
  );
  program
    .command('__complete', { hidden: true })
    .argument('[word...]')
    .allowUnknownOption()
    .action((words: string[]) =>
      chosen(async (s) => (await import('./commands/completion.js')).complete(s, program, words)),
    );
  return program;
}

/** Reads the arguments without printing or exiting. */
function parse(argv: readonly string[]): Parsed {
  let work: Work | null = null;
  let text = '';
  const program = programOf((it) => {
    work = it;
  });
  const silence = (command: Command) => {
    command.configureOutput({ writeOut: (said) => (text += said), writeErr: (said) => (text += said) });
    for (const child of command.commands) silence(child);
  };
  silence(program);
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { text, error: error.exitCode === 0 ? null : usageOf(error) };
  }
  return work === null ? { text, error: null } : { work, flags: program.opts<GlobalFlags>() };
}

/** Commander's message is `error: what`, and on the next line what may have been meant. */
function usageOf(error: CommanderError): UsageError {
  if (error.code === 'commander.help') return new UsageError('no command was given');
  const [what = '', ...hints] = error.message.replace(/^error: /, '').split('\n');
  const hint = hints.join(' ').trim();
  return hint === '' ? new UsageError(what) : new UsageError(what, hint.replace(/^\((.*)\)$/, '$1'));
}

/** Runs the command line and gives the exit code. */
export async function run(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  // A mistake among the options is told in the form that was asked for, too.
  const end = argv.indexOf('--');
  const isJson = argv.slice(0, end === -1 ? argv.length : end).includes('--json');
  const parsed = parse(argv);
  const flags: GlobalFlags = 'flags' in parsed ? parsed.flags : {};
  const isQuiet = flags.quiet ?? false;
  const out = new Output({ isJson, isQuiet, mayColour: mayColour(flags, env) && !argv.includes('--no-color') });
  process.stdout.on('error', leaveOnClosedPipe);
  process.stderr.on('error', leaveOnClosedPipe);
  for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, (error) => leaveOnBug(out, error));
  // Before the end is reached, something is always waited for.
  process.once('beforeExit', () => leaveOnBug(out, new Error('nothing is left to wait for')));
  const exitCode = await conduct(out, async (onStop) => {
    if ('work' in parsed) {
      const { readSettings } = await import('./options.js');
      return await parsed.work({ settings: readSettings(flags, env), flags, env, out, onStop });
    }
    if (parsed.error === null) return shown(out, parsed.text);
    if (parsed.error.message === 'no command was given' && !isJson) {
      process.stderr.write(parsed.text);
      return { exitCode: EXIT.usage };
    }
    throw parsed.error;
  });
  await out.flush();
  return exitCode;
}

/** Help and version; with `--json` stdout belongs to records, so they go to stderr. */
function shown(out: Output, text: string): Outcome {
  if (out.isJson) process.stderr.write(text);
  else process.stdout.write(text);
  return { exitCode: EXIT.done };
}

/** Whoever read our output has gone: nobody is left to tell. */
function leaveOnClosedPipe(error: NodeJS.ErrnoException): void {
  process.exit(error.code === 'EPIPE' ? EXIT.pipe : EXIT.failed);
}

/** A mistake of ours still ends as the contract says: one error, one result. */
function leaveOnBug(out: Output, error: unknown): void {
  out.problem(error);
  out.end(EXIT.failed, { code: 'unknown' });
  process.exit(EXIT.failed);
}
