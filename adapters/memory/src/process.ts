/** What never comes back: the answer to whatever a dead process asked. */
const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

/**
 * One life of a program in the simulated world. Each thing it does to the world is a step; it can be killed before any of them, and from then
 * on nothing that it does has an effect and nothing that it asked for is answered: as after `kill -9`, with nobody left to clean up.
 */
export class MemoryProcess {
  /** Steps so far. A run with the same seed has the same steps. */
  steps = 0;
  private isDead = false;
  private lastStep = Number.POSITIVE_INFINITY;
  private die: () => void = () => undefined;
  /** Resolves when the process has been killed. */
  readonly death: Promise<void> = new Promise((resolve) => {
    this.die = resolve;
  });

  constructor(readonly pid: number) {}

  get isAlive(): boolean {
    return !this.isDead;
  }

  kill(): void {
    this.isDead = true;
    this.die();
  }

  /** Kills the process when it has done `steps` more steps; the next one is torn: of a write only a part happens, of all else nothing. */
  killAfter(steps: number): void {
    this.lastStep = this.steps + steps;
  }

  /** One step: `work` happens at once and as a whole, or the process is dead. `tear` is what remains of it when death comes in its midst. */
  async step<T>(work: () => T | Promise<T>, tear?: () => void): Promise<T> {
    if (this.isDead) return await never<T>();
    if (this.steps >= this.lastStep) {
      tear?.();
      this.kill();
      return await never<T>();
    }
    this.steps++;
    return await this.outliving(Promise.resolve(work()));
  }

  /** The promise's outcome, if the process lives to see it. */
  async outliving<T>(promise: Promise<T>): Promise<T> {
    try {
      const value = await promise;
      return this.isDead ? await never<T>() : value;
    } catch (error) {
      if (this.isDead) return await never<T>();
      throw error;
    }
  }
}
