/** `air eval`: how well was it counted, located and explained? */
import { defineCommand, file, flag, float } from '../../cli/command.js';
import { AirError } from '../../errors.js';
import { isRead } from '../../io/failures.js';
import { writtenAs } from '../../io/output-kinds.js';
import { backend, batchSize, json, output, overrides, samples, seed, shifts, workers } from '../shared/options.js';

export const evaluate = defineCommand({
  name: 'eval',
  summary: 'score counts, boxes and ELBO against the truth in the stream',
  description: `Reads latents with truth (what air infer makes of scenes), or with a MODEL scenes or images, and prints a table: count
    accuracy and confusion matrix, ELBO per image, IoU of the boxes with the ink of the digits, average precision. With
    a MODEL also the terms of the ELBO, and with --samples an importance-weighted bound on log p(x), and counting by
    evidence. Without truth, only what needs none.

    Exits with 1 below --min-accuracy. With -q no table is printed, so that this exit code is all there is; JSON, and what goes
    to -o, is written all the same. A name for -o that ends in .json asks for JSON.

    The Brier score says whether probabilities of counts are to be believed, those of q(n) and those that the evidence
    gives: mean squared error over all counts, 0 is sure and right, 2 sure and wrong. --calibration adds how often
    counts of each probability are right, the expected calibration error over those bins, and the accuracy among the
    images that are surest. --json has it all, and, as taken_as_single, what training with sums of images would take for
    single objects: images that surely (q above 0.9) hold one, by how many they do hold.

    With a MODEL, --model-steps looks for more or fewer objects than the model was trained for, and --z-pres-prior scores
    under another prior over the count; q(n) does not depend on it. ELBOs compare under one prior only: with a K of 0.01
    in place of 1e-6 they are 9 nats higher for each object, and no image is explained any better.`,
  operands: [
    { name: 'MODEL', help: 'made by air train; left out where FILE holds latents' },
    { name: 'FILE', help: 'latents, or with a MODEL scenes or images; - is stdin (default: stdin)' },
  ],
  options: {
    model: file({
      value: 'MODEL',
      group: 'Inference',
      defaultText: 'none',
      help: 'the same as MODEL before FILE',
    }),
    samples: samples({ help: 'with a MODEL: draws per image' }),
    shifts,
    ...overrides,
    batchSize: batchSize({ help: 'with a MODEL: images at a time' }),
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
      command: 'air eval air.safetensors test.air --samples 20',
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
  async run({ options, operands: { MODEL: first, FILE: second }, given, quiet }, io) {
    const kind = writtenAs(options.output, options.json ? ['json'] : ['text', 'json']);
    const out = await io.openOutput(options.output, kind);
    const { openSource, scoredOf } = await import('./source.js');
    const { Scoreboard } = await import('../../scores/scoreboard.js');
    const { table } = await import('./table.js');
    const source = await openSource({ model: options.model, first, second }, given, io);
    const board = new Scoreboard({ abstainBelow: options.abstainBelow });
    const progress = io.messages.progress(Number.POSITIVE_INFINITY, 'images');
    let images = 0;
    for await (const scored of scoredOf(source, options, io)) {
      board.add(scored);
      progress.update(++images);
    }
    progress.stop();
    const { scores } = board;
    if (scores.images === 0)
      throw new AirError('badData', `${source.name}: no images to score`, 'make some with: air gen-data');
    const { calibration, minAccuracy } = options;
    const isSaid = kind === 'json' || !quiet || options.output !== undefined;
    const text =
      kind === 'json' ? `${JSON.stringify(scores, null, 2)}\n` : table(scores, { withCalibration: calibration });
    await isRead(out.write(isSaid ? text : '').then(() => out.finish()));
    if (minAccuracy === undefined) return;
    if (scores.count_accuracy === null) {
      throw new AirError('badData', `${source.name}: --min-accuracy needs the true counts, this has none`);
    }
    if (scores.count_accuracy < minAccuracy) {
      throw new AirError('answerIsNo', `count accuracy ${scores.count_accuracy.toFixed(4)} is below ${minAccuracy}`);
    }
  },
});
