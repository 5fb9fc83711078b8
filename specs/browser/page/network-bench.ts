/** The bench of the fetcher: the origin is the page's own; what it shall do is told to it on a line of its own, and waited for. */
import { WebFetcher } from '@lading/browser';
import type { FetcherBench } from '../../conformance/fetcher-bench.js';
import type { Order, OrderAnswer } from '../orders.js';

const controlUrl = (): string => new URL(location.href).searchParams.get('control') ?? '';

const base64 = (bytes: Uint8Array): string => {
  let text = '';
  for (let at = 0; at < bytes.length; at += 32_768) text += String.fromCharCode(...bytes.subarray(at, at + 32_768));
  return btoa(text);
};

/** At once, because the suite orders without waiting; workers may. */
function order<T extends Order>(what: T): OrderAnswer[T['type']] {
  const request = new XMLHttpRequest();
  request.open('POST', controlUrl(), false);
  request.send(JSON.stringify(what));
  if (request.status !== 200) throw new Error(request.responseText);
  return JSON.parse(request.responseText) as OrderAnswer[T['type']];
}

async function wait(what: Order): Promise<void> {
  const response = await fetch(controlUrl(), { method: 'POST', body: JSON.stringify(what) });
  if (!response.ok) throw new Error(await response.text());
}

const unable = (): never => {
  throw new Error('a sentence that is left out was asked');
};

export async function makeFetcher(): Promise<FetcherBench> {
  const { bench, deserted } = order({ type: 'begin' });
  return {
    fetcher: new WebFetcher(),
    until: (promise) => promise,
    url: (path) => order({ type: 'url', bench, path }),
    put: (path, bytes, served = {}) => void order({ type: 'put', bench, path, bytes: base64(bytes), served }),
    mishap: (path, mishap) =>
      void order({
        type: 'mishap',
        bench,
        path,
        mishap: mishap.type === 'status' ? { ...mishap, body: base64(mishap.body) } : mishap,
      }),
    deserted,
    asked: (path) => order({ type: 'asked', bench, path }).map((each) => ({ ...each, isFresh: null })),
    arrival: (path) => wait({ type: 'arrival', bench, path }),
    departure: (path) => wait({ type: 'departure', bench, path }),
    redirects: {
      to: (path, target, status) => void order({ type: 'redirect', bench, path, target, status }),
      abroad: (path, bytes) => void order({ type: 'abroad', bench, path, bytes: base64(bytes) }),
      over: unable,
      count: () => order({ type: 'count', bench }),
    },
    trusting: null,
    heard: unable,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
