import type { DepotState } from '@lading/core';
import type { MemoryProcess } from '@lading/memory';
import { MemoryWorld, openDepot, portsOf, schedulerOf, seededLuck } from '@lading/memory';
import { type Depot, openDepotOn } from '@lading/runtime';
import { Chronicle } from './chronicle.js';
import { DiskHandle } from './disk-handle.js';
import type { Goods } from './goods.js';
import { NetworkHandle } from './network-handle.js';
import type { Death, FileName, Observation, Tell } from './observation.js';
import { watched } from './watch.js';
import { forecast } from './weather.js';
import { goodsFor, type WorldOptions } from './world-options.js';

const PACE = { chunkBytes: 4 * 1024, chunkMs: 40, latencyMs: 20 };
/** Simulated time that `run` and `runUntil` give before they call a world endless, milliseconds. */
const PATIENCE_MS = 24 * 3_600_000;

/** The program ended while it was waited for. */
export class WorldDied extends Error {
  override readonly name = 'WorldDied';
}

interface Life {
  readonly process: MemoryProcess;
  depot: Depot | null;
  isBroken: boolean;
}

/** A real depot in a world that moves only when it is told to, and the handles that move it. */
export class World {
  readonly memory: MemoryWorld;
  readonly network: NetworkHandle;
  readonly disk: DiskHandle;
  readonly chronicle: Chronicle;
  goods: Goods;
  private life: Life | null = null;
  private readonly observers: Tell[] = [];
  private readonly weatherLuck: () => number;

  constructor(readonly options: WorldOptions) {
    const seed = options.seed ?? 1;
    this.goods = goodsFor(options.catalog);
    this.memory = new MemoryWorld({ seed });
    this.network = new NetworkHandle(this.memory.network, () => this.goods, options.pace ?? PACE);
    this.memory.network.connections = options.connections ?? 1;
    this.disk = new DiskHandle(this.memory.disk);
    this.chronicle = new Chronicle((observation) => this.tell(observation));
    this.weatherLuck = seededLuck(seed ^ 0x5eed);
    this.network.stock();
  }

  /** The depot under test. Throws `WorldDied` while there is none. */
  get depot(): Depot {
    const depot = this.life?.depot ?? null;
    if (depot === null) throw new WorldDied('no depot is open: use reopen()');
    return depot;
  }

  get isOpen(): boolean {
    return this.life !== null && this.life.depot !== null && this.life.process.isAlive && !this.life.isBroken;
  }

  /** The state as of the last record that is durable. */
  get state(): DepotState {
    return this.life?.depot?.state ?? this.chronicle.state;
  }

  /** Simulated milliseconds since the world began. */
  get elapsedMs(): number {
    return this.memory.clock.monotonicMs();
  }

  /** Tells everything that happens between the depot and its world from now on. */
  observe(observer: Tell): void {
    this.observers.push(observer);
  }

  tell(observation: Observation): void {
    for (const observer of this.observers) observer(observation);
  }

  private fileAt(url: string): FileName {
    const { core, file } = this.goods.sources.get(url) ?? { core: '', file: '' };
    return { core, file };
  }

  private blow(url: string): void {
    const weather = this.options.weather;
    if (weather === undefined) return;
    const size = this.goods.sources.get(url)?.bytes.length ?? 0;
    const trouble = forecast(weather, size, this.weatherLuck);
    if (trouble !== null) this.network.order(trouble, url);
  }

  /** Resolves when the disk has had its time; never for a process that has died meanwhile. */
  private async diskTime(process: MemoryProcess): Promise<void> {
    const { diskMs = 0 } = this.options;
    if (diskMs > 0)
      await process.outliving(new Promise<void>((resolve) => void this.memory.clock.after(diskMs, resolve)));
  }

  /** Opens the depot in a new process, with other goods if the publisher has an update. Returns what prevented it, or null. */
  async open(goods: Goods = this.goods): Promise<unknown> {
    if (goods !== this.goods) {
      this.goods = goods;
      this.network.stock();
    }
    const process = this.memory.disk.start();
    const life: Life = { process, depot: null, isBroken: false };
    this.life = life;
    this.tell({ type: 'opening', pid: process.pid });
    const ports = watched(portsOf(this.memory, process), {
      process,
      chronicle: this.chronicle,
      tell: (observation) => {
        if (observation.type === 'broken') life.isBroken = true;
        this.tell(observation);
      },
      fileAt: (url) => this.fileAt(url),
      onRequest: (url) => this.blow(url),
      isFull: () => this.disk.isFull,
      onDisk: () => this.diskTime(process),
    });
    const { policy = {}, stallMs = 5_000, limitBytesPerSecond = Number.POSITIVE_INFINITY } = this.options;
    const scheduler = schedulerOf(this.memory.clock);
    const opening = openDepotOn(ports, {
      catalog: this.goods.catalog,
      policy,
      stallMs,
      limitBytesPerSecond,
      scheduler,
      ...(this.options.transfer === undefined ? {} : { transfer: this.options.transfer }),
    });
    try {
      life.depot = await this.run(opening);
      this.tell({ type: 'opened', epoch: life.depot.state.epoch });
      return null;
    } catch (error) {
      if (error instanceof WorldDied) return error;
      process.kill();
      this.life = null;
      this.tell({ type: 'notOpened', error });
      return error;
    }
  }

