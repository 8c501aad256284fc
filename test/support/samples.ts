/** Small streams and ways to read bytes, shared by the tests of this folder. */
import type { Box } from '#air/core/latent.js';
import { AirError } from '#air/errors.js';
import type { Header, LatentRecord, Scene } from '#air/formats/records.js';
import { type ReadOptions, readStream, type StreamEvent, StreamWriter } from '#air/formats/stream.js';

export const SCENES: Header = {
  air: 'scenes',
  version: 1,
  canvas: [2, 3],
  image: { dtype: 'uint8', shape: [2, 3] },
  seed: 7,
  objects: [0, 1, 2],
  provenance: ['air gen-data --count 3'],
};

export const LATENTS: Header = {
  air: 'latents',
  version: 1,
  canvas: [2, 3],
  image: { dtype: 'uint8', shape: [2, 3] },
  window: { dtype: 'uint8', shape: [2, 2] },
  what: { dtype: 'float32', shape: [2] },
  model: { preset: 'small', step: 1500 },
  provenance: ['air gen-data --count 3', 'air infer é.safetensors'],
};

const frame: Box = [0, 0.5, 2, 1];
const ink: Box = [0.25, 0.5, 1.5, 1];

/** Scenes with all of the truth, with a part of it, and with none; numbers of every width. */
export function sampleScenes(): Scene[] {
  return [
    { i: 0, image: Uint8Array.of(0, 1, 127, 128, 254, 255), count: 1, objects: [{ label: 3, frame, ink }] },
    { i: 300, image: new Uint8Array(6), count: 0, objects: [] },
    { i: 70000, image: new Uint8Array(6).fill(9), count: 2 },
    { i: 5_000_000_000, image: Uint8Array.of(1, 2, 3, 4, 5, 6) },
  ];
}

/** Latents with everything optional, and with nothing of it; N = 1 step. */
export function sampleLatents(): LatentRecord[] {
  const step = {
    box: [-1.5, 0, 2.25, 2.25] as Box,
    p: 0.75,
    where: Float32Array.of(3, -0.5, 0.1),
    whereScale: Float32Array.of(0.2, 1, 1e-7),
    what: Float32Array.of(-1, 0.3),
    whatScale: Float32Array.of(1, 0.5),
  };
  const [whole, , , bare] = sampleScenes();
  return [
    {
      i: 0,
      n: 1,
      q: [0.25, 0.75],
      elbo: 612.5,
      evidence: [611.25, Number.NEGATIVE_INFINITY],
      nEvidence: 0,
      steps: [{ ...step, window: Uint8Array.of(9, 8, 7, 6) }],
      image: whole.image,
      reconstruction: Uint8Array.of(6, 5, 4, 3, 2, 1),
      count: 1,
      objects: whole.objects,
    },
    { i: 1, n: 0, q: [1, 0], steps: [step], image: bare.image },
  ];
}

/** The pieces of a segment in order: header, records, end. */
export function segmentPieces(header: Header, records: (Scene | LatentRecord)[]): Uint8Array[] {
  const writer = new StreamWriter(header);
  return [writer.header(), ...records.map((record) => writer.record(record)), writer.end()];
}

export function concat(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces.reduce((total, piece) => total + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

export function segment(header: Header, records: (Scene | LatentRecord)[]): Uint8Array {
  return concat(segmentPieces(header, records));
}

export async function* chunksOf(bytes: Uint8Array, size = 65536): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

export type Outcome<T> = { got: T[]; error: AirError | undefined };

/** Everything that comes before the end or an error. An error that is no AirError 'badData' is a failure. */
export async function drain<T>(values: AsyncIterable<T>): Promise<Outcome<T>> {
  const got: T[] = [];
  try {
    for await (const value of values) got.push(value);
  } catch (error) {
    if (error instanceof AirError && error.kind === 'badData') return { got, error };
    throw error;
  }
  return { got, error: undefined };
}

export function readBytes(
  bytes: Uint8Array,
  options: Partial<ReadOptions> = {},
  chunkSize?: number,
): Promise<Outcome<StreamEvent<Scene | LatentRecord>>> {
  return drain(readStream(chunksOf(bytes, chunkSize), { name: 'in.air', ...options }));
}

/** The records among events. */
export function recordsOf(events: StreamEvent<Scene | LatentRecord>[]): (Scene | LatentRecord)[] {
  return events.flatMap((event) => (event.type === 'record' ? [event.record] : []));
}

/** The error thrown, which must be an AirError. */
export function airErrorOf(run: () => unknown): AirError {
  try {
    run();
  } catch (error) {
    if (error instanceof AirError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
