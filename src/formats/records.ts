/**
 * The values in a stream: headers, scenes and latents, as TypeScript sees them and as msgpack carries them. Every field
 * is checked in both directions (fields.ts), so what is written can be read, and what has been read can be used without a look.
 */
import type { Box, Latent } from '../core/latent.js';
import { camelCase, snakeCase } from '../core/names.js';
import {
  arrayType,
  BadValue,
  bad,
  box,
  bytesToVector,
  distribution,
  type Fields,
  finite,
  label,
  list,
  logWeights,
  MAX_OBJECTS,
  map,
  pixels,
  probability,
  side,
  type VectorKind,
  vectorToBytes,
  wholeNumber,
} from './fields.js';

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
  if (objects !== undefined) {
    header.objects = list(objects, 'objects', MAX_OBJECTS + 1).map((n) => wholeNumber(n, 'objects', MAX_OBJECTS));
  }
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
  vector(value: unknown, kind: VectorKind, field: string): unknown;
  /** The key under which a field is found, and that under which it is put, given the one on the wire. */
  from(key: string): string;
  to(key: string): string;
};

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
  if (from.count !== undefined) to.count = wholeNumber(from.count, 'count', MAX_OBJECTS);
  if (from.objects === undefined) return;
  to.objects = list(from.objects, 'objects', MAX_OBJECTS).map((value) => {
    const object = map(value, 'objects[]');
    return {
      ...(object.label === undefined ? {} : { label: label(object.label, 'label') }),
      frame: box(object.frame, 'frame'),
      ink: box(object.ink, 'ink'),
    };
  });
  if (to.count !== undefined && to.objects.length !== to.count) {
    throw new BadValue(`count is ${to.count}, but there are ${to.objects.length} objects`);
  }
}

function copyLatent(from: Fields, header: Header, way: Way): Fields {
  const q = distribution(from.q, 'q');
  const steps = list(from.steps, 'steps', MAX_OBJECTS);
  if (q.length !== steps.length + 1) bad('q', `${steps.length + 1} numbers for ${steps.length} steps`, q);
  const latent: Fields = { i: wholeNumber(from.i, 'i'), n: wholeNumber(from.n, 'n', steps.length), q };
  if (from.elbo !== undefined) latent.elbo = finite(from.elbo, 'elbo');
  if (from.evidence !== undefined) {
    const evidence = logWeights(from.evidence, 'evidence');
    if (evidence.length !== q.length) bad('evidence', `${q.length} numbers as q`, evidence);
    latent.evidence = evidence;
  }
  const nEvidence = from[way.from('n_evidence')];
  if (nEvidence !== undefined) latent[way.to('n_evidence')] = wholeNumber(nEvidence, 'n_evidence', steps.length);
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
  const step: Fields = { box: box(from.box, 'box'), p: probability(from.p, 'p') };
  for (const [key, length, least] of [
    ['where', whereSize, Number.NEGATIVE_INFINITY],
    ['where_scale', whereSize, 0],
    ['what', size, Number.NEGATIVE_INFINITY],
    ['what_scale', size, 0],
  ] as const) {
    step[way.to(key)] = way.vector(from[way.from(key)], { length, least }, key);
  }
  if (from.window !== undefined) {
    if (header.window === undefined) throw new BadValue('window is there, but the header names no shape for it');
    step.window = pixels(from.window, header.window.shape, 'window');
  }
  return step;
}
