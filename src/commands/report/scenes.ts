/**
 * The images that a report scores on: those of a file, or scenes made for it, of digits that are held out of the training digits.
 * Test digits are only ever scored on where the file that is named has them.
 */

import { PYRO_SCENES, SceneComposer } from '../../data/scenes.js';
import { AirError } from '../../errors.js';
import type { Scene } from '../../formats/records.js';
import type { StreamEvent } from '../../formats/stream.js';
import type { Io } from '../../io/io.js';
import { isEndless } from '../../train/source.js';
import { bundledDigits, readDigits } from '../shared/digit-files.js';
import { readImageInput } from '../shared/image-input.js';

/** Images with what is to be said of them. */
export type ScoredOn = {
  name: string;
  events: readonly StreamEvent<Scene>[];
  /** In few words, and in more. */
  what: string;
  how: string;
  warning: string | undefined;
  provenance: readonly string[];
};

/** As README has it: air gen-data --split valid --count 2000 --seed 1. */
const MADE = { count: 2000, seed: 1, split: 'valid' } as const;

/** @throws AirError 'badData' if there are no images, or no end of them; and what `readImageInput` throws */
export async function readScoredOn(file: string, io: Io): Promise<ScoredOn> {
  const events: StreamEvent<Scene>[] = [];
  for await (const event of readImageInput(file, io)) {
    if (event.type === 'header' && isEndless(event.header)) {
      throw new AirError('badData', `${file}: a stream without end cannot score`, 'give --count N to air gen-data');
    }
    events.push(event);
  }
  const headers = events.flatMap((event) => (event.type === 'header' ? [event.header] : []));
  if (!events.some(({ type }) => type === 'record')) {
    throw new AirError('badData', `${file}: no images to score`, 'make some with: air gen-data --split valid');
  }
  const splits = [...new Set(headers.map(({ generator }) => splitOf(generator)))];
  const [split] = splits.length === 1 ? splits : [undefined];
  return {
    name: file,
    events,
    what: split === undefined ? file : `${file}, ${DIGITS[split]}`,
    how: `all of ${file}${split === undefined ? '' : `: ${DIGITS[split]}`}`,
    warning: splits.some((of) => of === 'train' || of === 'full') ? SEEN : undefined,
    provenance: headers.flatMap(({ provenance }) => provenance ?? []),
  };
}

const DIGITS: { readonly [split in string]?: string } = {
  train: 'training digits',
  full: 'training digits',
  valid: 'training digits held out (--split valid)',
  test: 'test digits (--split test)',
};

const SEEN = 'These are training digits, which the model may have learnt from: scores of others may be lower.';

function splitOf(generator: unknown): string | undefined {
  const { split } = (typeof generator === 'object' && generator !== null ? generator : {}) as { split?: unknown };
  return typeof split === 'string' && Object.hasOwn(DIGITS, split) ? split : undefined;
}

/**
 * Held-out scenes as Pyro's example has them, on a canvas of this size; on a smaller one than theirs, digits are as much smaller.
 *
 * @throws AirError 'usage' if they do not fit on it
 */
export async function makeScoredOn(canvas: readonly [number, number], model: string, io: Io): Promise<ScoredOn> {
  const { count, seed, split } = MADE;
  const wayOut = 'give images like those that it was trained on: --scenes FILE';
  if (canvas[0] !== canvas[1]) {
    throw new AirError('usage', `${model}: takes images of ${canvas.join(' x ')} px, scenes are square`, wayOut);
  }
  const digits = await readDigits(bundledDigits(), { split }, io);
  const [side] = canvas;
  const times = (value: number): number => Number((value * Math.max(1, PYRO_SCENES.canvas / side)).toFixed(3));
  const [scaleMean, scaleSd] = [times(PYRO_SCENES.scaleMean), times(PYRO_SCENES.scaleSd)];
  const composer = new SceneComposer(digits, { ...PYRO_SCENES, canvas: side, scaleMean, scaleSd });
  const records: StreamEvent<Scene>[] = [];
  try {
    for (let i = 0; i < count; i++) records.push({ type: 'record', record: composer.compose(seed, i) });
  } catch (error) {
    if (!(error instanceof AirError)) throw error;
    throw new AirError('usage', `${model}: takes images of ${canvas.join(' x ')} px: ${error.message}`, wayOut);
  }
  const size: [number, number] = [side, side];
  const onCanvas = side === PYRO_SCENES.canvas ? '' : ` --canvas ${side}`;
  const scaled = side < PYRO_SCENES.canvas ? ` --scale-mean ${scaleMean} --scale-sd ${scaleSd}` : '';
  const line = `air gen-data --split ${split} --count ${count} --seed ${seed}${onCanvas}${scaled}`;
  return {
    name: 'held-out scenes',
    events: [
      { type: 'header', header: { air: 'scenes', version: 1, canvas: size, image: { dtype: 'uint8', shape: size } } },
      ...records,
      { type: 'end' } as StreamEvent<Scene>,
    ],
    what: 'scenes made of digits held out of MNIST’s training digits',
    how: `made for this report, since no --scenes was given, of digits held out of MNIST’s training digits: ${line}`,
    warning: undefined,
    provenance: [],
  };
}
