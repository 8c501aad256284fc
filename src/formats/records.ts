/**
 * The values in a stream: headers, scenes and latents, as TypeScript sees them and as msgpack carries them. Every field
 * is checked in both directions, so what is written can be read, and what has been read can be used without a look.
 */
import type { Box, Latent } from '../core/latent.js';
import { camelCase, snakeCase } from '../core/names.js';

/** One object as it was drawn. `frame` is the resized digit image, `ink` the box of its non-zero pixels. */
export type SceneObject = { label?: number; frame: Box; ink: Box };

/** An image [H, W] with its truth, as far as it is known. */
export type Scene = { i: number; image: Uint8Array; count?: number; objects?: SceneObject[] };

/** What inference says of an image, with the image and its truth passed through. */
export type LatentRecord = Scene & Latent;

export type StreamKind = 'scenes' | 'latents';

export type Header = {
  air: StreamKind;
  version: 1;
  /** [H, W] in pixels, 1 .. 2048. */
  canvas: [number, number];
  image: { dtype: 'uint8'; shape: [number, number] };
  /** The decoded windows, if steps carry them. */
  window?: { dtype: 'uint8'; shape: [number, number] };
  what?: { dtype: 'float32'; shape: [number] };
  /** z_where, if it is not three numbers. */
  where?: { dtype: 'float32'; shape: [number] };
  model?: Record<string, string | number>;
  seed?: number;
  objects?: number[];
  /** The command lines that led here, oldest first. */
  provenance?: string[];
  [other: string]: unknown;
};

/** The stream version this program writes, and the newest it reads. */
export const STREAM_VERSION = 1;

const MAX_SIDE = 2048;

/** A value that does not have the form it should; the message says which field, and how. */
export class BadValue extends Error {}

type Fields = Record<string, unknown>;

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

function bad(field: string, expected: string, value: unknown): never {
  throw new BadValue(`${field} must be ${expected}, got ${describe(value)}`);
}

function wholeNumber(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) bad(field, 'a whole number', value);
  return value;
}

function finite(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) bad(field, 'a finite number', value);
  return value;
}

/** A logarithm: that of 0 is one too. */
function orMinusInfinity(value: unknown, field: string): number {
  return value === Number.NEGATIVE_INFINITY ? value : finite(value, field);
}

function list(value: unknown, field: string): unknown[] {
  if (!Array.isArray(value)) bad(field, 'an array', value);
  return value;
}

function map(value: unknown, field: string): Fields {
  if (!isMap(value)) bad(field, 'a map', value);
  return value;
}

function box(value: unknown, field: string): Box {
  if (!Array.isArray(value) || value.length !== 4) bad(field, 'a box [x, y, w, h]', value);
  for (let i = 0; i < 4; i++) finite(value[i], field);
  return value as unknown as Box;
}

function pixels(value: unknown, shape: readonly number[], field: string): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length !== shape[0] * shape[1]) {
    bad(field, `${shape[0] * shape[1]} bytes (${shape[0]} x ${shape[1]})`, value);
  }
  return value;
}

function side(value: unknown, field: string): number {
  if (wholeNumber(value, field) < 1 || (value as number) > MAX_SIDE) bad(field, `a size in 1 .. ${MAX_SIDE}`, value);
  return value as number;
}

/** {"dtype", "shape"} of an array, sides checked. */
function arrayType(value: unknown, dtype: string, rank: number, field: string): { dtype: string; shape: number[] } {
  const fields = map(value, field);
  if (fields.dtype !== dtype) bad(`${field}.dtype`, dtype, fields.dtype);
  const sizes = list(fields.shape, `${field}.shape`);
  if (sizes.length !== rank) bad(`${field}.shape`, `an array of ${rank}`, sizes);
  return { dtype, shape: sizes.map((size) => side(size, `${field}.shape`)) };
}

/**
 * A header, checked, with its keys in the order they are written. Unknown keys pass through.
 * @throws BadValue naming the field.
 */
export function checkHeader(value: unknown): Header {
  const { air, version, canvas, image, window, what, where, model, seed, objects, provenance, ...others } = map(
    value,
    'header',
  );
  if (air !== 'scenes' && air !== 'latents') bad('air', '"scenes" or "latents"', air);
  if (version !== STREAM_VERSION) bad('version', String(STREAM_VERSION), version);
  const sides = list(canvas, 'canvas').map((size) => side(size, 'canvas'));
  if (sides.length !== 2) bad('canvas', '[height, width]', canvas);
  const header: Fields = { air, version, canvas: sides, image: arrayType(image, 'uint8', 2, 'image') };
  const imageShape = (header as Header).image.shape;
  if (imageShape[0] !== sides[0] || imageShape[1] !== sides[1]) {
    throw new BadValue(`image.shape is ${imageShape.join(' x ')}, but canvas is ${sides.join(' x ')}`);
  }
  if (window !== undefined) header.window = arrayType(window, 'uint8', 2, 'window');
  if (what !== undefined) header.what = arrayType(what, 'float32', 1, 'what');
  if (where !== undefined) header.where = arrayType(where, 'float32', 1, 'where');
  if (model !== undefined) header.model = map(model, 'model');
  if (seed !== undefined) header.seed = wholeNumber(seed, 'seed');
  if (objects !== undefined) header.objects = list(objects, 'objects').map((n) => wholeNumber(n, 'objects'));
  for (const key of Object.keys(others)) if (others[key] !== undefined) header[key] = others[key];
  if (provenance !== undefined) {
    header.provenance = list(provenance, 'provenance').map((line) =>
      typeof line === 'string' ? line : bad('provenance', 'an array of strings', line),
    );
  }
  return header as Header;
}

