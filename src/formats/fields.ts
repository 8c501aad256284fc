/**
 * What a field of a header or of a record may hold: kinds and ranges. Every reader and every writer goes through these, so what has
 * been read can be counted, drawn and added up without a look: no list or table that is made of it grows beyond what stands here,
 * and no sum becomes infinite. The ranges hold whatever air writes, of the worst model too.
 */
import { MAX_CANVAS } from '../core/config.js';
import type { Box } from '../core/latent.js';

/** Objects of an image, and steps of a model: more than twice what air makes. A table, and a chart, of [256, 256] can be looked at. */
export const MAX_OBJECTS = 255;
/** Above the labels that gen-data knows (65535); as many as there may be objects add up to less than 2^31. */
const MAX_LABEL = 1_000_000;
/** Above every sum of some numbers of float32 and every box that is made of them; products and sums of such stay finite. */
const MAX_MAGNITUDE = 1e45;
/** What a probability, or a sum of some, may be off by. */
const ROUNDING = 1e-5;

/** A value that does not have the form it should; the message says which field, and how. */
export class BadValue extends Error {}

export type Fields = Record<string, unknown>;

export function isMap(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** A value in few words, for a message. */
function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'a map';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}

export function bad(field: string, expected: string, value: unknown): never {
  throw new BadValue(`${field} must be ${expected}, got ${describe(value)}`);
}

/** 0 .. most. */
export function wholeNumber(value: unknown, field: string, most = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) bad(field, 'a whole number', value);
  if (value > most) bad(field, `at most ${most}`, value);
  return value;
}

export function label(value: unknown, field: string): number {
  return wholeNumber(value, field, MAX_LABEL);
}

export function finite(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) bad(field, 'a finite number', value);
  if (Math.abs(value) > MAX_MAGNITUDE) bad(field, `within ${MAX_MAGNITUDE} of 0`, value);
  return value;
}

export function probability(value: unknown, field: string): number {
  if (!(finite(value, field) >= -ROUNDING && (value as number) <= 1 + ROUNDING)) bad(field, 'in 0 .. 1', value);
  return value as number;
}

/** Probabilities of counts, all there are. */
export function distribution(value: unknown, field: string): number[] {
  let sum = 0;
  for (const p of list(value, field)) sum += probability(p, field);
  if (Math.abs(sum - 1) > ROUNDING) throw new BadValue(`${field} must add up to 1, got ${sum}`);
  return value as number[];
}

/** Logarithms of which one at least is of more than 0: those of 0 are -Infinity. */
export function logWeights(value: unknown, field: string): number[] {
  const weights = list(value, field);
  for (const weight of weights) if (weight !== Number.NEGATIVE_INFINITY) finite(weight, field);
  if (!weights.some(Number.isFinite)) bad(field, 'above -Infinity for a count', Number.NEGATIVE_INFINITY);
  return weights as number[];
}

/** Of so many entries at most. */
export function list(value: unknown, field: string, most = Number.POSITIVE_INFINITY): unknown[] {
  if (!Array.isArray(value)) bad(field, 'an array', value);
  if (value.length > most) bad(field, `an array of at most ${most}`, value);
  return value;
}

export function map(value: unknown, field: string): Fields {
  if (!isMap(value)) bad(field, 'a map', value);
  return value;
}

export function box(value: unknown, field: string): Box {
  if (!Array.isArray(value) || value.length !== 4) bad(field, 'a box [x, y, w, h]', value);
  for (let i = 0; i < 4; i++) finite(value[i], field);
  if (value[2] < 0 || value[3] < 0) bad(field, 'of sides that are not negative', Math.min(value[2], value[3]));
  return value as unknown as Box;
}

export function pixels(value: unknown, shape: readonly number[], field: string): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length !== shape[0] * shape[1]) {
    bad(field, `${shape[0] * shape[1]} bytes (${shape[0]} x ${shape[1]})`, value);
  }
  return value;
}

/** Of images, windows and vectors. */
export function side(value: unknown, field: string): number {
  if (wholeNumber(value, field) < 1 || (value as number) > MAX_CANVAS)
    bad(field, `a size in 1 .. ${MAX_CANVAS}`, value);
  return value as number;
}

/** {"dtype", "shape"} of an array, sides checked. */
export function arrayType(
  value: unknown,
  dtype: string,
  rank: number,
  field: string,
): { dtype: string; shape: number[] } {
  const fields = map(value, field);
  if (fields.dtype !== dtype) bad(`${field}.dtype`, dtype, fields.dtype);
  const sizes = list(fields.shape, `${field}.shape`);
  if (sizes.length !== rank) bad(`${field}.shape`, `an array of ${rank}`, sizes);
  return { dtype, shape: sizes.map((size) => side(size, `${field}.shape`)) };
}

/** Numbers of float32, `length` of them if it is given; `least` is 0 of standard deviations. */
export type VectorKind = { length: number | undefined; least: number };

/** float32 values as their little-endian bytes. */
export function vectorToBytes(value: unknown, { length, least }: VectorKind, field: string): Uint8Array {
  if (!(value instanceof Float32Array) || (length !== undefined && value.length !== length)) {
    bad(field, length === undefined ? 'a float32 vector' : `${length} float32 values`, value);
  }
  checkVector(value, least, field);
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

export function bytesToVector(value: unknown, { length, least }: VectorKind, field: string): Float32Array {
  const isRight =
    value instanceof Uint8Array && (length === undefined ? value.length % 4 === 0 : value.length === 4 * length);
  if (!isRight)
    bad(field, length === undefined ? 'float32 values' : `${4 * length} bytes (float32 [${length}])`, value);
  const vector = new Float32Array(value.length / 4);
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  for (let i = 0; i < vector.length; i++) vector[i] = view.getFloat32(4 * i, true);
  checkVector(vector, least, field);
  return vector;
}

function checkVector(vector: Float32Array, least: number, field: string): void {
  for (let i = 0; i < vector.length; i++) {
    if (Number.isFinite(vector[i]) && vector[i] >= least) continue;
    bad(field, least === 0 ? 'finite numbers that are not negative' : 'finite numbers', vector[i]);
  }
}
