/** `air bench`: how fast and how large the work is on this machine. */
import { choice, defineCommand, file, int, valued } from '../../cli/command.js';
import { writtenAs } from '../../io/output-kinds.js';
import { PRESET_NAMES } from '../../presets.js';
import { backend, json, output } from '../shared/options.js';

export const bench = defineCommand({
  name: 'bench',
  summary: 'how fast this machine computes, and whether memory grows',
  description: `Measures training steps and their parts, explaining images, making scenes, starting up, and memory, on real scenes and the
    initial weights of a preset, steps also at the weights of a trained model: late in training, gradients are other numbers. Steps are measured
    once they get no faster. Each figure is repeated and given as its median and the range of its middle half. Machines differ
    threefold, so times are also given as ratios to the yardstick: the same run's time for the matrix products of that step
    alone, as plain products of the backend in their own shapes, on one thread.`,
  operands: [],
  options: {
    batchSize: valued<readonly number[], readonly number[]>({
      default: [64, 128],
      short: 'b',
      value: 'N,N,...',
      group: 'What',
      expects: 'batch sizes from 1 to 65536, such as 64 or 64,128',
      help: 'images of a training step; one measurement for each',
      parse(text) {
        const sizes = text.split(',').map(Number);
        return /^\d+(,\d+)*$/.test(text) && sizes.every((size) => size >= 1 && size <= 65536) ? sizes : undefined;
      },
      format: (sizes) => sizes.join(','),
    }),
    preset: choice(PRESET_NAMES, { default: 'fast', group: 'What', help: 'the model' }),
    model: file({
      value: 'MODEL',
      group: 'What',
      defaultText: 'digits, if the preset is fast',
      help: "a trained model: its settings in place of a preset's, and its weights for the late step",
    }),
    steps: int({
      default: 0,
      min: 0,
      group: 'What',
      help: 'train for so many steps more, and watch memory',
    }),
    repeats: int({ default: 20, min: 1, group: 'How', help: 'measurements of each figure' }),
    warmup: int({
      default: 5,
      min: 0,
      group: 'How',
      help: 'measurements before them that do not count; with 0, steps are measured cold',
    }),
    workers: int({
      min: 1,
      max: 256,
      group: 'How',
      defaultText: 'as many as help',
      help: 'threads of the wasm backend',
    }),
    backend,
    output: output({ help: 'write the figures here' }),
    json,
  },
  examples: [
    { command: 'air bench', help: 'how fast is this machine?' },
    { command: 'air bench --backend wasm --workers 1 --batch-size 64 --json', help: 'one figure for a script' },
    { command: 'air bench --model air.safetensors.state', help: 'is a step slower late in that training?' },
    { command: 'air bench --steps 10000 --batch-size 128', help: 'does memory grow?' },
  ],
  seeAlso: ['backends', 'train'],
  async run({ options }, io) {
    const { runBench } = await import('./run.js');
    const { benchJson, benchTable } = await import('./table.js');
    const kind = writtenAs(options.output, options.json ? ['json'] : ['text', 'json']);
    const out = await io.openOutput(options.output, kind);
    const figures = await runBench(options, io);
    await out.write(kind === 'json' ? benchJson(figures) : benchTable(figures));
    await out.finish();
  },
});
