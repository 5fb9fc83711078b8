import { coreOfDirectWish, fingerprintOf, imageOf } from '@lading/core';
import { openDepot, WorldStandsStill } from '@lading/memory';
import type { Depot } from '@lading/runtime';
import { type Act, isPersonAct } from './act.js';
import { Checker, type Violation } from './checker.js';
import type { Law } from './law.js';
import type { Tell } from './observation.js';
import { EDITIONS, type Script } from './script.js';
import { World, WorldDied } from './world.js';

export interface Ending {
  readonly violations: readonly Violation[];
  /** Of the final state. */
  readonly hash: string;
  readonly records: number;
  readonly elapsedMs: number;
}

/** Simulated time after the last fault in which everything must come to rest, milliseconds. Nothing waits longer than a jump of the clock. */
const REST_MS = 2 * 3_600_000;
/** Times that everything is asked for again: wrong bytes that a pause had kept come to light in the first, and are fetched anew in the second. */
const ROUNDS = 2;
/** Or so many, if something has failed again: an attempt ends with the first file that turns out wrong, and cores have up to five. */
const MOST_ROUNDS = 6;
const PACE = { chunkBytes: 100, chunkMs: 20, latencyMs: 20 };
/** Files of these worlds have hundreds of bytes: bounds that none of them reached would guard nothing. */
const TRANSFER = {
  parallelFromBytes: 250,
  segmentBytes: 150,
  checkpointBytes: 200,
  aheadBytes: 400,
  aheadStoredBytes: 1_000,
};

const codeOf = (error: unknown): string => {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error instanceof Error ? error.name : String(error);
};

/** One performance of a script: the acts in their order, then an end to all faults, then a look at what has become of it. */
class Performance {
  readonly open = new Set<Act>();
  private edition = 0;

  constructor(
    readonly world: World,
    private readonly script: Script,
  ) {}

  async run(): Promise<void> {
    const { world } = this;
    await this.ensureOpen();
    for (const act of this.script.acts) {
      await world.advance(act.afterMs);
      world.noticeDeath();
      if (isPersonAct(act)) await this.ensureOpen();
      world.tell({ type: 'look' });
      world.tell({ type: 'act', act });
      await this.perform(act);
    }
    await this.end();
  }

  private async ensureOpen(): Promise<boolean> {
    const { world } = this;
    world.noticeDeath();
    if (world.isOpen) return true;
    await this.closed();
    return (await world.open(EDITIONS[this.edition])) === null;
  }

  private async closed(): Promise<void> {
    await this.world.close();
    this.open.clear();
  }

  private answer(act: Act, promise: Promise<unknown>): void {
    const { world } = this;
    this.open.add(act);
    const settle = (code: string, message: string) => {
      if (!this.open.delete(act)) return;
      world.tell({ type: 'answer', act, code, message });
    };
    promise.then(
      () => settle('done', ''),
      (error: unknown) => settle(codeOf(error), error instanceof Error ? error.message : String(error)),
    );
  }

  private async perform(act: Act): Promise<void> {
    const { world } = this;
    if (isPersonAct(act)) {
      if (world.isOpen) await this.command(act, world.depot);
      return;
    }
    switch (act.do) {
      case 'network':
        return world.network.order(act.trouble, act.url, act.times);
      case 'replace':
        return world.network.replace(act.url, act.lengthDelta);
      case 'disk':
        return world.disk.fail(act.action, act.code, { where: act.where, after: act.after });
      case 'fill':
        return world.disk.fill();
      case 'free':
        return world.disk.free();
      case 'kill':
        return world.killAfter(act.afterSteps);
      case 'crash':
        if (world.isOpen) world.crash();
        return this.open.clear();
      case 'powerCut':
        world.cutPower(act.isLucky);
        return this.open.clear();
      case 'rot':
      case 'lose':
        return void world.disk[act.do](act.core);
      case 'clock':
        return world.memory.clock.setBack(act.backMs);
      default:
        act satisfies never;
    }
  }

