/** The bench of Node's lease: competitors are processes of their own, and die by `kill -9`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { FileLease } from '@lading/node';
import type { Competitor, LeaseBench } from './lease.js';
import { bundled, source } from './node-program.js';

/** What a competitor runs: it tries for the lease once for each line it reads, and keeps what it gets. */
const PROGRAM = `
import { createInterface } from 'node:readline';
import { FileLease } from './lease.js';
for await (const dir of createInterface({ input: process.stdin })) {
  const told = await new FileLease(dir).acquire().then(
    ({ epoch }) => ({ epoch }),
    (error) => ({ refused: error.fault?.type ?? String(error) }),
  );
  console.log(JSON.stringify(told));
}`;

/** The folder of the program. */
export const buildCompetitor = (): Promise<string> =>
  bundled('competitor', { contents: PROGRAM, resolveDir: source('adapters/node'), loader: 'js' });

async function competitor(program: string, dir: string, children: ChildProcess[]): Promise<Competitor> {
  const child = spawn(process.execPath, [join(program, 'competitor.mjs')], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  await once(child, 'spawn');
  const lines = createInterface({ input: child.stdout });
  return {
    owner: { pid: child.pid },
    acquire: async () => {
      child.stdin.write(`${dir}\n`);
      const [line] = (await once(lines, 'line')) as [string];
      const told = JSON.parse(line) as { readonly epoch?: number; readonly refused?: string };
      if (told.epoch === undefined && told.refused !== 'leaseHeld') throw new Error(`refused by ${told.refused}`);
      return told.epoch ?? null;
    },
    kill: async () => {
      const dead = once(child, 'exit');
      child.kill('SIGKILL');
      await dead;
    },
  };
}

export async function makeNodeLease(program: string): Promise<LeaseBench> {
  const root = await mkdtemp(join(tmpdir(), 'lading-lease-'));
  const dir = join(root, 'depot');
  const children: ChildProcess[] = [];
  return {
    lease: () => new FileLease(dir),
    competitor: () => competitor(program, dir, children),
    [Symbol.asyncDispose]: async () => {
      for (const child of children) child.kill('SIGKILL');
      await rm(root, { recursive: true, force: true });
    },
  };
}
