import { exitCodeOf, exitCodeOfSignal } from './exit.js';
import type { GlobalFlags, Settings } from './options.js';
import type { Output } from './output.js';

/** How a command ended. */
export interface Outcome {
  readonly exitCode: number;
  /** What the last record tells besides. */
  readonly counts?: Readonly<Record<string, unknown>>;
}

export const DONE: Outcome = { exitCode: 0 };

/** What a command works with. */
export interface Session {
  readonly settings: Settings;
  readonly flags: GlobalFlags;
  readonly env: NodeJS.ProcessEnv;
  readonly out: Output;
  /** Called once when a signal comes, before the process ends; what it returns goes into the last record. */
  onStop(stop: () => Promise<Readonly<Record<string, unknown>> | undefined>): void;
}

type Stop = Parameters<Session['onStop']>[0];

/** A process that was told to stop does so, whatever a disk does; milliseconds. */
const STOP_MS = 10_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const within = async (work: Promise<unknown>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise((resolve) => (timer = setTimeout(resolve, STOP_MS)))]);
  clearTimeout(timer);
};

/** Runs stops in the reverse order of their registration and gathers what they have to tell. */
async function stopped(stops: readonly Stop[]): Promise<object> {
  const told: object[] = [];
  const all = async () => {
    for (const stop of stops.toReversed()) told.push((await stop().catch(() => undefined)) ?? {});
  };
  await within(all());
  return Object.assign({}, ...told) as object;
}

/**
 * Runs one command to its end, whichever it is: done, an error, or a signal. The first signal lets it stop properly, the second ends the
 * process at once. Writes the last record and gives the exit code.
 */
export async function conduct(out: Output, work: (onStop: Session['onStop']) => Promise<Outcome>): Promise<number> {
  const stops: Stop[] = [];
  let signalled: (signal: string) => void = () => undefined;
  const signal = new Promise<string>((resolve) => (signalled = resolve));
  let isStopping = false;
  const onSignal = (name: string) => {
    if (isStopping) {
      out.end(exitCodeOfSignal(name), { signal: name });
      process.exit(exitCodeOfSignal(name));
    }
    isStopping = true;
    signalled(name);
  };
  for (const name of SIGNALS) process.on(name, onSignal);

  const finished = work((stop) => stops.push(stop)).then(
    (outcome) => ({ outcome }),
    (error: unknown) => ({ error }),
  );
  const first = await Promise.race([finished, signal]);
  if (typeof first === 'string') {
    const told = await stopped(stops);
    out.end(exitCodeOfSignal(first), { signal: first, ...told });
    return exitCodeOfSignal(first);
  }
  if ('outcome' in first) {
    out.end(first.outcome.exitCode, first.outcome.counts ?? {});
    return first.outcome.exitCode;
  }
  const { code } = out.problem(first.error);
  out.end(exitCodeOf(code), { code });
  return exitCodeOf(code);
}
