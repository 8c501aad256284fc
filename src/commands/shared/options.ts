/** Options that several commands share, so that they read and mean the same everywhere. */
import { BACKENDS } from '../../backends/names.js';
import { choice, file, flag, int, number, type Option } from '../../cli/command.js';
import { MODEL_SETTINGS } from '../../core/config.js';

/** `-o FILE`. Without it the command writes to stdout. */
export function output(settings: { help: string; value?: string; defaultText?: string }): Option<string | undefined> {
  return file({ short: 'o', group: 'Output', defaultText: 'stdout', ...settings });
}

/** For every command that draws random numbers. */
export const seed = int({
  default: 0,
  min: 0,
  max: 0xffffffff,
  value: 'N',
  group: 'Randomness',
  help: 'same seed and same input, same output',
});

/** For byte-stable files: command lines are otherwise kept in headers and metadata. */
export const noProvenance = flag({ group: 'Output', help: 'leave the command lines that made this out of the output' });

export const backend = choice(['auto', ...BACKENDS], {
  default: 'auto',
  group: 'Compute',
  help: 'what computes; `air backends` lists what works here',
});

export const workers = int({
  min: 1,
  max: 256,
  group: 'Compute',
  defaultText: 'as many as help',
  help: 'threads of the wasm backend; changes speed, not results',
});

/** Draws of z_where and z_what an image. */
export function samples(settings: { help: string; default?: number }): Option<number> {
  return int({ default: 1, min: 1, max: 10000, group: 'Inference', ...settings });
}

/** How many images are computed with at once. */
export function batchSize(settings: { help: string }): Option<number> {
  return int({ default: 256, min: 1, max: 65536, group: 'Compute', ...settings });
}

/** Counting by more than one look. */
export const shifts = int({
  default: 0,
  min: 0,
  max: 5,
  value: 'PX',
  group: 'Inference',
  help: 'also look at the image moved by up to PX each way, and count by all looks: 9 for 1, 25 for 2',
});

/** Settings of a model that may be others than those it was trained with: see overrides.ts. */
export const overrides = {
  modelSteps: number({
    ...MODEL_SETTINGS.modelSteps,
    group: 'Inference',
    defaultText: 'as trained',
    help: 'the most objects to look for',
  }),
  zPresPrior: number({
    ...MODEL_SETTINGS.zPresPrior,
    value: 'K',
    group: 'Inference',
    defaultText: 'as trained',
    help: 'score under this prior over the count',
  }),
};

/** Where a table is printed. */
export const json = flag({ group: 'Output', help: 'print JSON instead of a table' });
