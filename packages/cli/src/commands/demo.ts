import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DemoOrigin, startDemoOrigin } from '../demo-origin.js';
import { EXIT } from '../exit.js';
import { demandKnown, owning, reading } from '../opening.js';
import { paint } from '../paint.js';
import type { Outcome, Session } from '../session.js';
import { bring } from './download.js';

/** Slow enough to be seen, fast enough not to be waited for. */
const BYTES_PER_SECOND = 12_000_000;
/** The first wait after the connection breaks; the usual second would be a second of nothing. */
const RETRY_BASE_MS = 500;

interface Act {
  readonly id: string;
  readonly title: string;
}

const ACTS: readonly Act[] = [
  { id: 'demo_aria', title: 'Aria needs three cores. They come at once; one connection will break on the way.' },
  { id: 'demo_basil', title: 'Basil is another voice of the same cores: nothing is left to fetch.' },
  { id: 'demo_cleo', title: 'Cleo is a voice of its own and shares nothing.' },
];

/** Shows what Lading does, against a server of its own on this machine. */
export async function demo(session: Session): Promise<Outcome> {
  const origin = await startDemoOrigin({ bytesPerSecond: BYTES_PER_SECOND, dropOnce: true });
  session.onStop(() => origin.close().then(() => undefined));
  try {
    return await play(session, origin);
  } finally {
    await origin.close();
  }
}

async function play(session: Session, origin: DemoOrigin): Promise<Outcome> {
  const { out, settings, flags, env } = session;
  const isOwnDir = flags.dir !== undefined || Boolean(env['LADING_DIR']);
  const dir = isOwnDir ? settings.dir : await mkdtemp(join(tmpdir(), 'lading-demo-'));
  const demoSession: Session = {
    ...session,
    settings: { ...settings, dir, catalog: [origin.catalogUrl], retryBaseMs: settings.retryBaseMs ?? RETRY_BASE_MS },
  };
  out.note(paint('dim', `A server on this machine, ${origin.url}; the depot is ${dir}`));
  // What the download itself says when it is stopped is true only where the folder is named.
  session.onStop(async () => {
    if (!isOwnDir) out.note(`the demo goes on with \`lading demo --dir ${dir}\``);
    return undefined;
  });
  const reader = await reading(demoSession);
  const ids = ACTS.map(({ id }) => id);
  demandKnown(reader, demoSession, ids);
  let exitCode: number = EXIT.done;
  await owning(demoSession, reader, undefined, async (depot) => {
    for (const { id, title } of ACTS) {
      out.note();
      out.note(paint('bold', title));
      const outcome = await bring(demoSession, depot, { ids: [id], tellsRetries: true });
      if (exitCode === EXIT.done) exitCode = outcome.exitCode;
    }
  });
  const { requests, bytesSent, drops } = origin.stats();
  tellWhatNext(session, dir, isOwnDir);
  return { exitCode, counts: { dir, requests, bytesServed: bytesSent, drops } };
}

function tellWhatNext({ out }: Session, dir: string, isOwnDir: boolean): void {
  out.note();
  out.note(paint('bold', 'What to try next'));
  out.note('  npm start -- list                        everything that can be downloaded');
  out.note('  npm start -- plan kokoro_af_heart        what a real voice would fetch');
  out.note('  npm start -- download kokoro_af_heart    fetch it');
  out.note(
    paint('dim', isOwnDir ? `The demo is in ${dir}.` : `The demo is in ${dir}; delete the folder when you like.`),
  );
}
