/** Random numbers for tests: each call draws others, each run the same. */
import * as tf from '@tensorflow/tfjs';
import { Draws } from '#air/core/rng.js';

/** Numbers in row-major order with their shape. */
export type Values = { shape: number[]; data: Float32Array };

let sequence = 0;

/** Normal numbers as float32 holds them, times `scale`, plus `shift` in turn. */
export function normals(size: number, scale = 1, shift: readonly number[] = [0]): number[] {
  const draws = new Draws(1, 'bench', sequence++);
  return Array.from({ length: size }, (_, i) => Math.fround(scale * draws.normal() + shift[i % shift.length]));
}

/** The same, in a shape. */
export function random(shape: number[], scale = 1, shift: readonly number[] = [0]): Values {
  return { shape, data: Float32Array.from(normals(tf.util.sizeFromShape(shape), scale, shift)) };
}

/** The same under names, in the shape of each; every seventh number is 0, as many a gradient is. */
export function sparseNormals(
  shapes: { readonly [name: string]: readonly number[] },
  scale = 1,
): { [name: string]: number[] } {
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const numbers = normals(tf.util.sizeFromShape([...shape]), scale);
    return [name, numbers.map((value, i) => (i % 7 === 6 ? 0 : value))];
  });
  return Object.fromEntries(entries);
}
