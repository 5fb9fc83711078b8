/** A victim for every point, some at a time. */
import { rm } from 'node:fs/promises';
import { type Ground, SCENARIOS, type Scenario } from './ground.js';
import { judgeLife, judgeNext } from './judge.js';
import { type Point, pointsOf, THREADS } from './point.js';
import { live } from './victim.js';

export interface Verdict {
  readonly point: Point;
  /** Nothing is wrong if there is none. */
  readonly wrongs: readonly string[];
  /** The n-th call was made: with another course of things on the network there may be fewer. */
  readonly isReached: boolean;
  readonly ended: string;
}

/** Every point of every scenario, from one undisturbed life each. */
export async function allPoints(ground: Ground): Promise<readonly Point[]> {
  const points: Point[] = [];
  for (const scenario of SCENARIOS) {
    for (const thread of THREADS) {
      const dir = await ground.depotFor(scenario);
      const { code, stderr, trace } = await live(ground.wordsFor(scenario, dir), null, { thread });
      if (code !== 0) throw new Error(`${scenario}: an undisturbed download ended with ${code}: ${stderr}`);
      points.push(...pointsOf(scenario, trace, dir, thread));
      await rm(dir, { recursive: true, force: true });
    }
  }
  return points;
}

async function suffer(ground: Ground, point: Point): Promise<Verdict> {
  const scenario = point.scenario as Scenario;
  const dir = await ground.depotFor(scenario);
  try {
    const life = await live(ground.wordsFor(scenario, dir), point);
    const injected = life.trace.find((line) => line.includes('(INJECTED)'));
    // The main thread does other work too: what failed may have been a module of Node's. That says nothing of us.
    const isAstray = injected !== undefined && point.thread === 'main' && !injected.includes(dir);
    const wrongs = [
      ...(isAstray ? [] : await judgeLife(ground, point, life, dir)),
      ...(await judgeNext(ground, scenario, dir)),
    ];
    const isReached = life.signal === 'SIGKILL' || (injected !== undefined && !isAstray);
    return { point, wrongs, isReached, ended: String(life.signal ?? life.code) };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export async function sweep(
  ground: Ground,
  points: readonly Point[],
  { atOnce, onVerdict }: { readonly atOnce: number; readonly onVerdict: (verdict: Verdict, done: number) => void },
): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  const rest = [...points];
  const work = async (): Promise<void> => {
    for (let point = rest.shift(); point !== undefined; point = rest.shift()) {
      const verdict = await suffer(ground, point);
      verdicts.push(verdict);
      onVerdict(verdict, verdicts.length);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return verdicts;
}
