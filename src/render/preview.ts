/** The picture a training run leaves behind now and then: what the model makes of a few images so far. */
import type { Latent } from '../core/latent.js';
import type { Scene } from '../formats/records.js';
import { drawPicture } from './pictures.js';

/**
 * Input and reconstruction rows, with boxes and counts, at two pixels to one.
 *
 *   scenes    images [H, W], with their truth if it is known
 *   latents   what was inferred from each, in the same order
 *   canvas    [H, W]
 *   returns   the bytes of a PNG
 */
export function renderPreview(
  scenes: readonly Pick<Scene, 'image' | 'count' | 'objects'>[],
  latents: readonly Latent[],
  canvas: readonly [number, number],
): Uint8Array {
  const subjects = scenes.map((scene, k) => ({ ...latents[k], ...scene }));
  return drawPicture(subjects, { canvas, rows: ['input', 'reconstruction'], columns: 10, scale: 2 }).toPng();
}
