// The arithmetic of the bench.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** What a contestant's runs over so many bytes come to, each the median of its own: `wallS`, `megabytesPerS`, `cpuSPerGb`, `peakMib`. */
export function figuresOf(runs, bytes) {
  const of = (key) => median(runs.map((run) => run[key]));
  const wallS = of('wallS');
  return {
    wallS,
    megabytesPerS: bytes / 1e6 / wallS,
    cpuSPerGb: of('cpuS') / (bytes / 1e9),
    peakMib: of('peakBytes') / 2 ** 20,
  };
}

/**
 * The slowest and the fastest bytes per second over any `windowMs` of what was counted, `[{ atMs, bytes }]` with `bytes` since the beginning, or null if that
 * took no `windowMs`.
 */
export function extremeRates(samples, windowMs) {
  const rates = [];
  let from = 0;
  for (const { atMs, bytes } of samples) {
    while (from + 1 < samples.length && atMs - samples[from + 1].atMs >= windowMs) from++;
    const lastedMs = atMs - samples[from].atMs;
    if (lastedMs >= windowMs) rates.push(((bytes - samples[from].bytes) / lastedMs) * 1000);
  }
  return rates.length === 0 ? null : { slowest: Math.min(...rates), fastest: Math.max(...rates) };
}
