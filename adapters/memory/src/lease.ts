import { FaultError, type HeldLease, type Lease } from '@lading/runtime';
import { guarded } from './fs-fault.js';
import { type Mount, parentOf } from './mount.js';

/** Who owns a depot. */
export interface Owner {
  readonly pid: number;
  readonly epoch: number;
  /** Makes two leases of one process differ. */
  readonly nonce: number;
}

let nonces = 0;

/** One owner per depot folder. A lease whose process is dead is taken over under a higher epoch. */
export class MemoryLease implements Lease {
  private readonly path: string;

  constructor(
    private readonly mount: Mount,
    private readonly dir: string,
  ) {
    this.path = `${dir}/lease`;
  }

  acquire(): Promise<HeldLease> {
    return guarded('use the directory', this.dir, async () => {
      await this.mount.makeFolder(parentOf(this.path));
      const { disk, process } = this.mount;
      const mine = await process.step(() => {
        disk.judge('make', this.path);
        const seen = this.look();
        if (seen !== null && disk.isRunning(seen.pid)) throw held(this.dir, seen);
        const owner: Owner = { pid: process.pid, epoch: (seen?.epoch ?? 0) + 1, nonce: ++nonces };
        disk.volume.writeFileSync(this.path, JSON.stringify(owner));
        disk.changed(this.path);
        return owner;
      });
      return { epoch: mine.epoch, release: () => this.release(mine) };
    });
  }

  private look(): Owner | null {
    const { volume } = this.mount.disk;
    if (!volume.existsSync(this.path)) return null;
    try {
      return JSON.parse(String(volume.readFileSync(this.path, 'utf8'))) as Owner;
    } catch {
      // Half-written by one who died: it belongs to nobody, and the journal knows the last epoch.
      return null;
    }
  }

  private async release(mine: Owner): Promise<void> {
    const { process } = this.mount;
    const seen = await process.step(() => this.look());
    if (seen?.nonce === mine.nonce) await this.mount.remove(this.path);
  }
}

function held(dir: string, owner: Owner): FaultError {
  const message = `the depot ${dir} is in use by process ${owner.pid}`;
  return new FaultError({ type: 'leaseHeld', detail: 'held', message }, { owner });
}
