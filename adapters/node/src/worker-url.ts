/** Where the compiled worker lies. Tests run the sources, beside which there is none; a thread cannot load TypeScript on Node 20. */
export function workerUrl(name: string): URL {
  const base = import.meta.url.endsWith('.ts') ? '../dist' : '.';
  return new URL(`${base}/${name}.js`, import.meta.url);
}
