/** Between bytes and tensors: images as uint8 outside the core, as intensities in 0..1 inside. */
import * as tf from '@tensorflow/tfjs';
import { AirError } from '../errors.js';
import type { Box } from './latent.js';
import { MIN_SCALE, type Size } from './ops/sampling.js';
import { MAX_SIDE, MIN_SIDE } from './ops/sides.js';

/** B images of H x W px, one after the other, row by row. */
export type ImageBatch = { pixels: Uint8Array; size: number };

/** [B, H, W] in 0..1. Caller disposes. @throws AirError 'badData' if images are not of that size */
export function toIntensities({ pixels, size }: ImageBatch, [height, width]: Size): tf.Tensor3D {
  if (pixels.length !== size * height * width) {
    const has = size > 0 ? `${pixels.length / size} pixels an image` : 'no image';
    throw new AirError('badData', `${has}, expected ${height} x ${width}`, 'make images of the size of the model');
  }
  const values = new Float32Array(pixels.length);
  for (let i = 0; i < values.length; i++) values[i] = pixels[i] / 255;
  return tf.tensor3d(values, [size, height, width]);
}

/** Intensities to bytes, clipped to 0..1. */
export function toBytes(intensities: Float32Array): Uint8Array {
  const bytes = new Uint8ClampedArray(intensities.length); // rounds and clips
  for (let i = 0; i < bytes.length; i++) bytes[i] = 255 * intensities[i];
  return new Uint8Array(bytes.buffer);
}

/** Images in one batch. */
export function joinImages(images: readonly Uint8Array[]): ImageBatch {
  const length = images[0]?.length ?? 0;
  const pixels = new Uint8Array(images.length * length);
  for (const [i, image] of images.entries()) pixels.set(image, i * length);
  return { pixels, size: images.length };
}

/** Some of the images of a batch, without copying. */
export function sliceImages({ pixels, size }: ImageBatch, from: number, to: number): ImageBatch {
  const length = pixels.length / size;
  return { pixels: pixels.subarray(from * length, to * length), size: to - from };
}

/** The images of a batch one by one, without copying. */
export function splitImages(batch: ImageBatch): Uint8Array[] {
  return Array.from({ length: batch.size }, (_, b) => sliceImages(batch, b, b + 1).pixels);
}

/** The box of z_where = (s, x, y) on a canvas: [left, top, width, height] in continuous pixels. */
export function boxOf(where: ArrayLike<number>, [height, width]: Size): Box {
  const s = Math.max(where[0], MIN_SCALE);
  const [boxWidth, boxHeight] = [width / s, height / s];
  return [
    (width / 2) * (1 - where[1] / s) - boxWidth / 2,
    (height / 2) * (1 - where[2] / s) - boxHeight / 2,
    boxWidth,
    boxHeight,
  ];
}

/** The same of z_where = (sx, x, sy, y), sides and centre: a box as wide as |sx| canvases, centred at W/2 (1 + x). */
export function boxOfSides(where: ArrayLike<number>, [height, width]: Size): Box {
  const held = (side: number) => Math.min(Math.max(Math.abs(side), MIN_SIDE), MAX_SIDE);
  const [boxWidth, boxHeight] = [held(where[0]) * width, held(where[2]) * height];
  return [
    (width / 2) * (1 + where[1]) - boxWidth / 2,
    (height / 2) * (1 + where[3]) - boxHeight / 2,
    boxWidth,
    boxHeight,
  ];
}
