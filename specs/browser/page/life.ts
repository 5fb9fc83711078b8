/** What happens to a page and its worker, by name: as a browser does it, and what is left in the end. */
import { openDepot } from '@lading/browser';

let newest: Worker | null = null;

export function begun(script: string): Worker {
  newest = new Worker(script, { type: 'module' });
  return newest;
}

/** What has been made and not been ended. */
export interface Left {
  workers: number;
  channels: number;
  listeners: number;
  /** Workers at once, at most. */
  most: number;
}

function counted(left: Left): () => Worker {
  const { terminate } = Worker.prototype;
  Worker.prototype.terminate = function (this: Worker) {
    left.workers--;
    terminate.call(this);
  };
  const Native = BroadcastChannel;
  globalThis.BroadcastChannel = class extends Native {
    constructor(name: string) {
      super(name);
      left.channels++;
    }
    override close() {
      left.channels--;
      super.close();
    }
  };
  for (const target of [globalThis, document] as EventTarget[]) {
    const { addEventListener, removeEventListener } = target;
    target.addEventListener = (...given: Parameters<EventTarget['addEventListener']>) => {
      left.listeners++;
      addEventListener.apply(target, given);
    };
    target.removeEventListener = (...given: Parameters<EventTarget['removeEventListener']>) => {
      left.listeners--;
      removeEventListener.apply(target, given);
    };
  }
  return () => {
    left.workers++;
    left.most = Math.max(left.most, left.workers);
    return begun('/depot-worker.js');
  };
}

export const lifeDeeds = {
  /** The page is frozen: the event that a browser sends. */
  sleep() {
    document.dispatchEvent(new Event('freeze'));
    return null;
  },
  wake() {
    document.dispatchEvent(new Event('resume'));
    return null;
  },
  /** Lets an error escape in the worker. */
  async failWorker() {
    const worker = newest;
    const failed = new Promise((resolve) => worker?.addEventListener('error', resolve));
    worker?.postMessage({ type: 'fail' });
    await failed;
    return null;
  },
  async locks() {
    const { held = [], pending = [] } = await navigator.locks.query();
    return { held: held.length, pending: pending.length };
  },
  /** Opens and closes a depot so often. */
  async churn(times: number) {
    const left: Left = { workers: 0, channels: 0, listeners: 0, most: 0 };
    const worker = counted(left);
    for (let i = 0; i < times; i++) await (await openDepot({ catalog: 'catalog.json', worker })).close();
    return left;
  },
};
