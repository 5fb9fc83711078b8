import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Safeguard } from './safeguard.js';

/** What is needed to compile and to test; the rest of the tree stays where it is. */
const COPIED = [
  'packages',
  'adapters',
  'specs',
  'manifests',
  'package.json',
  'tsconfig.base.json',
  'tsconfig.json',
  'vitest.config.ts',
];

export interface Outcome {
  /** Null if the program did not end in time. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The text with the safeguard taken away. Throws if it does not stand there exactly once. */
export function without(text: string, { id, file, find, replace }: Safeguard): string {
  const places = text.split(find);
  if (places.length !== 2)
    throw new Error(`${id}: expected its text once in ${file}, found it ${places.length - 1} times`);
  return places.join(replace);
}

/** A copy of the tree in which safeguards are taken away, one at a time. The tree itself is only read. */
export class Workshop implements AsyncDisposable {
  /** What was compiled last lacks a safeguard. */
  private isMutantCompiled = false;

  private constructor(readonly root: string) {}

  static async of(tree: string): Promise<Workshop> {
    const root = await mkdtemp(join(tmpdir(), 'lading-mutants-'));
    for (const name of COPIED) {
      await cp(join(tree, name), join(root, name), {
        recursive: true,
        preserveTimestamps: true,
        // Links to dependencies are relative: in the copy they lead to the copy.
        verbatimSymlinks: true,
        filter: (path) => !['.turbo', 'coverage'].includes(basename(path)),
      });
    }
    // A folder of links, not a link to the folder: what tools leave there stays in the copy.
    await mkdir(join(root, 'node_modules'));
    for (const name of await readdir(join(tree, 'node_modules'))) {
      if (!name.startsWith('.vite')) await symlink(join(tree, 'node_modules', name), join(root, 'node_modules', name));
    }
    return new Workshop(root);
  }

  /** Runs a program of the copy. */
  run(args: readonly string[], timeoutMs: number): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, args, {
        cwd: this.root,
        env: { ...process.env, NO_COLOR: '1', CI: '', LADING_SEED: '1' },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
      });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
      child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
      child.once('error', reject);
      child.once('close', (code, signal) => {
        if (code === null && !child.killed) reject(new Error(`${args[0]} was ended by ${signal}`));
        else resolve({ code, stdout, stderr });
      });
    });
  }

  /** Only workers run what was compiled (see `vitest.config.ts`); all else reads the sources. */
  private async compile(): Promise<void> {
    const tsc = 'node_modules/@typescript/native/bin/tsc';
    // A worker loads what Node loads: the one file of each package.
    for (const program of [[tsc, '-b', 'adapters/node'], ['specs/tools/bundle-for-node.mjs']]) {
      const { code, stdout, stderr } = await this.run(program, 300_000);
      if (code !== 0) throw new Error(`it does not compile:\n${stdout}${stderr}`);
    }
  }

  /** Does the work while the safeguard is taken away. */
  async mutated<T>(safeguard: Safeguard, work: () => Promise<T>): Promise<T> {
    const path = join(this.root, safeguard.file);
    const text = await readFile(path, 'utf8');
    await writeFile(path, without(text, safeguard));
    try {
      if (safeguard.isInWorker === true || this.isMutantCompiled) await this.compile();
      this.isMutantCompiled = safeguard.isInWorker === true;
      return await work();
    } finally {
      await writeFile(path, text);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}
