/** Safetensors files: a header of JSON in which every length, offset, shape and key may be a lie. */
import assert from 'node:assert/strict';
import {
  decodeSafetensors,
  encodeSafetensors,
  sealSafetensors,
  type TensorData,
  UNSEALED_DIGEST,
} from '#air/formats/safetensors.js';
import { concat } from '../../support/samples.js';
import { sha256 } from '../../support/sha256.js';
import { type Made, NAME, type Reader } from '../cases.js';
import type { Choices } from '../choices.js';
import { Fields, type Tree, toJson, twisted } from '../trees.js';

export type Tensors = { tensors: Map<string, TensorData>; metadata: Record<string, string> };

const DTYPES = ['F32', 'U8', 'I64', 'F64', 'F16', 'BF16', 'I32', 'I16', 'I8', 'U64', 'U32', 'U16', 'BOOL'] as const;
const SIZES: Record<(typeof DTYPES)[number], number> = {
  ...{ F64: 8, I64: 8, U64: 8, F32: 4, I32: 4, U32: 4, F16: 2, BF16: 2, I16: 2, U16: 2, U8: 1, I8: 1, BOOL: 1 },
};

/** A file of a header and data, lengths true but for lies. If the header has a digest of zeros, it is sealed with the right one. */
export function fileOf(c: Choices, header: Tree, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(
    c.or(toJson(twisted(c, header)), () => c.pick(['', '{', 'null', '[]', '"x"', '1', '{}{}', '\ufeff{}'])),
  );
  const json = concat([text, new TextEncoder().encode(' '.repeat(c.below(9)))]);
  const start = new Uint8Array(8);
  new DataView(start.buffer).setBigUint64(0, BigInt(c.whole(json.length, 64)) & 0xffffffffffffffffn, true);
  const whole = concat([start, json, data]);
  try {
    sealSafetensors(whole, sha256);
  } catch {
    // no digest in it, or a lie in its place: left as it is
  }
  return whole;
}

function make(c: Choices): Made<Tensors> {
  const parts: Uint8Array[] = [];
  const entries: [Tree, Tree][] = [];
  let at = 0;
  for (let count = c.below(4), k = 0; k < count; k++) {
    const dtype = c.pick(DTYPES);
    const shape = c.list(3, () => c.below(4));
    const size = SIZES[dtype] * shape.reduce((product, one) => product * one, 1);
    parts.push(c.bytes(size));
    const fields: [Tree, Tree][] = [
      ['dtype', dtype],
      ['shape', shape],
      ['data_offsets', [at, at + size]],
    ];
    entries.push([`tensor.${k}`, new Fields(fields)]);
    at += size;
  }
  const metadata: [Tree, Tree][] = c.once(2)
    ? [
        ['format', 'air'],
        ['digest', UNSEALED_DIGEST],
      ]
    : [['é', c.pick(['', 'x'])]];
  if (c.once(2)) entries.unshift(['__metadata__', new Fields(metadata)]);
  return {
    bytes: fileOf(
      c,
      new Fields(entries),
      c.or(concat(parts), () => c.bytes(c.below(at + 9))),
    ),
  };
}

export const safetensors: Reader<Tensors> = {
  name: 'safetensors',
  make,
  read: (bytes) => decodeSafetensors(bytes, NAME),
  check(value) {
    const again = decodeSafetensors(encodeSafetensors(value.tensors, value.metadata), NAME);
    assert.deepEqual(new Map([...again.tensors].sort()), new Map([...value.tensors].sort()));
    assert.deepEqual(again.metadata, value.metadata);
  },
  same: assert.deepEqual,
};
