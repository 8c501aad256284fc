/** `air report`: one page about a run, or about several. */
import { defineCommand, file, usage } from '../../cli/command.js';
import { backend, batchSize, noProvenance, output, samples, seed, shifts, workers } from '../shared/options.js';

export const report = defineCommand({
  name: 'report',
  summary: 'one page about a run: curves, scores, mistakes, settings',
  description: `Writes an HTML page that needs nothing but itself, no network and no script: the curves of the training, how well it
    counts, with the confusion matrix and how far it can be believed, reconstructions, the images that it is most surely wrong about,
    boxes, every setting with those marked that differ from the preset, and the command lines that made it.

    MODEL is a model, the .state of a run that is not over, or "digits", the model that comes along. Of a folder all *.safetensors are
    taken, and the .state of runs that have no model yet: a table of the runs comes first, then each of them.

    Curves are those of the log that air train --metrics wrote: a *.jsonl beside the model that names it, or --metrics.

    Scores are of the images of --scenes. Without it 2,000 scenes are made of digits that are held out of MNIST's training digits, those of
    air gen-data --split valid --count 2000 --seed 1, and the page says so; test digits are only scored on if they are given. A
    section of which there is nothing to say, such as counts of images without their truth, says why.`,
  operands: [{ name: 'MODEL', help: 'a model, a .state, or a folder of them', required: true }],
  options: {
    output: output({ value: 'FILE.html', help: 'write the page here' }),
    noProvenance,
    metrics: file({
      value: 'FILE.jsonl',
      group: 'Input',
      defaultText: 'beside the model',
      help: 'the log that the curves are of',
    }),
    scenes: file({
      group: 'Input',
      defaultText: 'made of held-out digits',
      help: 'score on these: scenes, images or a folder of PNGs',
    }),
    samples: samples({ default: 10, help: 'draws per image, for ELBO and evidence' }),
    shifts,
    batchSize: batchSize({ help: 'images at a time' }),
    workers,
    backend,
    seed,
  },
  examples: [
    { command: 'air report air.safetensors -o report.html', help: 'a run' },
    { command: 'air report digits -o digits.html', help: 'the model that comes along' },
    { command: 'air report air.safetensors --scenes test.air -o report.html', help: 'scored on test digits' },
    { command: 'air report runs/ -o runs.html', help: 'several runs, one beside the other' },
  ],
  seeAlso: ['train', 'eval', 'render'],
  async run({ options, operands: { MODEL } }, io) {
    const out = await io.openOutput(options.output, 'html');
    const { readModels } = await import('./models.js');
    const { folder, models } = await readModels(MODEL, io);
    if (options.metrics !== undefined && models.length > 1) {
      throw usage(
        `--metrics is the log of one run, ${MODEL} holds ${models.length}`,
        'leave it out: a log beside each model is found by itself',
      );
    }
    const { gather, compare } = await import('./gather.js');
    const { percent } = await import('../../scores/numbers.js');
    const { reportOfRun, reportOfRuns } = await import('../../render/html/report.js');
    const runs = await gather(models, options, io);
    const commandLine = options.noProvenance ? undefined : io.commandLine;
    const pages = runs.map(({ page }) => page);
    await out.write(
      folder === undefined || pages.length === 1
        ? reportOfRun(pages[0], { commandLine })
        : reportOfRuns({ folder, runs: pages, comparison: await compare(runs) }, { commandLine }),
    );
    await out.finish();
    io.messages.info(
      pages
        .map(({ name, scores: { count_accuracy: right, images } }) => {
          const counted = right === null ? 'counts not known' : `${percent(right)} counted right`;
          return `${name}: ${counted}, of ${images} images`;
        })
        .join('; '),
    );
  },
});
