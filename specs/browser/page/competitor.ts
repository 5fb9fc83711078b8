/** A worker of its own that wants the lease of a depot, and keeps what it gets until it is ended. */
import { openDatabase, WebLease } from '@lading/browser';
import { FaultError } from '@lading/runtime';

declare const self: {
  onmessage: ((event: MessageEvent<'acquire' | { readonly depot: string }>) => Promise<void>) | null;
  postMessage(message: unknown): void;
};

let lease: WebLease | null = null;

/** The id that the browser calls this worker by: it stands beside every lock that it holds. */
function ownId(): Promise<string | undefined> {
  const name = `probe:${crypto.randomUUID()}`;
  return navigator.locks.request(name, async () => {
    const { held = [] } = await navigator.locks.query();
    return held.find((lock) => lock.name === name)?.clientId;
  });
}

self.onmessage = async ({ data }) => {
  if (data === 'acquire') {
    const epoch = await lease?.acquire().then(
      (held) => held.epoch,
      (error: unknown) => {
        if (error instanceof FaultError && error.fault.type === 'leaseHeld') return null;
        throw error;
      },
    );
    return self.postMessage({ epoch });
  }
  lease = new WebLease(data.depot, await openDatabase(data.depot));
  const clientId = await ownId();
  self.postMessage({ clientId });
};