  /** Opens the depot again after whatever ended it; closes it first if nothing did. Throws what prevents it. */
  async reopen(goods: Goods = this.goods): Promise<void> {
    await this.close();
    const error = await this.open(goods);
    if (error !== null) throw error;
  }

  /**
   * Another program, with a process of its own, opens a depot on the same disk; two tabs are two programs. Throws `InitializationError` (`leaseHeld`) while
   * somebody has it. `crash` and `cutPower` end it too; what it does is not observed.
   */
  rival(): Promise<Depot> {
    const { policy = {}, stallMs = 5_000 } = this.options;
    return this.memory.run(openDepot({ world: this.memory, catalog: this.goods.catalog, policy, stallMs }));
  }

  async close(): Promise<void> {
    const { life } = this;
    if (life?.depot != null && life.process.isAlive) {
      await this.run(life.depot.close()).catch(() => undefined);
      this.life = null;
      life.process.kill();
      this.tell({ type: 'closed' });
    } else if (life !== null) this.mourn('kill');
  }

  private mourn(how: Death): void {
    this.life = null;
    this.tell({ type: 'died', how });
  }

  /** True if the process has ended since one last looked; then there is no depot any more. */
  noticeDeath(): boolean {
    if (this.life === null || this.life.process.isAlive) return false;
    this.mourn('kill');
    return true;
  }

  /** `kill -9`: what was written stays, also what was not synced. */
  crash(): void {
    this.memory.crash();
    this.mourn('crash');
  }

  /** The power fails: what was not synced is gone, or (lucky) a part of it. */
  cutPower(isLucky = false): void {
    this.memory.cutPower(isLucky ? this.memory.luck : null);
    this.mourn('powerCut');
  }

  /** `kill -9` after so many more calls to the disk and the network; the next one is torn. */
  killAfter(steps: number): void {
    this.life?.process.killAfter(steps);
  }

  /** Nothing goes wrong any more, and nobody is about to be killed. */
  heal(): void {
    this.network.heal();
    this.disk.heal();
    this.life?.process.killAfter(Number.POSITIVE_INFINITY);
  }

  /** Lets simulated time pass. */
  advance(ms: number): Promise<void> {
    return this.memory.clock.advance(ms);
  }

  /** Lets time pass until the promise has settled, or (without one) until nothing is due any more. Throws `WorldDied` if the process ends first. */
  run(): Promise<void>;
  run<T>(promise: Promise<T>): Promise<T>;
  run<T>(promise?: Promise<T>): Promise<T | undefined> {
    if (promise === undefined) return this.memory.clock.run().then(() => undefined);
    const death = this.life?.process.death.then(() => {
      throw new WorldDied('the process ended while it was waited for');
    });
    return this.memory.clock.runUntil(death === undefined ? promise : Promise.race([promise, death]), PATIENCE_MS);
  }

  /**
   * Lets time pass until this is true; it is asked after everything that happens, and whenever all has come to rest. Throws `WorldStandsStill` if it
   * never is, `WorldDied` if the process ends first.
   */
  async runUntil(isTrue: () => boolean): Promise<void> {
    const { life } = this;
    const isDead = () => life !== null && !life.process.isAlive;
    let hasBeen = false;
    const look = () => {
      if (!hasBeen && !isDead()) hasBeen = isTrue();
    };
    this.observers.push(look);
    try {
      await this.memory.clock.runWhile(() => {
        look();
        return !hasBeen && !isDead();
      }, PATIENCE_MS);
    } finally {
      this.observers.splice(this.observers.indexOf(look), 1);
    }
    if (!hasBeen) throw new WorldDied('the process ended while it was waited for');
  }
}

/** Makes a world and opens a depot in it. */
export async function createWorld(options: WorldOptions): Promise<World> {
  const world = new World(options);
  const error = await world.open();
  if (error !== null) throw error;
  return world;
}
