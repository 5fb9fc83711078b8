/** A Chromium in a process group of its own, with a profile that outlives it: it can be killed as the system kills, and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type BrowserContext, chromium } from 'playwright-core';
import { CHROMIUM, CHROMIUM_ARGS } from './chromium.js';

export interface MortalChromium {
  /** The profile's own, whose storage is on the disk. */
  readonly context: BrowserContext;
  /** SIGKILL to all its processes at once; resolves when it is gone. */
  kill(): Promise<void>;
}

/** Where it listens. Its standard error is read to the end, so that it never waits for a reader. */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let told = '';
    child.stderr?.on('data', (piece: Buffer) => {
      told = `${told}${piece}`.slice(-10_000);
      const address = /DevTools listening on (\S+)/.exec(told)?.[1];
      if (address !== undefined) resolve(address);
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`Chromium did not start: ${told}`)));
  });
}

const living = new Set<MortalChromium['kill']>();

/** For the end of a test that was given up: a group of its own outlives whoever started it. */
export async function killAll(): Promise<void> {
  await Promise.all([...living].map((kill) => kill()));
}

export async function startMortalChromium(profile: string): Promise<MortalChromium> {
  const args = [...CHROMIUM_ARGS, `--user-data-dir=${profile}`, '--remote-debugging-port=0', 'about:blank'];
  const child = spawn(CHROMIUM, args, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  const over = once(child, 'exit');
  const kill = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), 'SIGKILL');
    await over;
    living.delete(kill);
  };
  living.add(kill);
  try {
    const browser = await chromium.connectOverCDP(await listening(child));
    const [context] = browser.contexts();
    if (context === undefined) throw new Error('Chromium has no profile');
    return { context, kill };
  } catch (error) {
    await kill();
    throw error;
  }
}
