/** Values as JSON and msgpack nest them, with what objects cannot hold: a key twice, keys that are no text. And lies in them. */
import type { Choices } from './choices.js';

export class Fields {
  readonly entries: [key: Tree, value: Tree][];

  constructor(entries: [Tree, Tree][]) {
    this.entries = entries;
  }
}

/** A list in a list in a list: deeper than what walks over it can go. */
export class Deep {
  readonly depth: number;

  constructor(depth: number) {
    this.depth = depth;
  }
}

export type Tree = null | boolean | number | bigint | string | Uint8Array | Tree[] | Fields | Deep;

/** A tree of a plain value; what is undefined is left out. */
export function treeOf(value: unknown): Tree {
  if (Array.isArray(value)) return value.map(treeOf);
  if (
    typeof value !== 'object' ||
    value === null ||
    value instanceof Uint8Array ||
    value instanceof Fields ||
    value instanceof Deep
  )
    return value as Tree;
  return new Fields(
    Object.entries(value).flatMap(([key, one]): [Tree, Tree][] => (one === undefined ? [] : [[key, treeOf(one)]])),
  );
}

/** The tree, with lies in it: values in place of others, keys lost, twice, or called otherwise, lists longer and shorter. */
export function twisted(c: Choices, tree: Tree): Tree {
  if (c.isLie()) return c.once(3) ? nestedIn(c, tree) : oddTree(c, 3, tree);
  if (Array.isArray(tree)) {
    const items = tree.map((item) => twisted(c, item));
    if (c.isLie()) moveItems(c, items);
    return items;
  }
  if (!(tree instanceof Fields)) return tree;
  const entries = tree.entries.map(([key, value]): [Tree, Tree] => [
    c.isLie() ? c.pick<Tree>([c.oddText(), c.oddText(), c.oddWhole(), oddTree(c, 1)]) : key,
    twisted(c, value),
  ]);
  if (c.isLie()) moveItems(c, entries);
  if (c.isLie()) entries.push([c.oddText(), oddTree(c, 2)]);
  return new Fields(entries);
}

function moveItems<T>(c: Choices, items: T[]): void {
  if (items.length === 0) return;
  const [at, other] = [c.below(items.length), c.below(items.length)];
  const one = items[at];
  const how = c.below(4);
  if (how === 0) items.splice(at, 1);
  else if (how === 1) items.push(one);
  else if (how === 2) items.splice(at, 1, items[other]);
  else items.push(...Array.from({ length: c.copies(c.pick([2, 15, 16, 300])) }, () => one));
}

/** Any value; of the kind of `like` more often than not. */
export function oddTree(c: Choices, depth: number, like?: Tree): Tree {
  if (typeof like === 'number' && !c.once(3)) return c.oddNumber();
  if (typeof like === 'string' && !c.once(3)) return c.oddText();
  if (like instanceof Uint8Array && !c.once(3)) return c.bytes(c.pick([0, 1, like.length + 1, 2 * like.length, 1000]));
  const kind = c.below(depth > 0 ? 8 : 6);
  if (kind === 0) return null;
  if (kind === 1) return c.once(2);
  if (kind === 2) return c.oddNumber();
  if (kind === 3) return c.oddText();
  if (kind === 4) return c.bytes(c.below(9));
  if (kind === 5) return BigInt(Math.min(c.oddWhole(), 2 ** 63 - 1025));
  if (kind === 6) return c.list(4, () => oddTree(c, depth - 1));
  return new Fields(c.list(4, () => [c.once(3) ? oddTree(c, 0) : c.oddText(), oddTree(c, depth - 1)]));
}

function nestedIn(c: Choices, tree: Tree): Tree {
  if (c.once(4)) return new Deep(c.pick([100, 1000, 10_000]));
  const isList = c.once(2);
  let nested = tree;
  for (let depth = c.pick([1, 2, 31, 32, 33]); depth > 0; depth--) {
    nested = isList ? [nested] : new Fields([[c.pick(['x', '__proto__']), nested]]);
  }
  return nested;
}

/** JSON of it. What JSON cannot say comes out as another language's library would write it. */
export function toJson(tree: Tree): string {
  if (tree === null || typeof tree === 'boolean') return String(tree);
  if (typeof tree === 'number') return Object.is(tree, -0) ? '-0' : String(tree).replace('Infinity', '1e999');
  if (typeof tree === 'bigint') return String(tree);
  if (typeof tree === 'string') return JSON.stringify(tree);
  if (tree instanceof Uint8Array) return `[${tree}]`;
  if (tree instanceof Deep) return '['.repeat(tree.depth) + ']'.repeat(tree.depth);
  if (Array.isArray(tree)) return `[${tree.map(toJson).join(',')}]`;
  return `{${tree.entries.map(([key, value]) => `${typeof key === 'string' ? JSON.stringify(key) : toJson(key)}:${toJson(value)}`).join(',')}}`;
}
