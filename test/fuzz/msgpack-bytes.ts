/** Msgpack written by its specification, in every encoding that a value has, and with lengths that lie. */
import { concat } from '../support/samples.js';
import type { Choices } from './choices.js';
import { Deep, Fields, type Tree } from './trees.js';

const UTF8 = new TextEncoder();

export function packTree(c: Choices, tree: Tree): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  put(c, tree, parts);
  return concat(parts);
}

function put(c: Choices, tree: Tree, parts: Uint8Array[]): void {
  if (c.isLie()) parts.push(c.pick([c.bytes(1), Uint8Array.of(0xc1), extension(c)]));
  if (tree === null) parts.push(Uint8Array.of(0xc0));
  else if (typeof tree === 'boolean') parts.push(Uint8Array.of(tree ? 0xc3 : 0xc2));
  else if (typeof tree === 'number') parts.push(numberBytes(c, tree));
  else if (typeof tree === 'bigint')
    parts.push(wide(tree < 0 ? 0xd3 : 0xcf, 8, (view) => view.setBigInt64(1, BigInt.asIntN(64, tree))));
  else if (tree instanceof Deep) parts.push(new Uint8Array(tree.depth).fill(0x91), Uint8Array.of(0xc0));
  else if (Array.isArray(tree)) {
    parts.push(head(c, tree.length, { short: 0x90, shorter: 16, tokens: [undefined, 0xdc, 0xdd] }));
    for (const item of tree) put(c, item, parts);
  } else if (tree instanceof Fields) {
    parts.push(head(c, tree.entries.length, { short: 0x80, shorter: 16, tokens: [undefined, 0xde, 0xdf] }));
    for (const [key, value] of tree.entries) {
      put(c, key, parts);
      put(c, value, parts);
    }
  } else if (typeof tree === 'string') {
    const text = c.or(UTF8.encode(tree), () => c.bytes(c.pick([1, 5, 40])));
    parts.push(head(c, text.length, { short: 0xa0, shorter: 32, tokens: [0xd9, 0xda, 0xdb] }), text);
  } else parts.push(head(c, tree.length, { short: 0, shorter: 0, tokens: [0xc4, 0xc5, 0xc6] }), tree);
}

/** Whether this is the place for another encoding than the shortest. */
function isOther(c: Choices): boolean {
  return c.isVaried && c.once(8);
}

type Kind = { short: number; shorter: number; tokens: readonly (number | undefined)[] };

/** The token and the length, in the shortest encoding or a longer one. */
function head(c: Choices, truth: number, { short, shorter, tokens }: Kind): Uint8Array<ArrayBuffer> {
  const length = c.whole(truth);
  if (length < shorter && !isOther(c)) return Uint8Array.of(short | length);
  const least = length < 0x100 && tokens[0] !== undefined ? 0 : length < 0x10000 ? 1 : 2;
  const width = isOther(c) ? 2 : least;
  return wide(tokens[width] as number, 1 << width, (view) => {
    if (width === 0) view.setUint8(1, length);
    else if (width === 1) view.setUint16(1, length);
    else view.setUint32(1, length);
  });
}

function numberBytes(c: Choices, value: number): Uint8Array<ArrayBuffer> {
  const isWhole = Number.isSafeInteger(value) && !Object.is(value, -0);
  if (!isWhole || isOther(c)) {
    if (Math.fround(value) === value && isOther(c)) return wide(0xca, 4, (view) => view.setFloat32(1, value));
    return wide(0xcb, 8, (view) => view.setFloat64(1, value));
  }
  if (value >= -32 && value < 128 && !isOther(c)) return Uint8Array.of(value & 0xff);
  if (value < 0) return wide(0xd3, 8, (view) => view.setBigInt64(1, BigInt(value)));
  const least = value < 0x100 ? 0 : value < 0x10000 ? 1 : value <= 0xffffffff ? 2 : 3;
  const width = Math.min(3, least + (isOther(c) ? 1 : 0));
  return wide(0xcc + width, 1 << width, (view) => {
    if (width === 0) view.setUint8(1, value);
    else if (width === 1) view.setUint16(1, value);
    else if (width === 2) view.setUint32(1, value);
    else view.setBigUint64(1, BigInt(value));
  });
}

function wide(token: number, size: number, fill: (view: DataView) => void): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(1 + size);
  bytes[0] = token;
  fill(new DataView(bytes.buffer));
  return bytes;
}

/** Fixext and ext: msgpackr has types of its own, records and timestamps among them, that no other reader would know. */
function extension(c: Choices): Uint8Array<ArrayBuffer> {
  const type = c.pick([0, 1, 0x72, 0xff, 0x42, 0x62, 0x64, 0x69, 0x70, 0x73, 0x74, 0x78]);
  const size = c.pick([1, 2, 4, 8, 16, 3]);
  const token = size === 3 ? [0xc7, 3] : [0xd4 + Math.log2(size)];
  return concat([Uint8Array.from([...token, type]), c.bytes(size)]);
}