/** One of the two ways between a record in memory, whose keys are in camelCase, and on the wire, in snake_case. */
type Way = {
  /** Float32 vectors into bytes, or bytes into vectors. */
  vector(value: unknown, length: number | undefined, field: string): unknown;
  /** The key under which a field is found, and that under which it is put, given the one on the wire. */
  from(key: string): string;
  to(key: string): string;
};

/** float32 values as their little-endian bytes; `length` values if it is given. */
function vectorToBytes(value: unknown, length: number | undefined, field: string): Uint8Array {
  if (!(value instanceof Float32Array) || (length !== undefined && value.length !== length)) {
    bad(field, length === undefined ? 'a float32 vector' : `${length} float32 values`, value);
  }
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

function bytesToVector(value: unknown, length: number | undefined, field: string): Float32Array {
  const isRight =
    value instanceof Uint8Array && (length === undefined ? value.length % 4 === 0 : value.length === 4 * length);
  if (!isRight)
    bad(field, length === undefined ? 'float32 values' : `${4 * length} bytes (float32 [${length}])`, value);
  const vector = new Float32Array(value.length / 4);
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  for (let i = 0; i < vector.length; i++) vector[i] = view.getFloat32(4 * i, true);
  return vector;
}

const TO_WIRE: Way = { vector: vectorToBytes, from: camelCase, to: snakeCase };
const FROM_WIRE: Way = { vector: bytesToVector, from: snakeCase, to: camelCase };

/** A scene from msgpack. @throws BadValue naming the field. */
export function sceneFromWire(value: unknown, header: Header): Scene {
  return copyScene(map(value, 'record'), header);
}

/** A scene for msgpack, its keys in order. @throws BadValue naming the field. */
export function sceneToWire(scene: Scene, header: Header): unknown {
  return withWholeIndex(copyScene(scene, header));
}

/** Latents from msgpack. @throws BadValue naming the field. */
export function latentFromWire(value: unknown, header: Header): LatentRecord {
  return copyLatent(map(value, 'record'), header, FROM_WIRE) as LatentRecord;
}

/** Latents for msgpack, their keys in order, vectors as bytes. @throws BadValue naming the field. */
export function latentToWire(latent: LatentRecord, header: Header): unknown {
  return withWholeIndex(copyLatent(latent, header, TO_WIRE));
}

/** msgpackr writes a number beyond 32 bits as a float64, a bigint as an integer. */
function withWholeIndex(record: Fields): Fields {
  if ((record.i as number) > 0xffffffff) record.i = BigInt(record.i as number);
  return record;
}

function copyScene(from: Fields, header: Header): Scene {
  const scene: Scene = { i: wholeNumber(from.i, 'i'), image: pixels(from.image, header.image.shape, 'image') };
  copyTruth(from, scene);
  return scene;
}

function copyTruth(from: Fields, to: Scene): void {
  if (from.count !== undefined) to.count = wholeNumber(from.count, 'count');
  if (from.objects === undefined) return;
  to.objects = list(from.objects, 'objects').map((value) => {
    const object = map(value, 'objects[]');
    return {
      ...(object.label === undefined ? {} : { label: wholeNumber(object.label, 'label') }),
      frame: box(object.frame, 'frame'),
      ink: box(object.ink, 'ink'),
    };
  });
  if (to.count !== undefined && to.objects.length !== to.count) {
    throw new BadValue(`count is ${to.count}, but there are ${to.objects.length} objects`);
  }
}

function copyLatent(from: Fields, header: Header, way: Way): Fields {
  const q = list(from.q, 'q');
  for (const p of q) finite(p, 'q');
  const steps = list(from.steps, 'steps');
  if (q.length !== steps.length + 1) bad('q', `${steps.length + 1} numbers for ${steps.length} steps`, q);
  const n = wholeNumber(from.n, 'n');
  if (n > steps.length) bad('n', `at most ${steps.length}`, n);
  const latent: Fields = { i: wholeNumber(from.i, 'i'), n, q };
  if (from.elbo !== undefined) latent.elbo = finite(from.elbo, 'elbo');
  if (from.evidence !== undefined) {
    const evidence = list(from.evidence, 'evidence');
    for (const logWeight of evidence) orMinusInfinity(logWeight, 'evidence');
    if (evidence.length !== q.length) bad('evidence', `${q.length} numbers as q`, evidence);
    latent.evidence = evidence;
  }
  const nEvidence = from[way.from('n_evidence')];
  if (nEvidence !== undefined) {
    if (wholeNumber(nEvidence, 'n_evidence') > steps.length) bad('n_evidence', `at most ${steps.length}`, nEvidence);
    latent[way.to('n_evidence')] = nEvidence;
  }
  latent.steps = steps.map((step) => copyStep(map(step, 'steps[]'), header, way));
  latent.image = pixels(from.image, header.image.shape, 'image');
  if (from.reconstruction !== undefined) {
    latent.reconstruction = pixels(from.reconstruction, header.image.shape, 'reconstruction');
  }
  copyTruth(from, latent as Scene);
  return latent;
}

function copyStep(from: Fields, header: Header, way: Way): Fields {
  const size = header.what?.shape[0];
  const whereSize = header.where?.shape[0] ?? 3;
  const step: Fields = { box: box(from.box, 'box'), p: finite(from.p, 'p') };
  for (const [key, length] of [
    ['where', whereSize],
    ['where_scale', whereSize],
    ['what', size],
    ['what_scale', size],
  ] as const) {
    step[way.to(key)] = way.vector(from[way.from(key)], length, key);
  }
  if (from.window !== undefined) {
    if (header.window === undefined) throw new BadValue('window is there, but the header names no shape for it');
    step.window = pixels(from.window, header.window.shape, 'window');
  }
  return step;
}
