/** One thing that is wrong with a manifest, and where: `path` is a JSON path such as `$.cores[0].files[1].url`. */
export interface Defect {
  readonly path: string;
  readonly message: string;
}

/** Extends a JSON path by a key, in brackets where the key is no plain name. */
export function pathOf(parent: string, key: string | number): string {
  if (typeof key === 'number') return `${parent}[${key}]`;
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? `${parent}.${key}` : `${parent}[${JSON.stringify(key)}]`;
}
