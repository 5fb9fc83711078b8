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
const isBefore = (a: Place, b: Place): boolean =>
  (b.priority - a.priority || a.order - b.order || (a.id < b.id ? -1 : 1)) < 0;

const SPREAD = 0x9e3779b1;

/** Mixes the bits of a place, so that trees are of logarithmic depth whatever order cores come in. No luck: the same places, the same tree. */
function weightOf({ priority, order }: Place): number {
  const bits = Math.imul(order + priority, SPREAD);
  return Math.imul(bits ^ (bits >>> 15), SPREAD);
}

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
  if (!left) return right;
  if (!right) return left;
  return left.weight > right.weight
    ? { ...left, right: merge(left.right, right) }
    : { ...right, left: merge(left, right.left) };
}

function remove(node: Node | null, place: Place): Node | null {
  if (node === null) return null;
  if (node.place.id === place.id) return merge(node.left, node.right);
  return isBefore(place, node.place)
    ? { ...node, left: remove(node.left, place) }
    : { ...node, right: remove(node.right, place) };
}

const idsOf = (node: Node | null): readonly string[] =>
  node === null ? [] : [...idsOf(node.left), node.place.id, ...idsOf(node.right)];

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
  with(place: Place): Queue {
    const [left, right] = split(this.root, place);
    const added = { place, weight: weightOf(place), left: null, right: null };
    return new Queue(merge(merge(left, added), right), this.size + 1);
  }

  /** Without a place that is in it. */
  without(place: Place): Queue {
    return new Queue(remove(this.root, place), this.size - 1);
  }

  /** The next core to start, or null. */
  get first(): string | null {
    let node = this.root;
    while (node?.left) node = node.left;
    return node?.place.id ?? null;
  }
  ids(): readonly string[] {
    return idsOf(this.root);
  }
}

/** Cores in the order in which they will start. */
export function queueOf({ queued }: { readonly queued: Queue }): readonly string[] {
  return queued.ids();
}
