/** Makes the records of a part of a stream of scenes: what a thread does. */
import { readFileSync } from 'node:fs';
import type { DigitSet } from '../data/digits.js';
import { KernelResizer } from '../data/kernel-resizer.js';
import { SceneComposer, type SceneOptions } from '../data/scenes.js';
import { AirError } from '../errors.js';
import { SceneBytes } from '../formats/scene-bytes.js';

/** All that scenes depend on but their number; what a thread is started with. */
export type SceneSetup = { digits: DigitSet; options: SceneOptions; seed: number };

/** Scenes [first, end). */
export type ScenePart = { first: number; end: number };

/** Records one after the other as they stand in the stream, and the number of objects in each. */
export type SceneChunk = { records: Uint8Array<ArrayBuffer>; counts: number[] };

export class SceneMaker {
  private readonly composer: SceneComposer;
  private readonly setup: SceneSetup;

  /** @throws AirError as SceneComposer's */
  constructor(setup: SceneSetup) {
    this.setup = setup;
    const { digits, options } = setup;
    const module = new WebAssembly.Module(readFileSync(new URL('../data/resize.wasm', import.meta.url)));
    this.composer = new SceneComposer(digits, options, new KernelResizer(module, digits.height, digits.width));
  }

  /**
   * The scenes of a part, up to one that cannot be made.
   * @throws AirError if that is the first
   */
  make({ first, end }: ScenePart): SceneChunk {
    const { seed, options } = this.setup;
    const records = new SceneBytes(options.canvas ** 2, end - first);
    const counts: number[] = [];
    try {
      for (let i = first; i < end; i++) {
        const { objects } = this.composer.compose(seed, i, records.begin(i));
        records.end(objects);
        counts.push(objects.length);
      }
    } catch (error) {
      if (counts.length === 0 || !(error instanceof AirError)) throw error;
    }
    return { records: records.take(), counts };
  }
}
