/**
 * A persistent map from id to value: `set` gives a new table and leaves the old one as it was, sharing all but one path. That keeps `evolve`
 * pure with a hundred thousand entries: a step copies a few short arrays, not the world; and a table of one entry is as small as a list of one.
 * Iteration order and inner shape depend on the ids alone, never on history, so equal tables read equal.
 */
interface Entry<V> {
  readonly hash: number;
  readonly id: string;
  readonly value: V;
}

/** In order of hash, then of id. */
type Leaf<V> = readonly Entry<V>[];

interface Branch<V> {
  readonly size: number;
  /** By the next four bits of the hash, from the highest: so the order is that of the hashes, however deep the tree. */
  readonly nodes: readonly Node<V>[];
}

type Node<V> = Leaf<V> | Branch<V>;

/** What holds more branches, what holds less does not. */
const LEAF_SIZE = 16;
const FANOUT = 16;
const HASH_BITS = 28;

const NOTHING: Leaf<never> = [];

const isLeaf = <V>(node: Node<V>): node is Leaf<V> => Array.isArray(node);
const sizeOf = <V>(node: Node<V>): number => (isLeaf(node) ? node.length : node.size);
const placeIn = (hash: number, depth: number): number => (hash >>> (HASH_BITS - 4 - 4 * depth)) % FANOUT;

/** FNV-1a. Spreads ids; has no security duty. */
function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> (32 - HASH_BITS);
}

function find<V>(root: Node<V>, hash: number, id: string): Entry<V> | undefined {
  let node: Node<V> | undefined = root;
  for (let depth = 0; node !== undefined && !isLeaf(node); depth++) node = node.nodes[placeIn(hash, depth)];
  return node?.find((entry) => entry.hash === hash && entry.id === id);
}

/** The branch with another node at one of its places. */
function withNode<V>({ nodes, size }: Branch<V>, place: number, change: (node: Node<V>) => Node<V>): Branch<V> {
  const before = nodes[place] ?? NOTHING;
  const after = change(before);
  return { nodes: nodes.with(place, after), size: size - sizeOf(before) + sizeOf(after) };
}

function put<V>(node: Node<V>, depth: number, entry: Entry<V>): Node<V> {
  if (!isLeaf(node)) return withNode(node, placeIn(entry.hash, depth), (below) => put(below, depth + 1, entry));
  const { hash, id } = entry;
  const at = node.findIndex((each) => each.hash > hash || (each.hash === hash && each.id >= id));
  // Not spread into a new array: that would have room for sixteen more.
  if (at === -1) return spread(node.toSpliced(node.length, 0, entry), depth);
  if (node[at]?.hash === hash && node[at].id === id) return node.with(at, entry);
  return spread(node.toSpliced(at, 0, entry), depth);
}

function spread<V>(leaf: Leaf<V>, depth: number): Node<V> {
  if (leaf.length <= LEAF_SIZE || 4 * depth >= HASH_BITS) return leaf;
  const below = (place: number) =>
    spread(
      leaf.filter(({ hash }) => placeIn(hash, depth) === place),
      depth + 1,
    );
  return { nodes: Array.from({ length: FANOUT }, (_, place) => below(place)), size: leaf.length };
}

function take<V>(node: Node<V>, depth: number, entry: Entry<V>): Node<V> {
  if (isLeaf(node)) return node.filter((each) => each !== entry);
  const rest = withNode(node, placeIn(entry.hash, depth), (below) => take(below, depth + 1, entry));
  return rest.size > LEAF_SIZE ? rest : leavesOf(rest).flat();
}

function leavesOf<V>(node: Node<V>, found: Leaf<V>[] = []): readonly Leaf<V>[] {
  if (isLeaf(node)) found.push(node);
  else for (const each of node.nodes) leavesOf(each, found);
  return found;
}

export class Table<V> {
  private constructor(private readonly root: Node<V>) {}

  private static readonly none = new Table<never>(NOTHING);

  static empty<V>(): Table<V> {
    return Table.none;
  }

  get size(): number {
    return sizeOf(this.root);
  }

  get(id: string): V | undefined {
    return find(this.root, hashOf(id), id)?.value;
  }

  has(id: string): boolean {
    return find(this.root, hashOf(id), id) !== undefined;
  }

  set(id: string, value: V): Table<V> {
    const hash = hashOf(id);
    const known = find(this.root, hash, id);
    return known && known.value === value ? this : new Table(put(this.root, 0, { hash, id, value }));
  }

  delete(id: string): Table<V> {
    const known = find(this.root, hashOf(id), id);
    return known === undefined ? this : new Table(take(this.root, 0, known));
  }

  *entries(): IterableIterator<[string, V]> {
    for (const leaf of leavesOf(this.root)) for (const { id, value } of leaf) yield [id, value];
  }

  *keys(): IterableIterator<string> {
    for (const [id] of this.entries()) yield id;
  }

  *values(): IterableIterator<V> {
    for (const [, value] of this.entries()) yield value;
  }
}
