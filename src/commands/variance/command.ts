/** `air variance`: how much the gradient varies, under each estimator. */
import { defineCommand, int } from '../../cli/command.js';
import type { ImageBatch } from '../../core/images.js';
import { AirError } from '../../errors.js';
import type { Io } from '../../io/io.js';
import { writtenAs } from '../../io/output-kinds.js';
import type { Checkpoint } from '../../train/checkpoint.js';
import { backend, json, output, seed } from '../shared/options.js';

export const variance = defineCommand({
  name: 'variance',
  summary: 'measure how much the gradient varies under each estimator, part by part of a model',
  description: `Takes the first images of FILE as one batch, and the gradient of the mean over it of the objective by every weight. The noise
    of z_where and z_what is drawn --draws times; over the counts that an estimator draws the variance is summed exactly. Prints
    per part of the model the squared distance of the gradient from its mean, averaged over draws and divided by the number of
    parameters, and how many times that of enumerate it is; the head is that of z_pres and z_where, the start the state before the
    first object. An estimator has a baseline if the model was trained by it with one; nvil without is reinforce, and is left
    out. iwae is of another objective.`,
  operands: [
    { name: 'MODEL', help: 'made by air train', required: true },
    { name: 'FILE', help: 'scenes or images; - is stdin', default: '-' },
  ],
  options: {
    batchSize: int({ default: 64, min: 1, max: 4096, short: 'b', group: 'Gradient', help: 'images' }),
    draws: int({ default: 20, min: 2, max: 10000, value: 'R', group: 'Gradient', help: 'how often noise is drawn' }),
    iwaeSamples: int({
      min: 1,
      max: 100,
      value: 'K',
      group: 'Gradient',
      defaultText: 'as the model was trained, or would be',
      help: 'of iwae: passes an image',
    }),
    output: output({ help: 'write the figures here' }),
    json,
    backend,
    seed,
  },
  examples: [
    {
      command: 'air variance air.safetensors train.air',
      help: 'the default estimator against those that draw the count',
    },
    { command: 'air variance air.safetensors.state train.air --json', help: 'of a run that is not over, for a script' },
  ],
  seeAlso: ['train', 'eval'],
  async run({ options, operands }, io) {
    const { readModel, loadModel } = await import('../shared/model-file.js');
    const { comparedOf, measure } = await import('./measure.js');
    const { varianceTable } = await import('./table.js');
    const { startBackend } = await import('../../backends/start.js');
    const kind = writtenAs(options.output, options.json ? ['json'] : ['text', 'json']);
    const out = await io.openOutput(options.output, kind);
    const checkpoint = await readModel(operands.MODEL, io, operands.FILE);
    const batch = await readBatch(operands.FILE, options.batchSize, checkpoint, io);
    const started = await startBackend(options.backend);
    io.messages.detail(`backend ${started.name}: ${started.detail}`);
    const iwaeSamples = options.iwaeSamples ?? checkpoint.training.iwaeSamples;
    const settings = comparedOf({ ...checkpoint.training, iwaeSamples });
    const progress = io.messages.progress(options.draws * settings.length, 'draws');
    const plan = { ...options, settings, onDraw: (done: number) => progress.update(done) };
    const figures = await measure(await loadModel(checkpoint), batch, plan);
    progress.stop();
    await out.write(kind === 'json' ? `${JSON.stringify(figures, null, 2)}\n` : varianceTable(figures));
    await out.finish();
  },
});

/** The first images of a file; all of them if there are fewer. */
async function readBatch(file: string, size: number, checkpoint: Checkpoint, io: Io): Promise<ImageBatch> {
  const { readImageInput } = await import('../shared/image-input.js');
  const { checkSize } = await import('../shared/infer-stream.js');
  const { joinImages } = await import('../../core/images.js');
  const images: Uint8Array[] = [];
  for await (const event of readImageInput(file, io)) {
    if (event.type === 'header') checkSize(event.header, checkpoint, file);
    if (event.type === 'record') images.push(event.record.image);
    if (images.length === size) break;
  }
  if (images.length > 0) return joinImages(images);
  throw new AirError('badData', `${file}: no images to take gradients of`, 'make some with: air gen-data');
}
