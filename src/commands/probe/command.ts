/** `air probe`: what a representation is worth to who has few labels. */
import { choice, defineCommand, file, float, int, list, type Option, usage, valued } from '../../cli/command.js';
import { AirError } from '../../errors.js';
import { writtenAs } from '../../io/output-kinds.js';
import { FEATURES, NETWORKS, TASKS } from '../../probe/names.js';
import { backend, json, output, seed } from '../shared/options.js';

/** How often held-out scenes are asked in a training; after half of these without a better answer it ends. */
const ASKED = 20;

export const probeCommand = defineCommand({
  name: 'probe',
  summary: 'how well a small classifier answers from latents, or from pixels, with few labels',
  description: `Trains a classifier on some of the scenes in TRAIN, whose digits have labels, and scores it on those in TEST, for several
    numbers of labels. sum asks what the digits add up to, ascending whether they are strictly in ascending order from left to
    right.

    --features latents takes z_pres, z_where and z_what of each step as air infer writes them, objects beyond the counted ones
    all 0, and a perceptron with two hidden layers. --features pixels takes the images, which scenes hold as well, and the
    better of that perceptron and a network of three convolutions. Network, width, weight decay and number of steps are
    those that answer best on held-out scenes (--valid), for each number of labels, for latents and pixels alike; then other
    labelled scenes and other first weights are drawn, --draws in all. So held-out labels choose, and only so many as
    --labels says teach.`,
  operands: [
    { name: 'TASK', help: TASKS.join(' or '), required: true },
    { name: 'TRAIN', help: 'latents as air infer makes them of scenes; or, for pixels, scenes', required: true },
    { name: 'TEST', help: 'others, to score on', required: true },
  ],
  options: {
    features: choice(FEATURES, { default: 'latents', group: 'Probe', help: 'what the classifier sees' }),
    labels: numbers({
      default: [64, 256, 1024, 4096],
      expects: 'whole numbers of at least 1, separated by commas',
      isOne: (value) => Number.isInteger(value) && value >= 1,
      help: 'so many labelled scenes',
    }),
    valid: file({
      group: 'Probe',
      defaultText: 'the last fifth of TRAIN',
      help: 'held-out scenes or latents, to choose by',
    }),
    draws: int({ default: 3, min: 1, max: 100, group: 'Probe', help: 'trainings with other labelled scenes' }),
    steps: int({ default: 2000, min: 1, group: 'Probe', help: 'the most steps of a training' }),
    batchSize: int({ default: 64, min: 1, max: 4096, short: 'b', group: 'Probe', help: 'labelled scenes a step' }),
    learningRate: float({ default: 1e-3, above: 0, group: 'Probe', help: "Adam's" }),
    networks: list(NETWORKS, {
      group: 'Probe',
      defaultText: 'mlp; of pixels also cnn',
      help: 'to choose from: a perceptron, a network of convolutions',
    }),
    widths: numbers({
      default: [64, 128],
      expects: 'whole numbers from 1 to 4096, separated by commas',
      isOne: (value) => Number.isInteger(value) && value >= 1 && value <= 4096,
      help: 'units of hidden layers to choose from',
    }),
    weightDecays: numbers({
      default: [0.01, 1],
      expects: 'numbers of at least 0, separated by commas',
      isOne: (value) => value >= 0,
      help: 'to choose from; each step takes rate times so much off the weights',
    }),
    output: output({ help: 'write the scores here' }),
    json,
    backend,
    seed,
  },
  examples: [
    { command: 'air probe sum train-latents.air test-latents.air', help: 'the sum of the digits, from latents' },
    {
      command: 'air probe ascending train-latents.air test-latents.air --features pixels --labels 64,1024',
      help: 'their order, from the images that came along',
    },
    {
      command: 'air probe sum train.air test.air --features pixels --valid valid.air --json',
      help: 'from scenes, for a script',
    },
  ],
  seeAlso: ['infer', 'eval', 'gen-data'],
  async run({ options, operands }, io) {
    const task = TASKS.find((name) => name === operands.TASK);
    if (task === undefined) throw usage(`${operands.TASK}: expected a task, ${TASKS.join(' or ')}`);
    const { features, labels } = options;
    if (features === 'latents' && options.networks?.includes('cnn')) {
      throw usage('--networks cnn: latents are no image', 'leave it out, or take --features pixels');
    }
    const { readExamples, splitOff } = await import('./examples.js');
    const { fitsOf, probe } = await import('../../probe/probe.js');
    const { standardOf } = await import('../../probe/features.js');
    const { startBackend } = await import('../../backends/start.js');
    const { probeJson, probeTable } = await import('./table.js');
    const kind = writtenAs(options.output, options.json ? ['json'] : ['text', 'json']);
    const out = await io.openOutput(options.output, kind);
    const asked = { task, features };
    const whole = await readExamples(operands.TRAIN, asked, io);
    const test = await readExamples(operands.TEST, asked, io);
    const held = options.valid === undefined ? undefined : await readExamples(options.valid, asked, io);
    const { train, valid } = held === undefined ? splitOff(whole) : { train: whole, valid: held };
    for (const other of [valid, test]) {
      if (other.rows.width !== train.rows.width || other.steps !== train.steps) {
        throw new AirError(
          'badData',
          `${other.file}: ${other.rows.width} numbers a scene, ${train.file} has ${train.rows.width}`,
          'latents of one model go together, or images of one size',
        );
      }
    }
    const most = Math.max(...labels);
    if (most > train.classes.length) {
      throw usage(
        `--labels ${most}: ${train.file} has ${train.classes.length} scenes to learn from`,
        'make more, or give fewer; without --valid a fifth is held out',
      );
    }
    const started = await startBackend(options.backend);
    io.messages.detail(`backend ${started.name}: ${started.detail}`);
    const { draws, widths, weightDecays, steps, batchSize, learningRate } = options;
    const plan = {
      ...{ labels, draws, widths, weightDecays, seed: options.seed },
      networks: options.networks ?? (features === 'pixels' ? NETWORKS : (['mlp'] as const)),
      fit: { steps, batchSize, learningRate, validEvery: Math.ceil(steps / ASKED), patience: ASKED / 2 },
    };
    const progress = io.messages.progress(fitsOf(plan), 'trainings');
    let done = 0;
    const scores = await probe({ train, valid, test }, plan, {
      standardFor: (labelled) => (features === 'latents' ? standardOf(labelled, train.steps) : (rows) => rows),
      onFit: () => progress.update(++done),
    });
    progress.stop();
    const commonest = commonestShare(test.classes);
    const report = { task, features, numbers: train.rows.width, test: test.classes.length, commonest, scores };
    await out.write(kind === 'json' ? probeJson(report) : probeTable(report));
    await out.finish();
  },
});

/** A list of numbers, none twice, in ascending order. */
function numbers(settings: {
  default: readonly number[];
  expects: string;
  isOne(value: number): boolean;
  help: string;
}): Option<readonly number[]> {
  return valued<readonly number[], readonly number[]>({
    ...settings,
    value: 'N,N,...',
    group: 'Probe',
    parse(text) {
      const all = text.split(',').map((part) => (/^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(part) ? Number(part) : -1));
      const isList = all.every(settings.isOne) && new Set(all).size === all.length;
      return isList ? all.sort((a, b) => a - b) : undefined;
    },
    format: (all) => all.join(','),
  });
}

/** What is right if one always answers the same. */
function commonestShare(classes: Int32Array): number {
  const counts = new Map<number, number>();
  for (const each of classes) counts.set(each, (counts.get(each) ?? 0) + 1);
  return Math.max(...counts.values()) / classes.length;
}
