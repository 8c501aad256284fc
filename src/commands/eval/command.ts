/** `air eval`: how well was it counted, located and explained? */
import { defineCommand, file, flag, flagName, float, usage } from '../../cli/command.js';
import { AirError } from '../../errors.js';
import type { Io } from '../../io/io.js';
import type { Scored } from '../../scores/scoreboard.js';
import type { InferSettings } from '../shared/infer-stream.js';
import { backend, batchSize, json, output, overrides, samples, seed, shifts, workers } from '../shared/options.js';
import type { Overrides } from '../shared/overrides.js';

/** Options that do nothing for latents that are made already. */
const NEED_MODEL = ['samples', 'shifts', 'modelSteps', 'zPresPrior', 'batchSize', 'backend', 'workers', 'seed'];

export const evaluate = defineCommand({
  name: 'eval',
  summary: 'score counts, boxes and ELBO against the truth in the stream',
  description: `Reads latents with truth (what air infer makes of scenes), or with --model scenes or images, and prints a table: count
    accuracy and confusion matrix, ELBO per image, IoU of the boxes with the ink of the digits, average precision. With
    --model also the terms of the ELBO, and with --samples an importance-weighted bound on log p(x), and counting by
    evidence. Without truth, only what needs none. Exits with 1 below --min-accuracy.

    The Brier score says whether probabilities of counts are to be believed, those of q(n) and those that the evidence
    gives: mean squared error over all counts, 0 is sure and right, 2 sure and wrong. --calibration adds how often
    counts of each probability are right, the expected calibration error over those bins, and the accuracy among the
    images that are surest. --json has it all, and, as taken_as_single, what training with sums of images would take for
    single objects: images that surely (q above 0.9) hold one, by how many they do hold.

    With --model, --model-steps looks for more or fewer objects than the model was trained for, and --z-pres-prior scores
    under another prior over the count; q(n) does not depend on it. ELBOs compare under one prior only: with a K of 0.01
    in place of 1e-6 they are 9 nats higher for each object, and no image is explained any better.`,
  operands: [{ name: 'FILE', help: 'latents, or with --model scenes or images; - is stdin', default: '-' }],
  options: {
    model: file({
      value: 'MODEL',
      group: 'Inference',
      defaultText: 'FILE holds latents',
      help: 'explain scenes with this model',
    }),
    samples: samples({ help: 'with --model: draws per image' }),
    shifts,
    ...overrides,
    batchSize: batchSize({ help: 'with --model: images at a time' }),
    minAccuracy: float({
      min: 0,
      max: 1,
      value: 'A',
      group: 'Output',
      defaultText: 'none',
      help: 'exit with 1 if fewer are counted right',
    }),
    abstainBelow: float({
      min: 0,
      max: 1,
      value: 'P',
      group: 'Output',
      defaultText: 'none',
      help: 'also score as if images whose count is less sure than P were left unanswered',
    }),
    calibration: flag({ group: 'Output', help: 'print how far probabilities of counts can be believed, too' }),
    output: output({ help: 'write the scores here' }),
    json,
    backend,
    workers,
    seed,
  },
  examples: [
    { command: 'air infer air.safetensors test.air | air eval', help: 'count accuracy, boxes, ELBO' },
    {
      command: 'air eval --model air.safetensors test.air --samples 20',
      help: 'also the terms, a bound, and counting by evidence',
    },
    {
      command: 'air infer air.safetensors test.air | air eval --json | jq .count_accuracy',
      help: 'one number, for a script',
    },
    {
      command: 'air eval latents.air --calibration --abstain-below 0.95',
      help: 'when to believe it, and what is gained by leaving out what is in doubt',
    },
    { command: 'air eval latents.air --min-accuracy 0.97 -q', help: 'a check, by its exit code' },
  ],
  seeAlso: ['infer', 'render'],
  async run({ options, operands, given }, io) {
    const needsModel = NEED_MODEL.find((key) => given.has(key));
    if (options.model === undefined && needsModel !== undefined) {
      throw usage(`--${flagName(needsModel)} needs --model: latents are made already`);
    }
    const out = await io.openOutput(options.output, { binary: false });
    const { Scoreboard } = await import('../../scores/scoreboard.js');
    const { table } = await import('./table.js');
    const board = new Scoreboard({ abstainBelow: options.abstainBelow });
    const progress = io.messages.progress(Number.POSITIVE_INFINITY, 'images');
    let images = 0;
    const source =
      options.model === undefined
        ? latents(operands.FILE, io)
        : inferred(operands.FILE, { ...options, model: options.model }, io);
    for await (const scored of source) {
      board.add(scored);
      progress.update(++images);
    }
    progress.stop();
    const { scores } = board;
    if (scores.images === 0)
      throw new AirError('badData', `${operands.FILE}: no images to score`, 'make some with: air gen-data');
    await out.write(
      options.json ? `${JSON.stringify(scores, null, 2)}\n` : table(scores, { withCalibration: options.calibration }),
    );
    await out.finish();
    const { minAccuracy } = options;
    if (minAccuracy === undefined) return;
    if (scores.count_accuracy === null) {
      throw new AirError('badData', `${operands.FILE}: --min-accuracy needs the true counts, this has none`);
    }
    if (scores.count_accuracy < minAccuracy) {
      throw new AirError('answerIsNo', `count accuracy ${scores.count_accuracy.toFixed(4)} is below ${minAccuracy}`);
    }
  },
});

async function* latents(name: string, io: Io): AsyncGenerator<Scored> {
  const { readStream } = await import('../../formats/stream.js');
  for await (const event of readStream(io.readBytes(name), { name, expect: 'latents' })) {
    if (event.type === 'record') yield event.record;
  }
}

type ModelOptions = Omit<InferSettings, 'mode'> & Overrides & { model: string };

async function* inferred(name: string, options: ModelOptions, io: Io): AsyncGenerator<Scored> {
  const { readModel } = await import('../shared/model-file.js');
  const { inferStream } = await import('../shared/infer-stream.js');
  const { withOverrides } = await import('../shared/overrides.js');
  const checkpoint = withOverrides(await readModel(options.model, io), options);
  for await (const event of inferStream(checkpoint, name, { mode: 'mean', ...options }, io)) {
    if (event.type === 'batch') yield* event.records;
  }
}
