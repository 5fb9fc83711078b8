/** What the people in a script do: the commands of a depot. */
export type PersonAct =
  | { readonly do: 'download'; readonly id: string; readonly giveUpAfterMs: number | null }
  | { readonly do: 'pause' | 'resume' | 'cancel' | 'retry'; readonly id: string }
  | { readonly do: 'delete'; readonly id: string; readonly force: boolean }
  | { readonly do: 'prioritize'; readonly id: string; readonly priority: number }
  | { readonly do: 'verify' | 'repair'; readonly id: string }
  | { readonly do: 'clean' | 'reopen' | 'update' | 'rival' };

/** Where a redirect leads: to a host that has the same files, on and on, or out of encryption, where nobody follows. */
export type Way = 'elsewhere' | 'maze' | 'plainHttp';

/** What a server or a line can do wrong. */
export type Trouble =
  | { readonly trouble: 'drop' | 'cut' | 'stall'; readonly afterBytes: number }
  | { readonly trouble: 'silence' | 'refuse' | 'hangUp' | 'plainAnswer' | 'otherEtag' }
  | { readonly trouble: 'late'; readonly ms: number }
  | { readonly trouble: 'redirect'; readonly status: number; readonly way: Way }
  | { readonly trouble: 'status'; readonly status: number; readonly retryAfterSeconds: number | null }
  | { readonly trouble: 'wrongLength'; readonly bytes: number }
  | { readonly trouble: 'excess'; readonly bytes: number }
  | { readonly trouble: 'flip'; readonly atByte: number }
  | { readonly trouble: 'pace'; readonly chunkBytes: number; readonly chunkMs: number };

/** What the world does. */
export type WeatherAct =
  | { readonly do: 'network'; readonly url: string; readonly times: number; readonly trouble: Trouble }
  | { readonly do: 'replace'; readonly url: string; readonly lengthDelta: number }
  | {
      readonly do: 'disk';
      readonly action: 'read' | 'write' | 'sync' | 'rename' | 'remove' | 'make';
      readonly where: 'files' | 'journal';
      readonly code: string;
      readonly after: number;
    }
  | { readonly do: 'fill' | 'free' }
  | { readonly do: 'kill'; readonly afterSteps: number }
  | { readonly do: 'crash' }
  | { readonly do: 'powerCut'; readonly isLucky: boolean }
  | { readonly do: 'rot' | 'lose'; readonly core: string }
  | { readonly do: 'clock'; readonly backMs: number };

/** One line of a script: wait, then do. Plain data, so that a script can be stored, shrunk and told. */
export type Act = (PersonAct | WeatherAct) & { readonly afterMs: number };

const PERSONAL: ReadonlySet<Act['do']> = new Set([
  'download',
  'pause',
  'resume',
  'cancel',
  'retry',
  'delete',
  'prioritize',
  'verify',
  'repair',
  'clean',
  'reopen',
  'update',
  'rival',
]);

export const isPersonAct = (act: Act): act is PersonAct & { readonly afterMs: number } => PERSONAL.has(act.do);
