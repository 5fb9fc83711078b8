/** Optimal string alignment distance (adjacent swaps count one), given up beyond `limit`. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/** Up to five of `names` that a person may have meant by `id`: close in spelling, or holding it as a part. */
export function nearestNames(id: string, names: readonly string[]): readonly string[] {
  const wanted = id.toLowerCase();
  if (wanted.length === 0 || wanted.length > 200) return [];
  const limit = Math.max(2, Math.floor(wanted.length / 4));
  const scored = names.flatMap((name) => {
    const lower = name.toLowerCase();
    const apart = distance(wanted, lower, limit);
    if (apart <= limit) return [{ name, score: apart }];
    return wanted.length >= 3 && lower.includes(wanted) ? [{ name, score: limit + 1 }] : [];
  });
  scored.sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : 1));
  return [...new Set(scored.map((s) => s.name))].slice(0, 5);
}
