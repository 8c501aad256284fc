/** `air train`: learns from images alone how many objects there are, where, and what they look like. */
import { choice, defineCommand, duration, file, flag, int, usage } from '../../cli/command.js';
import { PRESET_NAMES } from '../../presets.js';
import { backend, noProvenance, seed, workers } from '../shared/options.js';
import { checkTogether, configFrom, modelOptions, trainingOptions } from './options.js';

const OUTPUT = 'air.safetensors';

export const train = defineCommand({
  name: 'train',
  summary: 'learn from images, without labels, to count, locate and draw what is in them',
  description: `Reads scenes or images (.npy, PNG, IDX) and writes a model, one safetensors file, when it is done. Until then MODEL.state
    beside it holds everything that is needed to go on: the same command again resumes, after Ctrl-C or a crash, and ends
    with the same bytes. A finite stream is read into memory and shuffled; an endless one (gen-data --count inf) is
    used as it comes. Truth in the stream is never used to learn, only to score --valid.

    In --metrics, "sums" is how many sums of images were made, a step, since the report before, from --sum-from on. The
    first line after a resume counts from there, so this number may differ from that of a run that was not stopped.`,
  operands: [{ name: 'FILE', help: 'scenes or images; - is stdin', default: '-' }],
  options: {
    output: file({ short: 'o', default: OUTPUT, value: 'MODEL', group: 'Output', help: 'the model' }),
    metrics: file({ value: 'FILE.jsonl', group: 'Output', defaultText: 'none', help: 'one JSON object per report' }),
    previews: file({
      value: 'DIR',
      group: 'Output',
      defaultText: 'none',
      help: 'pictures of reconstructions along the way',
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
    preset: choice(PRESET_NAMES, { default: 'fast', group: 'Recipe', help: 'the defaults of everything below' }),
    maxTime: duration({ group: 'Recipe', defaultText: 'none', help: 'stop after so long, saved, with exit code 75' }),
    overfitBatch: flag({ group: 'Recipe', help: 'use the first batch only, to see whether it can be learnt by heart' }),
    ...trainingOptions,
    ...modelOptions,
    workers,
    backend,
    seed,
  },
  examples: [
    { command: 'air gen-data | air train', help: 'the default recipe, into air.safetensors' },
    { command: 'air train scenes.air --valid valid.air -o air.safetensors', help: 'score counting along the way' },
    { command: 'air gen-data --count inf | air train --steps 4000', help: 'never the same scene twice' },
    { command: 'air train scenes.air --max-time 30m || air train scenes.air', help: 'in two sittings' },
  ],
  seeAlso: ['gen-data', 'infer', 'eval'],
  handlesInterrupt: true,
  async run({ options: asked, operands, given }, io) {
    // sums of a batch that never changes would be another lesson
    const options = asked.overfitBatch ? { ...asked, sumPairs: 0 } : asked;
    if (options.output === '-') throw usage('-o -: a model needs a name: its state is kept beside it until it is done');
    const asSet = configFrom(options);
    checkTogether(asSet, given);
    const { trainModel } = await import('./run.js');
    const release = await io.lock(options.output);
    try {
      await trainModel({ ...options, input: operands.FILE }, asSet, io);
    } finally {
      await release();
    }
  },
});
