/**
 * What a probe looks at: images as they are, or what inference says of them. Latents are put so that a perceptron can begin with
 * them: numbers of objects that are not there are 0, and the others have mean 0 and variance 1 over the objects of the labelled
 * images, number by number, the same for every step.
 */
import type { LatentStep } from '../core/latent.js';

/** Images as a probe sees them, one after the other. */
export type FeatureRows = { values: Float32Array; width: number };

/** What inference said of an image: the most probable count, and its steps. */
type Inferred = { n: number; steps: readonly Pick<LatentStep, 'p' | 'where' | 'what'>[] };

/** Of one image: for each step z_pres, z_where and z_what [N, 1 + D + Z], those of steps after the n-th all 0. */
export function latentRow({ n, steps }: Inferred): Float32Array {
  const width = 1 + steps[0].where.length + steps[0].what.length;
  const row = new Float32Array(steps.length * width);
  steps.slice(0, n).forEach(({ where, what }, t) => {
    row.set([1, ...where, ...what], t * width);
  });
  return row;
}

/** Intensities in 0..1 of pixels. */
export function pixelRow(image: Uint8Array): Float32Array {
  return Float32Array.from(image, (byte) => byte / 255);
}

/** Rows of one length, side by side. */
export function joinRows(rows: readonly Float32Array[]): FeatureRows {
  const width = rows[0].length;
  const values = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    values.set(row, i * width);
  });
  return { values, width };
}

/** Some rows, in the order asked for. */
export function pickRows({ values, width }: FeatureRows, indices: ArrayLike<number>): FeatureRows {
  const picked = new Float32Array(indices.length * width);
  for (let i = 0; i < indices.length; i++) {
    picked.set(values.subarray(indices[i] * width, (indices[i] + 1) * width), i * width);
  }
  return { values: picked, width };
}

/** Changes rows of latents to mean 0 and variance 1, as they are over present objects of some labelled ones. */
export type Standard = (rows: FeatureRows) => FeatureRows;

/** @param labelled  rows of latents with `steps` steps each */
export function standardOf(labelled: FeatureRows, steps: number): Standard {
  const width = labelled.width / steps;
  const [sum, squares] = [new Float64Array(width), new Float64Array(width)];
  let present = 0;
  for (let at = 0; at < labelled.values.length; at += width) {
    if (labelled.values[at] === 0) continue;
    present++;
    for (let d = 1; d < width; d++) {
      sum[d] += labelled.values[at + d];
      squares[d] += labelled.values[at + d] ** 2;
    }
  }
  const count = Math.max(present, 1);
  const scale = (d: number) => Math.sqrt(Math.max(squares[d] / count - (sum[d] / count) ** 2, 0)) || 1;
  const scales = Float64Array.from({ length: width }, (_, d) => scale(d));
  return (rows) => {
    const values = rows.values.slice();
    for (let at = 0; at < values.length; at += width) {
      if (values[at] === 0) continue;
      for (let d = 1; d < width; d++) values[at + d] = (values[at + d] - sum[d] / count) / scales[d];
    }
    return { values, width: rows.width };
  };
}
