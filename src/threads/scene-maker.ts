/** Makes the records of a part of a stream of scenes: what a thread does. */
import type { DigitSet } from '../data/digits.js';
import { SceneComposer, type SceneOptions } from '../data/scenes.js';
import { AirError } from '../errors.js';
import type { Header } from '../formats/records.js';
import { encodeRecord } from '../formats/stream.js';

/** All that scenes depend on but their number; what a thread is started with. */
export type SceneSetup = { digits: DigitSet; options: SceneOptions; seed: number; header: Header };

/** Scenes [first, end). */
export type ScenePart = { first: number; end: number };

/** Records one after the other as they stand in the stream, and the number of objects in each. */
export type SceneChunk = { records: Uint8Array<ArrayBuffer>; counts: number[] };

export class SceneMaker {
  private readonly composer: SceneComposer;
  private readonly setup: SceneSetup;
  private readonly image: Uint8Array<ArrayBuffer>;

  /** @throws AirError as SceneComposer's */
  constructor(setup: SceneSetup) {
    this.setup = setup;
    this.composer = new SceneComposer(setup.digits, setup.options);
    this.image = new Uint8Array(setup.options.canvas ** 2);
  }

  /**
   * The scenes of a part, up to one that cannot be made.
   * @throws AirError if that is the first
   */
  make({ first, end }: ScenePart): SceneChunk {
    const { seed, header } = this.setup;
    const records: Uint8Array[] = [];
    const counts: number[] = [];
    try {
      for (let i = first; i < end; i++) {
        const scene = this.composer.compose(seed, i, this.image);
        records.push(encodeRecord(scene, header));
        counts.push(scene.count);
      }
    } catch (error) {
      if (counts.length === 0 || !(error instanceof AirError)) throw error;
    }
    return { records: joined(records), counts };
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
