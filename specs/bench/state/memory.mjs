// What 100,000 voices weigh: the catalog, and a state in which all of them were asked for. In a process of its own, over what it was before.
import { catalogOf, Life } from './world.mjs';

const MIB = 1024 * 1024;

function weight() {
  for (let i = 0; i < 3; i++) globalThis.gc();
  const { rss, heapUsed } = process.memoryUsage();
  return { rss, heapUsed };
}

/** Run as `node --expose-gc state.mjs --weigh KIND`. */
export function weigh(kind) {
  const small = new Life(catalogOf({ voices: 10, packs: true }));
  small.tell({ type: 'download', id: 'all' });
  const before = weight();
  const life = new Life(catalogOf({ voices: 100_000, packs: kind === 'packs' }));
  life.tell({ type: 'download', id: 'all' });
  life.records.length = 0;
  const after = weight();
  if (life.state.voices.size !== 100_000) throw new Error('not all were asked for');
  const [heapMiB, rssMiB] = [after.heapUsed - before.heapUsed, after.rss - before.rss].map((bytes) => bytes / MIB);
  return { heapMiB, rssMiB };
}
