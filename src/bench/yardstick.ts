/**
 * What a machine can do at best: the matrix products of a computation alone, as plain `tf.matMul` without transposes, in
 * their own shapes. A time divided by theirs says how well the machine is used, on whatever machine.
 */
import * as tf from '@tensorflow/tfjs';
import type { Product } from './kernels.js';
import { settle } from './timing.js';

/** Multiplications with addition; a product of [m, k] and [k, n] has m k n. */
export function multiplyAdds(products: readonly Product[]): number {
  return products.reduce((sum, { m, k, n }) => sum + m * k * n, 0);
}

export class Yardstick {
  private readonly pairs: { a: tf.Tensor2D; b: tf.Tensor2D; times: number }[];

  /** @param products all of them, each as often as it occurs; at least one */
  constructor(products: readonly Product[]) {
    const times = new Map<string, { product: Product; times: number }>();
    for (const product of products) {
      const key = `${product.m} ${product.k} ${product.n}`;
      times.set(key, { product, times: (times.get(key)?.times ?? 0) + 1 });
    }
    this.pairs = [...times.values()].map(({ product: { m, k, n }, times }) => ({
      a: matrix(m, k),
      b: matrix(k, n),
      times,
    }));
  }

  /** Milliseconds for all products, one after the other. */
  async time(): Promise<number> {
    const start = performance.now();
    let last: tf.Tensor | undefined;
    for (const { a, b, times } of this.pairs) {
      for (let i = 0; i < times; i++) {
        last?.dispose();
        last = tf.matMul(a, b);
      }
    }
    await settle(last as tf.Tensor);
    const ms = performance.now() - start;
    last?.dispose();
    return ms;
  }

  dispose(): void {
    tf.dispose(this.pairs.map(({ a, b }) => [a, b]));
  }
}

/** Numbers in -1..1, the same for each call: what they are does not matter, but that they are ordinary does. */
function matrix(rows: number, columns: number): tf.Tensor2D {
  return tf.tensor2d(
    Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i)),
    [rows, columns],
  );
}
