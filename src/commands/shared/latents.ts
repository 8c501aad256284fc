/** Between what the core explains and what a stream of latents holds. */
import type { Explained } from '../../core/infer.js';
import type { Latent, Scene } from '../../formats/records.js';

/** The record of an explained scene: its latents, with the image and the truth passed through. */
export function toLatent(scene: Scene, explained: Explained): Latent {
  const { n, q, steps, reconstruction, terms, nEvidence } = explained;
  return {
    i: scene.i,
    n,
    q,
    elbo: terms?.elbo as number,
    ...(nEvidence === undefined ? {} : { n_evidence: nEvidence }),
    steps: steps.map(({ box, p, where, whereScale, what, whatScale, window }) => ({
      box,
      p,
      where,
      where_scale: whereScale,
      what,
      what_scale: whatScale,
      window,
    })),
    image: scene.image,
    reconstruction,
    ...(scene.count === undefined ? {} : { count: scene.count }),
    ...(scene.objects === undefined ? {} : { objects: scene.objects }),
  };
}
