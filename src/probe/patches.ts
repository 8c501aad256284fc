/**
 * The squares of an image that a convolution looks at, laid out as rows so that it is a matrix product, and back. On the host: no
 * backend of tfjs but the slow ones has the gradient of a convolution by its filters.
 */

/** Images of side x side x channels, channels last, and a square window that goes over them without a border. */
export type Sweep = { side: number; channels: number; window: number; stride: number };

/** How many places the window has along a side. */
export function placesOf({ side, window, stride }: Sweep): number {
  return Math.floor((side - window) / stride) + 1;
}

/** Numbers in one square. */
export function patchWidth({ window, channels }: Sweep): number {
  return window * window * channels;
}

/** Of one image: where each number of the patches stands in it, patch by patch, row by row [places^2 * window * window * C]. */
function sourcesOf(sweep: Sweep): Int32Array {
  const { side, channels, window, stride } = sweep;
  const places = placesOf(sweep);
  const sources = new Int32Array(places ** 2 * patchWidth(sweep));
  let at = 0;
  for (let top = 0; top < places; top++) {
    for (let left = 0; left < places; left++) {
      for (let row = 0; row < window; row++) {
        const from = ((top * stride + row) * side + left * stride) * channels;
        for (let j = 0; j < window * channels; j++) sources[at++] = from + j;
      }
    }
  }
  return sources;
}

/** images [B, side, side, C] -> [B * places^2, window * window * C] */
export function patchesOf(images: Float32Array, sweep: Sweep): Float32Array {
  const sources = sourcesOf(sweep);
  const size = sweep.side ** 2 * sweep.channels;
  const patches = new Float32Array((images.length / size) * sources.length);
  for (let to = 0, from = 0; to < patches.length; to += sources.length, from += size) {
    for (let p = 0; p < sources.length; p++) patches[to + p] = images[from + sources[p]];
  }
  return patches;
}

/** Its gradient: what each pixel gets from all squares that it is in. */
export function sumPatches(patches: Float32Array, sweep: Sweep): Float32Array {
  const sources = sourcesOf(sweep);
  const size = sweep.side ** 2 * sweep.channels;
  const images = new Float32Array((patches.length / sources.length) * size);
  for (let from = 0, to = 0; from < patches.length; from += sources.length, to += size) {
    for (let p = 0; p < sources.length; p++) images[to + sources[p]] += patches[from + p];
  }
  return images;
}
