/** A stage in memory: the same story with the same seed is the same recording to the byte. */

import { imageOf } from '@lading/core';
import {
  DEFAULT_DIR,
  type MemoryDisk,
  MemoryJournal,
  MemoryWorld,
  Mount,
  type NetworkFault,
  openDepot,
} from '@lading/memory';
import { fold } from '@lading/runtime';
import { catalogAt, type Goods, type Stage, type Trouble } from './stage.js';

const origin = 'https://cdn.example.org';

function faultOf(trouble: Trouble): NetworkFault {
  if (trouble.type !== 'status') return trouble;
  const { status, retryAfterSeconds } = trouble;
  return {
    type: 'status',
    status,
    headers: retryAfterSeconds === undefined ? {} : { 'retry-after': `${retryAfterSeconds}` },
  };
}

const journalOn = (disk: MemoryDisk): MemoryJournal =>
  new MemoryJournal(new Mount(disk, disk.start()), `${DEFAULT_DIR}/journal`);

export async function memoryStage(): Promise<Stage> {
  const world = new MemoryWorld({ seed: 1 });
  const catalog = (goods: Goods) => {
    for (const [path, bytes] of goods.files) world.network.put(`${origin}${path}`, bytes, { chunkBytes: 4_000 });
    return catalogAt(goods, origin);
  };
  return {
    name: 'memory',
    dir: DEFAULT_DIR,
    open: (goods) => world.run(openDepot({ world, catalog: catalog(goods) })),
    run: (promise) => world.run(promise),
    trouble: (path, ...troubles) => {
      for (const trouble of troubles) world.network.fail(`${origin}${path}`, faultOf(trouble));
    },
    killedAt: async (goods, id, type) => {
      const process = world.disk.start();
      const depot = await world.run(openDepot({ world, catalog: catalog(goods), process }));
      depot.events$.subscribe(({ event }) => {
        if (event.type === type) process.kill();
      });
      depot.download(id).catch(() => undefined);
      await world.run(process.death);
    },
    compact: async () => {
      const journal = journalOn(world.disk);
      const image = await journal.load();
      await journal.compact(imageOf(fold(image)));
      await journal.close();
    },
    journal: async () => {
      const { snapshot } = await journalOn(world.disk).load();
      return { snapshot, records: await journalOn(world.disk).history() };
    },
    [Symbol.asyncDispose]: async () => world.crash(),
  };
}
