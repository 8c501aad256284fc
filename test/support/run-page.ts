/** What a page says of a run, made up: scores of a few made-up answers, and texts that would like to be more than texts. */
import type { Latent } from '#air/core/latent.js';
import type { RunPage } from '#air/render/html/run.js';
import { Scoreboard } from '#air/scores/scoreboard.js';

/** A file may be called so, and a command line may hold it. */
export const EVIL = `</pre><script>alert("1")</script><img src='x' onerror=alert(1)>&amp;`;

const [H, W] = [6, 8];

/** An image of 8 x 6 px in which n objects were found, so sure of it. */
export function answer(n: number, sure = 0.9): Omit<Latent, 'elbo'> & { elbo: number } {
  const vector = new Float32Array(3);
  const step = (t: number) => ({
    ...{ box: [t, 1, 3.333333, 2] as const, p: n > t ? sure : 0.1 },
    ...{ where: vector, whereScale: vector, what: vector, whatScale: vector },
  });
  const q = [0, 1, 2].map((m) => (m === n ? sure : (1 - sure) / 2));
  return { n, q, elbo: 10, steps: [0, 1].map(step), reconstruction: new Uint8Array(H * W) };
}

export function scene(i: number, count: number | undefined) {
  return { i, image: new Uint8Array(H * W).fill(i), ...(count === undefined ? {} : { count }) };
}

/** Images with 0 .. 2 objects, one of which is counted as 1 in place of 2; their truth may be unknown. */
export function runPage({
  name = 'm.safetensors',
  isBlind = false,
}: {
  name?: string;
  isBlind?: boolean;
} = {}): RunPage {
  const board = new Scoreboard();
  const shown = [0, 1, 2, 2].map((truth, i) => {
    const found = i === 3 ? 1 : truth;
    const objects = Array.from({ length: truth }, (_, t) => ({ ink: [t, 1, 3, 2] as const }));
    const one = { ...scene(i, isBlind ? undefined : truth), ...answer(found), ...(isBlind ? {} : { objects }) };
    board.add(one);
    return one;
  });
  const { scores } = board;
  return {
    name,
    canvas: [H, W],
    step: 10,
    steps: 20,
    recipe: 'the enumerate estimator, seed 0',
    weights: 1234,
    isFinished: false,
    settings: {
      preset: 'fast',
      rows: [
        { name: '--steps', value: '20', preset: '2500' },
        { name: '--batch-size', value: '128' },
      ],
    },
    curves: { absent: 'no log' },
    scores,
    collapse: undefined,
    calibration: undefined,
    scenes: { what: 'four scenes', how: 'made up', warning: undefined, images: 4, provenance: [] },
    samples: 1,
    shifts: 0,
    seed: 0,
    backend: 'wasm',
    reconstructions: shown,
    mistakes: isBlind ? [] : [shown[3]],
    wrong: isBlind ? 0 : 1,
    provenance: { lines: ['air train'], data: 'abc', backend: 'wasm', digest: 'def', bytes: 99, validation: undefined },
  };
}
