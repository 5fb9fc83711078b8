/** A core that waits, and what its place in the queue goes by. */
export interface Place {
  readonly id: string;
  readonly priority: number;
  readonly order: number;
}

interface Node {
  readonly place: Place;
  readonly weight: number;
  readonly left: Node | null;
  readonly right: Node | null;
}

/** Higher priority first, then whoever queued first. */
function isBefore(a: Place, b: Place): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  if (a.order !== b.order) return a.order < b.order;
  return a.id < b.id;
}

/** Mixes the bits of a place, so that trees are of logarithmic depth whatever order cores come in. No luck: the same places, the same tree. */
function weightOf({ priority, order }: Place): number {
  let bits = Math.imul(order ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(priority + 1, 0xc2b2ae35);
  bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d);
  return (bits ^ (bits >>> 13)) >>> 0;
}

const outweighs = (a: Node, b: Node): boolean =>
  a.weight > b.weight || (a.weight === b.weight && isBefore(a.place, b.place));

function split(node: Node | null, place: Place): readonly [Node | null, Node | null] {
  if (node === null) return [null, null];
  if (isBefore(node.place, place)) {
    const [left, right] = split(node.right, place);
    return [{ ...node, right: left }, right];
  }
  const [left, right] = split(node.left, place);
  return [left, { ...node, left: right }];
}

function merge(left: Node | null, right: Node | null): Node | null {
  if (left === null || right === null) return left ?? right;
  return outweighs(left, right)
    ? { ...left, right: merge(left.right, right) }
    : { ...right, left: merge(left, right.left) };
}

function insert(node: Node | null, added: Node): Node {
  if (node === null) return added;
  if (outweighs(added, node)) {
    const [left, right] = split(node, added.place);
    return { ...added, left, right };
  }
  return isBefore(added.place, node.place)
    ? { ...node, left: insert(node.left, added) }
    : { ...node, right: insert(node.right, added) };
}

function remove(node: Node | null, place: Place): Node | null {
  if (node === null) return null;
  if (node.place.id === place.id) return merge(node.left, node.right);
  return isBefore(place, node.place)
    ? { ...node, left: remove(node.left, place) }
    : { ...node, right: remove(node.right, place) };
}

/**
 * The cores that wait for a slot, in the order in which they will start: a persistent treap, so that entering, leaving and looking who is next
 * cost the logarithm of its length. A core that comes back from a backoff queues anew, at the end, so that one bad source cannot hold a slot
 * against the others. Single flight is the machine's: a core is queued once.
 */
export class Queue {
  static readonly empty = new Queue(null, 0);

  private constructor(
    private readonly root: Node | null,
    readonly size: number,
  ) {}

  /** With a place that is not in it yet. */
  with({ id, priority, order }: Place): Queue {
    const place = { id, priority, order };
    return new Queue(insert(this.root, { place, weight: weightOf(place), left: null, right: null }), this.size + 1);
  }

  /** Without a place that is in it. */
  without(place: Place): Queue {
    return new Queue(remove(this.root, place), this.size - 1);
  }

  /** The next core to start, or null. */
  get first(): string | null {
    let node = this.root;
    while (node !== null && node.left !== null) node = node.left;
    return node?.place.id ?? null;
  }

  *ids(): IterableIterator<string> {
    const above: Node[] = [];
    for (let node = this.root; node !== null || above.length > 0; ) {
      for (; node !== null; node = node.left) above.push(node);
      const next = above.pop();
      if (next === undefined) return;
      yield next.place.id;
      node = next.right;
    }
  }
}

/** Cores in the order in which they will start. */
export function queueOf({ queued }: { readonly queued: Queue }): readonly string[] {
  return [...queued.ids()];
}
