/** A number in [0, 1), decided by a seed. */
export type Luck = () => number;

/** An integer in [from, to). */
export const between = (luck: Luck, from: number, to: number): number => from + Math.floor(luck() * (to - from));

/** One of several. Throws if there is none. */
export function oneOf<T>(luck: Luck, choices: readonly T[]): T {
  const choice = choices[between(luck, 0, choices.length)];
  if (choice === undefined) throw new RangeError('nothing to choose from');
  return choice;
}

/** One of several, each as likely as its weight. Throws if no weight is above 0. */
export function weighted<K extends string>(luck: Luck, weights: Readonly<Record<K, number>>): K {
  const entries = Object.entries<number>(weights) as [K, number][];
  const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
  let at = luck() * total;
  for (const [choice, weight] of entries) {
    at -= weight;
    if (at < 0) return choice;
  }
  return oneOf(
    luck,
    entries.filter(([, weight]) => weight > 0).map(([choice]) => choice),
  );
}
