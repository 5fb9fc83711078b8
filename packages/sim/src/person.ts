import type { PersonAct } from './act.js';
import type { Goods } from './goods.js';
import { between, type Luck, oneOf, weighted } from './luck.js';

/** How likely each wish is beside the others. */
const HABITS = {
  download: 14,
  pause: 4,
  resume: 4,
  cancel: 4,
  retry: 3,
  delete: 4,
  prioritize: 1,
  verify: 1,
  repair: 1,
  clean: 1,
  reopen: 2,
  update: 1,
  rival: 1,
} as const;

/** Names people use: voices and bundles most, cores at times, and now and then one that does not exist. */
function someId(goods: Goods, luck: Luck): string {
  const { catalog } = goods;
  const roll = luck();
  if (roll < 0.02) return 'nobody';
  if (roll < 0.2) return oneOf(luck, [...catalog.cores()]).id;
  return oneOf(luck, [...catalog.voices(), ...catalog.bundles()]).id;
}

/** The next thing that a person does. */
export function personAct(goods: Goods, luck: Luck): PersonAct {
  const wish = weighted(luck, HABITS);
  const id = someId(goods, luck);
  switch (wish) {
    case 'download':
      return { do: wish, id, giveUpAfterMs: luck() < 0.15 ? between(luck, 0, 4_000) : null };
    case 'delete':
      return { do: wish, id, force: luck() < 0.4 };
    case 'prioritize':
      return { do: wish, id, priority: between(luck, -1, 3) };
    case 'clean':
    case 'reopen':
    case 'update':
    case 'rival':
      return { do: wish };
    default:
      return { do: wish, id };
  }
}
