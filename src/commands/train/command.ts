/** `air train`: learns from images alone how many objects there are, where, and what they look like. */
import { choice, defineCommand, duration, file, flag, float, int, usage } from '../../cli/command.js';
import { AirError } from '../../errors.js';
import type { Io } from '../../io/io.js';
import { writtenAs } from '../../io/output-kinds.js';
import { PRESET_NAMES } from '../../presets.js';
import { backend, noProvenance, seed, workers } from '../shared/options.js';
import { checkClashes } from './clashes.js';
import { checkTogether, configFrom, modelOptions, type RunOptions, trainingOptions } from './options.js';
import { PYRO_SPELLINGS } from './spellings.js';

const OUTPUT = 'air.safetensors';

export const train = defineCommand({
  name: 'train',
  summary: 'learn from images, without labels, to count, locate and draw what is in them',
  description: `Reads scenes or images (.npy, .npz, PNG, IDX, a folder of PNGs; colours as grey) and writes a model, one
    safetensors file, when it is done. Until then MODEL.state beside it holds everything that is needed to go on: the same
    command again resumes, after Ctrl-C or a crash, and ends with the same bytes. A finite stream is read
    into memory and shuffled; an endless one (gen-data --count inf) is used as it comes. Truth in the stream is never used to learn, only to score --valid.

    --until-accuracy 0.98 with --valid ends training at the first validation that counts 98 % right: the model is
    written as at the end of --steps, which stay the most there can be. Validations come every --valid-every steps and
    after the last one, so a smaller --valid-every stops closer to where the accuracy is reached, and takes more time.
    Learning rates go by --steps all the same. If no validation reaches it the model is written too, with exit code 1.

    Options of Pyro's AIR example that have other names here are understood under theirs too (-n, -blr,
    --encoder-latent-size, --decoder-output-use-sigmoid, --no-baselines, ...).

    --previews DIR keeps DIR/index.html up to date: open it in a browser, from the file itself, to see the curves so far, what the
    model makes of a few images (of --valid, if given) and made of them before. It reloads itself until the training ends or stops, and
    takes no more than one part in fifty of the time. A run that is resumed goes on with it.

    In --metrics, "sums" is how many sums of images were made, a step, since the report before, from --sum-from on. The
    first line after a resume counts from there, so this number may differ from that of a run that was not stopped.`,
  operands: [{ name: 'FILE', help: 'scenes, images or a folder of PNGs; - is stdin', default: '-' }],
  options: {
    output: file({ short: 'o', default: OUTPUT, value: 'MODEL', group: 'Output', help: 'the model' }),
    metrics: file({ value: 'FILE.jsonl', group: 'Output', defaultText: 'none', help: 'one JSON object per report' }),
    previews: file({
      value: 'DIR',
      group: 'Output',
      defaultText: 'none',
      help: 'pictures of reconstructions along the way, and a page that shows how it goes',
    }),
    previewEvery: int({ default: 250, min: 1, value: 'STEPS', group: 'Output', help: 'how often' }),
    saveEvery: int({
      default: 100,
      min: 1,
      value: 'STEPS',
      group: 'Output',
      help: 'how often MODEL.state is replaced',
    }),
    reportEvery: int({
      default: 50,
      min: 1,
      value: 'STEPS',
      group: 'Output',
      help: 'how often --metrics and -v report',
    }),
    noProvenance,
    valid: file({ group: 'Validation', defaultText: 'none', help: 'held-out scenes with truth, to score counting' }),
    validEvery: int({ default: 250, min: 1, value: 'STEPS', group: 'Validation', help: 'how often' }),
    untilAccuracy: float({
      above: 0,
      max: 1,
      value: 'A',
      group: 'Validation',
      defaultText: 'none',
      help: 'done at the first validation that counts this share right; exit 1 if none does',
    }),
    preset: choice(PRESET_NAMES, {
      default: 'fast',
      group: 'Recipe',
      help: 'the defaults of everything below; --print-config shows them',
    }),
    config: file({
      value: 'FILE.json',
      group: 'Recipe',
      defaultText: 'none',
      help: 'settings in place of those of the preset, as --print-config writes them',
    }),
    printConfig: flag({ group: 'Recipe', help: 'print all settings as JSON, and do nothing else' }),
    init: file({
      value: 'MODEL',
      group: 'Recipe',
      defaultText: 'none',
      help: 'begin with the weights of this model, under this recipe and on these images',
    }),
    retries: int({
      default: 0,
      min: 0,
      max: 100,
      value: 'R',
      group: 'Validation',
      help: 'begin again with the next seed, up to R times, when --valid shows a known way not to count',
    }),
    maxTime: duration({ group: 'Recipe', defaultText: 'none', help: 'stop after so long, saved, with exit code 75' }),
    overfitBatch: flag({ group: 'Recipe', help: 'use the first batch only, to see whether it can be learnt by heart' }),
    annealPriorTo: float({
      above: 0,
      max: 1,
      value: 'P',
      group: 'Prior',
      defaultText: 'none',
      help: "as Pyro's example: the prior begins at --z-pres-prior, the probability of each of its trials ends at P",
    }),
    ...trainingOptions,
    ...modelOptions,
    workers,
    backend,
    seed,
  },
  examples: [
    { command: 'air gen-data | air train', help: 'the default recipe, into air.safetensors' },
    { command: 'air train scenes.air --valid valid.air -o air.safetensors', help: 'score counting along the way' },
    { command: 'air train scenes.air --valid valid.air --until-accuracy 0.98 --valid-every 50', help: 'no longer' },
    { command: 'air train pngs/ -o mine.safetensors', help: 'your own images' },
    { command: 'air gen-data --count inf | air train --steps 4000', help: 'never the same scene twice' },
    { command: 'air train --preset pyro --print-config', help: 'what a recipe is' },
    { command: 'air train scenes.air --max-time 30m || air train scenes.air', help: 'in two sittings' },
  ],
  seeAlso: ['gen-data', 'infer', 'eval', 'report'],
  spellings: PYRO_SPELLINGS,
  handlesInterrupt: true,
  async run({ options: asked, operands, given }, io) {
    // sums of a batch that never changes would be another lesson
    const options = asked.overfitBatch ? { ...asked, sumPairs: 0, sumTriples: 0 } : asked;
    writtenAs(options.output, ['tensors']);
    const { config, printConfig } = options;
    const { formatConfig, parseConfig } = await import('./config-file.js');
    const fromFile = config === undefined ? {} : parseConfig(await io.readText(config), config);
    const asSet = configFrom(options, { fromFile, given });
    checkTogether(asSet, given);
    if (options.retries > 0 && options.valid === undefined) {
      throw usage(
        '--retries does nothing without --valid',
        'only scenes with their truth show that a model does not count',
      );
    }
    if (options.untilAccuracy !== undefined && options.valid === undefined) {
      throw usage(
        '--until-accuracy does nothing without --valid',
        'give held-out scenes with their truth: air gen-data --split valid --count 2000 -o valid.air',
      );
    }
    if (printConfig) {
      const out = await io.openOutput(undefined, 'json');
      await out.write(formatConfig(asSet));
      return out.finish();
    }
    await checkClashes({ ...options, input: operands.FILE }, io);
    await checkOutputs(options, io);
    const { trainModel } = await import('./run.js');
    const release = await io.lock(options.output);
    try {
      await trainModel({ ...options, input: operands.FILE }, asSet, io);
    } finally {
      await release();
    }
  },
});

/** Whether all that a run writes can be written, before it begins. */
async function checkOutputs({ output, metrics, previews }: Omit<RunOptions, 'input'>, io: Io): Promise<void> {
  const needsName = `a model needs a name: its state is kept beside it until it is done`;
  if (output === '-') throw usage(`-o -: ${needsName}`);
  if ((await io.checkOutput(output)) === 'stream') {
    throw new AirError('cannotCreate', `${output}: is not a file`, needsName);
  }
  await io.checkOutput(`${output}.state`);
  if (metrics === '-') throw usage('--metrics -: stdout is not for logs', 'give a file, or /dev/stderr');
  if (metrics !== undefined) await io.checkOutput(metrics);
  if (previews !== undefined) await io.checkFolder(previews);
}
