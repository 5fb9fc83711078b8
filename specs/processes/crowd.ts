/** Many contenders, what they said in common, and what follows from it: who owned when, and how long nobody did after a death. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Word } from './word.js';

/** From what is certain to what is certain: shorter than it really was, so that an overlap is one. */
export interface Ownership {
  readonly pid: number;
  readonly epoch: number;
  readonly from: number;
  readonly to: number;
  readonly end: 'left' | 'died';
}

/** So long nobody becomes the owner only when something is stuck, milliseconds: then it is asked what it does, and the test fails with that. */
const STANDSTILL_MS = 120_000;

const nowMicros = (): number => Number(process.hrtime.bigint() / 1000n);

export class Crowd implements AsyncDisposable {
  readonly crowded: string[] = [];
  readonly failures: string[] = [];
  readonly ownerships: Ownership[] = [];
  deaths = 0;
  private readonly members = new Map<ChildProcess, Promise<unknown>>();
  private lastWord = 'nobody has owned yet';
  private owner: ChildProcess | null = null;
  private turns = 0;
  private seed: number;

  constructor(
    private readonly program: string,
    private readonly words: readonly string[],
    seed: number,
    /** Called when one owns: milliseconds after which it is killed, or null. */
    private readonly fate: () => number | null = () => null,
  ) {
    this.seed = seed;
  }

  get size(): number {
    return this.members.size;
  }

  join(): void {
    const [mode = '', dir = '', ...more] = this.words;
    const child = spawn(
      process.execPath,
      [join(this.program, 'contender.mjs'), mode, dir, String(this.seed++), ...more],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: { PATH: process.env['PATH'], UV_THREADPOOL_SIZE: '2' },
      },
    );
    const { pid = 0 } = child;
    let owner: Word | null = null;
    let isDoomed = false;
    let killedAt: number | null = null;
    let stderr = '';
    const own = (to: number, end: Ownership['end']) => {
      if (owner !== null) this.ownerships.push({ pid, epoch: owner.epoch ?? 0, from: owner.at, to, end });
      owner = null;
    };
    const hear = (word: Word) => {
      this.lastWord = `${pid}: ${JSON.stringify(word)}`;
      if (word.is === 'owner') {
        owner = word;
        this.owner = child;
        this.turns++;
        // Who is to die may own once more before it does: that is one death, not two.
        const afterMs = isDoomed ? null : this.fate();
        if (afterMs === null) return;
        isDoomed = true;
        setTimeout(() => {
          killedAt = nowMicros();
          child.kill('SIGKILL');
        }, afterMs);
      } else if (word.is === 'crowded') this.crowded.push(`${pid} met ${word.pid}`);
      else own(word.at, word.is === 'dying' ? 'died' : 'left');
    };
    createInterface({ input: child.stdout }).on('line', (line) => hear(JSON.parse(line) as Word));
    child.stderr.on('data', (bytes: Buffer) => {
      stderr += bytes.toString();
    });
    const closed = once(child, 'close').then(([code, signal]) => {
      this.members.delete(child);
      if (signal === 'SIGKILL') {
        this.deaths += 1;
        own(killedAt ?? nowMicros(), 'died');
      } else if (code !== 0) this.failures.push(`process ${pid} ended with ${code}: ${stderr}`);
    });
    this.members.set(child, closed);
  }

  /** Resolves when one of them has died; throws if one failed, or if they stand still. */
  async loss(): Promise<void> {
    await this.unlessStuck(Promise.race(this.members.values()));
    if (this.failures.length > 0) throw new Error(this.failures.join('\n'));
  }

  /** Nobody begins another turn; resolves when all have ended. */
  async disperse(): Promise<void> {
    for (const child of this.members.keys()) child.stdin?.end();
    await this.unlessStuck(Promise.all(this.members.values()));
  }

  private async unlessStuck(work: Promise<unknown>): Promise<void> {
    const isDone = work.then(() => true);
    const over = new AbortController();
    const still = () => sleep(STANDSTILL_MS, false, { signal: over.signal }).catch(() => false);
    try {
      for (let turns = this.turns; !(await Promise.race([isDone, still()])); turns = this.turns)
        if (turns === this.turns) throw new Error(await this.describe());
    } finally {
      over.abort();
    }
  }

  private async describe(): Promise<string> {
    const { owner } = this;
    let told = '';
    owner?.stderr?.on('data', (bytes: Buffer) => {
      told += bytes.toString();
    });
    owner?.kill('SIGUSR2');
    await sleep(5_000);
    return `nobody became the owner for ${STANDSTILL_MS} ms; ${this.size} live; the last word was ${this.lastWord}; its owner ${owner?.pid} tells: ${told}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.members.keys()) child.kill('SIGKILL');
    await Promise.all(this.members.values());
  }
}

/** In the order in which they began. */
export function inOrder(ownerships: readonly Ownership[]): readonly Ownership[] {
  return [...ownerships].sort((a, b) => a.from - b.from);
}

/** Pairs that owned at the same time, or whose epochs do not rise. */
export function conflicts(ownerships: readonly Ownership[]): readonly string[] {
  const found: string[] = [];
  let before: Ownership | null = null;
  let latest = 0;
  for (const one of inOrder(ownerships)) {
    if (one.from < latest) found.push(`process ${one.pid} owned while process ${before?.pid} did`);
    if (before !== null && one.epoch <= before.epoch) found.push(`epoch ${one.epoch} came after ${before.epoch}`);
    if (one.to > latest) latest = one.to;
    before = one;
  }
  return found;
}

/** Milliseconds from each death of an owner to the next owner's first word, longest first. */
export function takeoversMs(ownerships: readonly Ownership[]): readonly number[] {
  const ordered = inOrder(ownerships);
  const gaps = ordered.flatMap((one, i) => {
    const next = ordered[i + 1];
    return one.end === 'died' && next !== undefined ? [(next.from - one.to) / 1000] : [];
  });
  return gaps.sort((a, b) => b - a);
}
