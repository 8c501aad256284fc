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

/** Calls back for each row of pixels of each square: where it begins in the images, and in the patches. */
function forEachLine(sweep: Sweep, images: number, line: (image: number, patch: number) => void): void {
  const { side, channels, window, stride } = sweep;
  const places = placesOf(sweep);
  let patch = 0;
  for (let i = 0; i < images; i++) {
    for (let top = 0; top < places; top++) {
      for (let left = 0; left < places; left++) {
        for (let row = 0; row < window; row++) {
          line(((i * side + top * stride + row) * side + left * stride) * channels, patch);
          patch += window * channels;
        }
      }
    }
  }
}

/** images [B, side, side, C] -> [B * places^2, window * window * C] */
export function patchesOf(images: Float32Array, sweep: Sweep): Float32Array {
  const count = images.length / (sweep.side ** 2 * sweep.channels);
  const patches = new Float32Array(count * placesOf(sweep) ** 2 * patchWidth(sweep));
  const width = sweep.window * sweep.channels;
  forEachLine(sweep, count, (image, patch) => {
    for (let j = 0; j < width; j++) patches[patch + j] = images[image + j];
  });
  return patches;
}

/** Its gradient: what each pixel gets from all squares that it is in. */
export function sumPatches(patches: Float32Array, sweep: Sweep): Float32Array {
  const count = patches.length / (placesOf(sweep) ** 2 * patchWidth(sweep));
  const images = new Float32Array(count * sweep.side ** 2 * sweep.channels);
  const width = sweep.window * sweep.channels;
  forEachLine(sweep, count, (image, patch) => {
    for (let j = 0; j < width; j++) images[image + j] += patches[patch + j];
  });
  return images;
}
