import { FaultError, type HeldLease, type Lease } from '@lading/runtime';
import { answerOf, type Database } from './database.js';
import { guarded } from './fs-fault.js';

/** Who owns a depot: the tab or worker, by the id that the browser gives it. */
export interface Owner {
  readonly clientId: string;
}

/** The name under which a depot is locked; whoever waits for it becomes the next owner. */
export const lockName = (depot: string): string => `lading:lease:v1:${depot}`;

/**
 * One owner per depot and origin, by a Web Lock: the browser takes it from whoever ends, however that came. It is never stolen, because who
 * is robbed goes on writing. Each owner raises the epoch in the database, and the journal asks for it inside each of its transactions.
 */
export class WebLease implements Lease {
  /** Of the lease that was given last; 0 before. */
  epoch = 0;

  constructor(
    private readonly depot: string,
    private readonly database: Database,
  ) {}

  acquire(): Promise<HeldLease> {
    return this.take({ ifAvailable: true });
  }

  /** Becomes the owner when all who asked before have let go. Rejects with the signal's reason. */
  await(signal: AbortSignal): Promise<HeldLease> {
    return this.take({ signal });
  }

  private take(how: LockOptions): Promise<HeldLease> {
    return guarded('lock', `the depot "${this.depot}"`, async () => {
      const lock = await this.lock(how);
      if (lock === null) throw await this.held();
      try {
        this.epoch = await this.raiseEpoch();
        return { epoch: this.epoch, release: lock.release };
      } catch (error) {
        await lock.release();
        throw error;
      }
    });
  }

  /** Null if another has it, and it is not waited for. */
  private lock(how: LockOptions): Promise<{ readonly release: () => Promise<void> } | null> {
    return new Promise((resolve, reject) => {
      const over: Promise<void> = navigator.locks.request(lockName(this.depot), how, (lock) => {
        if (lock === null) return resolve(null);
        return new Promise<void>((letGo) => {
          const release = async () => {
            letGo();
            await over;
            // Over here, not yet for others: by the time this is answered the browser has taken the lock back.
            await navigator.locks.query();
          };
          resolve({ release });
        });
      });
      over.catch(reject);
    });
  }

  private raiseEpoch(): Promise<number> {
    return this.database.transact('readwrite', async (store) => {
      const before: number | undefined = await answerOf(store('fence').get('epoch'));
      const epoch = (before ?? 0) + 1;
      await answerOf(store('fence').put(epoch, 'epoch'));
      return epoch;
    });
  }

  private async held(): Promise<FaultError> {
    const { held = [] } = await navigator.locks.query();
    const clientId = held.find(({ name }) => name === lockName(this.depot))?.clientId;
    const owner: Owner | null = clientId === undefined ? null : { clientId };
    const message = `the depot "${this.depot}" is in use by another tab or worker of ${location.origin}`;
    return new FaultError({ type: 'leaseHeld', detail: 'held', message }, { owner });
  }
}
