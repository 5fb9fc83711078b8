/**
 * A persistent map from id to value: `set` gives a new table and leaves the old one as it was, sharing all but one path.
 * That keeps `evolve` pure with a hundred thousand entries: a step copies two short arrays and one small Map, not the world.
 * Iteration order depends on the ids alone, never on history, so equal tables read equal.
 */
const FANOUT = 64;

type Leaf<V> = ReadonlyMap<string, V>;
type Branch<V> = ReadonlyArray<Leaf<V> | undefined>;

/** FNV-1a, 32 bit. Spreads ids; has no security duty. */
function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

export class Table<V> {
  private constructor(
    private readonly root: ReadonlyArray<Branch<V> | undefined>,
    readonly size: number,
  ) {}

  static empty<V>(): Table<V> {
    return EMPTY as Table<V>;
  }

  get(id: string): V | undefined {
    const hash = hashOf(id);
    return this.root[hash % FANOUT]?.[(hash >>> 6) % FANOUT]?.get(id);
  }

  has(id: string): boolean {
    return this.get(id) !== undefined;
  }

  set(id: string, value: V): Table<V> {
    const hash = hashOf(id);
    const leaf = this.root[hash % FANOUT]?.[(hash >>> 6) % FANOUT];
    const known = leaf?.get(id);
    if (known === value && leaf?.has(id)) return this;
    const next = new Map(leaf);
    next.set(id, value);
    return this.with(hash, next, known === undefined && !leaf?.has(id) ? this.size + 1 : this.size);
  }

  delete(id: string): Table<V> {
    const hash = hashOf(id);
    const leaf = this.root[hash % FANOUT]?.[(hash >>> 6) % FANOUT];
    if (!leaf?.has(id)) return this;
    const next = new Map(leaf);
    next.delete(id);
    return this.with(hash, next, this.size - 1);
  }

  *entries(): IterableIterator<[string, V]> {
    for (const branch of this.root) {
      if (branch === undefined) continue;
      for (const leaf of branch) {
        if (leaf === undefined) continue;
        if (leaf.size < 2) yield* leaf;
        else yield* [...leaf].sort(([a], [b]) => (a < b ? -1 : 1));
      }
    }
  }

  *keys(): IterableIterator<string> {
    for (const [id] of this.entries()) yield id;
  }

  *values(): IterableIterator<V> {
    for (const [, value] of this.entries()) yield value;
  }

  private with(hash: number, leaf: Leaf<V>, size: number): Table<V> {
    const root = this.root.slice();
    const branch = (root[hash % FANOUT] ?? []).slice();
    branch[(hash >>> 6) % FANOUT] = leaf.size === 0 ? undefined : leaf;
    root[hash % FANOUT] = branch;
    return new Table(root, size);
  }

  /** @internal the empty table, made where the private constructor can be reached */
  static create(): Table<never> {
    return new Table<never>([], 0);
  }
}

const EMPTY = Table.create();
