/** `air gen-data`: multi-digit scenes with their truth. */
import {
  choice,
  countOrInf,
  defineCommand,
  file,
  flag,
  flagName,
  float,
  int,
  range,
  usage,
  valued,
} from '../cli/command.js';
import { MAX_CANVAS } from '../core/config.js';
import { snakeCase } from '../core/names.js';
import {
  BACKGROUND_DEFAULTS,
  BACKGROUNDS,
  type Background,
  type BackgroundSettings,
  SETTINGS_OF,
} from '../data/background.js';
import { OVERLAPS } from '../data/overlap.js';
import { SPLITS } from '../data/splits.js';
import type { Header } from '../formats/records.js';
import { noProvenance, output, seed } from './shared/options.js';

const background = { group: 'Background' };

export const genData = defineCommand({
  name: 'gen-data',
  summary: 'make scenes: a few digits at random places, with the truth about them',
  description: `Writes a stream of scenes: images of a few digits, each with its count and, for every digit, its label, its frame (the
    resized digit image) and its ink (the box of the non-zero pixels). The default is the data that Pyro's AIR example is trained
    on: 50 x 50 pixels, 0, 1 or 2 MNIST digits of 17 to 28 pixels, drawn again while a summed pixel exceeds 255.

    Scene i depends on the seed and on i only, so shards and longer runs agree, on however many threads. Digits come from
    MNIST's training set without its last 5,000 (of other sets, the last twelfth), which --split valid holds out to choose recipes and to watch training by, or
    with --split test from its test set, which is there to score alone. No two of the three share a digit.

    --digits takes a set of the same file names (Fashion-MNIST, KMNIST), a file of images (IDX, .npy, .npz, PNG; beside IDX images,
    labels in the file of that name), a folder of PNGs, whose label is the number before the first - or _ of each name if all have
    one, or a folder of folders of PNGs, each of which is a label. Colours are taken as grey, black and transparent is background,
    and pictures of other sizes are put in the middle of a square as large as the largest. Of such digits, the eleventh and the
    twelfth of every twelve of a label, in their order, are those of --split valid and test; of fewer than eleven, all are for train.

    The backgrounds are those of SuPAIR, put behind the digits when these are in their places, so that a seed has the same digits before
    each of them. AIR itself has no background: it explains a grid as an object.`,
  operands: [],
  options: {
    count: countOrInf({ default: 60000, group: 'Scenes', help: 'how many scenes' }),
    objects: range({
      default: [0, 1, 2],
      min: 0,
      max: 100,
      group: 'Scenes',
      help: 'numbers of digits in a scene, each as likely',
    }),
    stratified: flag({
      group: 'Scenes',
      help: 'each number exactly as often: of K numbers, once in every K scenes from the first on',
    }),
    canvas: int({
      default: 50,
      min: 1,
      max: MAX_CANVAS,
      value: 'PX',
      group: 'Scenes',
      help: 'side of the square images',
    }),
    overlap: choice(OVERLAPS, {
      default: 'saturate',
      group: 'Scenes',
      help: 'draw a scene again if: the sum exceeds 255; ink meets ink; ink boxes meet; never',
    }),
    shard: valued({
      value: 'I/N',
      expects: 'I/N with 1 <= I <= N, such as 2/4',
      group: 'Scenes',
      help: 'make only part I of N; the parts in order are the whole',
      parse: parseShard,
      format: ({ index, of }) => `${index}/${of}`,
    }),
    split: choice(SPLITS, {
      default: 'train',
      group: 'Digits',
      help: 'digits to learn from, to choose by (held out of train), to score on; full: train and valid',
    }),
    digits: file({
      value: 'PATH',
      defaultText: 'the MNIST digits that come with air',
      group: 'Digits',
      help: 'other digits: a folder named as MNIST, a file of images, or sprites: a folder of PNGs or of folders of PNGs',
    }),
    invert: flag({ group: 'Digits', help: 'the digits are dark on light: take 255 - x' }),
    scaleMean: float({
      default: 1.3,
      above: 0,
      group: 'Digits',
      help: 'a digit of d pixels becomes one of int(d / s), s normal: 2 gives small ones',
    }),
    scaleSd: float({ default: 0.1, min: 0, group: 'Digits', help: 'standard deviation of s' }),
    background: choice(BACKGROUNDS, {
      ...background,
      default: 'none',
      help: 'put behind the digits: noise: .8 x + .1 + N(0, sd), clipped to 0..1; grid: lines at random offsets',
    }),
    noiseSd: float({ ...background, default: BACKGROUND_DEFAULTS.noiseSd, min: 0, help: 'sd of the noise, of 0..1' }),
    gridSpacing: int({
      ...background,
      default: BACKGROUND_DEFAULTS.gridSpacing,
      min: 1,
      max: MAX_CANVAS,
      value: 'PX',
      help: 'from one line to the next',
    }),
    gridLevel: float({
      ...background,
      default: BACKGROUND_DEFAULTS.gridLevel,
      min: 0,
      max: 1,
      help: 'intensity of the lines, of 0..1; what is brighter covers them',
    }),
    seed,
    workers: int({
      default: 1,
      min: 1,
      max: 256,
      value: 'N',
      group: 'Compute',
      help: 'threads; changes speed, not results',
    }),
    output: output({ help: 'write the scenes here' }),
    noProvenance,
  },
  examples: [
    { command: 'air gen-data -o train.air', help: '60,000 scenes of 0, 1 or 2 training digits' },
    {
      command: 'air gen-data --split valid --count 2000 --seed 1 -o valid.air',
      help: 'held-out scenes, for air train --valid',
    },
    { command: 'air gen-data --split test --count 10000 --seed 2 -o test.air', help: 'scenes to score on' },
    { command: 'air gen-data --count inf | air train', help: 'never the same scene twice' },
    {
      command: 'air gen-data --canvas 64 --objects 0..4 --stratified | air train --model-steps 4',
      help: 'up to four digits, each number as often',
    },
    { command: 'air gen-data --digits sprites/ --background noise -o sprites.air', help: 'PNGs before noise' },
    { command: 'air gen-data --count 20 --objects 3 | air render -o three.png', help: 'look at some' },
  ],
  seeAlso: ['train', 'render', 'view'],
  async run({ options, given }, io) {
    const { count, canvas, objects, stratified: isStratified, shard, split, scaleMean, scaleSd, overlap } = options;
    const { background, noiseSd, gridSpacing, gridLevel, invert: isInverted } = options;
    const settings: BackgroundSettings = { noiseSd, gridSpacing, gridLevel };
    checkBackground(background, given);
    if (shard !== undefined && count === Number.POSITIVE_INFINITY) {
      throw usage('--shard: there is no part of --count inf', 'give a number with --count, or each part a --seed');
    }
    const { bundledDigits, readDigits } = await import('./shared/digit-files.js');
    const { makeScenes } = await import('../threads/scene-pool.js');
    const { StreamWriter } = await import('../formats/stream.js');
    const out = await io.openOutput(options.output, 'stream');
    const digits = await readDigits(options.digits ?? bundledDigits(), { split, isInverted }, io);

    const header: Header = {
      air: 'scenes',
      version: 1,
      canvas: [canvas, canvas],
      image: { dtype: 'uint8', shape: [canvas, canvas] },
      ...(Number.isFinite(count) ? {} : { count: 'inf' }), // `air train` does not wait for the end
      seed: options.seed,
      objects: [...objects],
      generator: {
        split,
        scale_mean: scaleMean,
        scale_sd: scaleSd,
        overlap,
        ...(isInverted ? { invert: true } : {}),
        ...(isStratified ? { stratified: true } : {}),
        ...(background === 'none' ? {} : { background }),
        ...Object.fromEntries(SETTINGS_OF[background].map((key) => [snakeCase(key), settings[key]])),
      },
      provenance: options.noProvenance ? undefined : [io.commandLine],
    };
    const first = shard === undefined ? 0 : Math.floor((count * (shard.index - 1)) / shard.of);
    const end = shard === undefined ? count : Math.floor((count * shard.index) / shard.of);
    const made = new Map(objects.map((n) => [n, 0]));
    const writer = new StreamWriter(header, io.crc32);
    const started = io.now();
    const progress = io.messages.progress(end - first, 'scenes');
    await out.write(writer.header());
    const scenes = { canvas, objects, isStratified, scaleMean, scaleSd, overlap, background, ...settings };
    const setup = { digits, options: scenes, seed: options.seed };
    let done = 0;
    for await (const chunk of makeScenes(setup, { first, end }, options.workers)) {
      await out.write(writer.append(chunk.records, chunk.counts.length));
      for (const n of chunk.counts) made.set(n, (made.get(n) ?? 0) + 1);
      done += chunk.counts.length;
      progress.update(done);
    }
    await out.write(writer.end());
    await out.finish();
    progress.stop();
    const seconds = Math.max(io.now() - started, 1) / 1000;
    const perCount = [...made].map(([n, scenes]) => `${scenes} with ${n}`).join(', ');
    io.messages.info(
      end === first ? '0 scenes' : `${end - first} ${end - first === 1 ? 'scene' : 'scenes'}: ${perCount}`,
    );
    io.messages.detail(`${seconds.toFixed(2)} s, ${Math.round((end - first) / seconds)} scenes/s`);
  },
});

/** A setting of a background that is not there would do nothing. */
function checkBackground(background: Background, given: ReadonlySet<string>): void {
  for (const other of BACKGROUNDS.filter((one) => one !== background)) {
    const idle = SETTINGS_OF[other].find((key) => given.has(key));
    if (idle !== undefined) throw usage(`--${flagName(idle)} is of --background ${other}, this is ${background}`);
  }
}

function parseShard(text: string): { index: number; of: number } | undefined {
  const parts = /^(\d{1,9})\/(\d{1,9})$/.exec(text);
  if (parts === null) return undefined;
  const [index, of] = [Number(parts[1]), Number(parts[2])];
  return index >= 1 && index <= of ? { index, of } : undefined;
}
