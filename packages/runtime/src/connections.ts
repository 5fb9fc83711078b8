/** Requests under way, by origin: a server is not asked for more at once than it is used to. Who waits is served in order. */
export class Connections {
  private readonly taken = new Map<string, number>();
  private readonly waiting = new Map<string, (() => void)[]>();

  constructor(private readonly perOrigin: number) {}

  /** Takes a place if one is free and nobody waits for it. */
  tryTake(origin: string): boolean {
    const taken = this.taken.get(origin) ?? 0;
    if (taken >= this.perOrigin) return false;
    this.taken.set(origin, taken + 1);
    return true;
  }

  /** Takes a place as soon as there is one, or rejects with the signal's reason. */
  async take(origin: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.tryTake(origin)) return;
    const line = this.waiting.get(origin) ?? [];
    this.waiting.set(origin, line);
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        line.splice(line.indexOf(serve), 1);
        reject(signal.reason);
      };
      const serve = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      signal.addEventListener('abort', leave, { once: true });
      line.push(serve);
    });
  }

  /** Gives a place back, to the first who waits. */
  give(origin: string): void {
    const next = this.waiting.get(origin)?.shift();
    if (next !== undefined) return next();
    const left = (this.taken.get(origin) ?? 1) - 1;
    if (left > 0) this.taken.set(origin, left);
    else {
      this.taken.delete(origin);
      this.waiting.delete(origin);
    }
  }
}