  private async command(
    act: Extract<Act, { id: string } | { do: 'clean' | 'reopen' | 'update' | 'rival' }>,
    depot: Depot,
  ): Promise<void> {
    switch (act.do) {
      case 'download':
        return this.answer(act, this.download(act.id, act.giveUpAfterMs, depot));
      case 'pause':
      case 'resume':
      case 'cancel':
      case 'retry':
        return this.answer(act, depot[act.do](act.id));
      case 'delete':
        return this.answer(act, depot.delete(act.id, { force: act.force }));
      case 'prioritize':
        return this.answer(act, depot.prioritize(act.id, act.priority));
      case 'verify':
      case 'repair':
        return this.answer(act, depot[act.do](act.id));
      case 'clean':
        return this.answer(act, depot.clean());
      case 'update':
        this.edition = 1;
        await this.closed();
        return void (await this.ensureOpen());
      case 'reopen':
        await this.closed();
        return void (await this.ensureOpen());
      case 'rival':
        return this.answer(act, openDepot({ world: this.world.memory, catalog: this.world.goods.catalog }));
      default:
        act satisfies never;
    }
  }

  private async download(id: string, giveUpAfterMs: number | null, depot: Depot): Promise<void> {
    if (giveUpAfterMs === null) return void (await depot.download(id));
    const controller = new AbortController();
    const callOff = this.world.memory.clock.after(giveUpAfterMs, () => controller.abort(new Error('gave up')));
    try {
      await depot.download(id, { signal: controller.signal });
    } finally {
      callOff();
    }
  }

  /** Faults end. Everything comes to rest; then everything is asked for once more, and must be ready; then the depot is opened once more. */
  private async end(): Promise<void> {
    const { world } = this;
    // What was about to go wrong at this instant goes wrong before the end of all faults.
    await world.advance(0);
    world.heal();
    world.tell({ type: 'healed' });
    if (!(await this.ensureOpen())) return world.tell({ type: 'rest' });
    await world.advance(REST_MS);
    world.tell({ type: 'look' });
    world.tell({ type: 'rest' });
    if (!world.isOpen) return;
    world.tell({ type: 'inspected', inspections: await world.run(world.depot.verify()) });
    this.ask({ do: 'repair', id: '*', afterMs: 0 }, world.depot.repair());
    await world.advance(REST_MS);
    for (let round = 0; round < MOST_ROUNDS && (round < ROUNDS || this.hasFailed(world.depot)); round++) {
      this.askAgain(world.depot);
      await world.advance(REST_MS);
    }
    world.tell({ type: 'settled' });
    await this.closed();
    await this.ensureOpen();
    if (world.isOpen) {
      await world.run(world.depot.clean());
      world.tell({ type: 'counted', usage: await world.run(world.depot.usage()) });
    }
    world.tell({ type: 'look' });
    world.tell({ type: 'end' });
    await this.closed();
  }

  private ask(act: Act, promise: Promise<unknown>): void {
    this.world.tell({ type: 'act', act });
    this.answer(act, promise);
  }

  private hasFailed(depot: Depot): boolean {
    return [...depot.state.voices.values()].some(({ phase }) => phase === 'failed');
  }

  private askAgain(depot: Depot): void {
    for (const [key, { phase }] of depot.state.voices.entries()) {
      const id = coreOfDirectWish(key) ?? key;
      if (phase === 'failed' || phase === 'unavailable') this.ask({ do: 'retry', id, afterMs: 0 }, depot.retry(id));
      if (phase === 'paused') this.ask({ do: 'resume', id, afterMs: 0 }, depot.resume(id));
    }
  }
}

export interface Audience {
  /** Sees everything that happens between the depot and its world. */
  readonly observe?: (world: World) => Tell;
  readonly onViolation?: (violation: Violation) => void;
}

/** Performs a script in a new world under these laws. */
export async function play(script: Script, laws: readonly Law[], audience: Audience = {}): Promise<Ending> {
  const { seed, policy, stallMs, diskMs, connections = 1 } = script;
  const options = { seed, policy, stallMs, diskMs, connections, transfer: TRANSFER, pace: PACE };
  const world = new World({ catalog: EDITIONS[0], ...options });
  const { observe, onViolation } = audience;
  if (observe !== undefined) world.observe(observe(world));
  const checker = new Checker(world, laws, onViolation);
  const performance = new Performance(world, script);
  const violations: Violation[] = [];
  try {
    await performance.run();
  } catch (error) {
    if (!(error instanceof WorldDied) && !(error instanceof WorldStandsStill) && !(error instanceof Error)) throw error;
    violations.push({
      law: 'nothing throws',
      kind: 'hygiene',
      message: `${error.name}: ${error.message}`,
      atMs: world.elapsedMs,
    });
  }
  return {
    violations: [...checker.violations, ...violations],
    hash: fingerprintOf(JSON.stringify(imageOf(world.chronicle.state))),
    records: world.chronicle.records.length,
    elapsedMs: world.elapsedMs,
  };
}
