/** `air sample`: scenes that the model itself imagines. */
import { defineCommand, int } from '../cli/command.js';
import { backend, batchSize, noProvenance, output, seed } from './shared/options.js';

export const sample = defineCommand({
  name: 'sample',
  summary: 'draw scenes from the model itself: what it believes images look like',
  description: `Draws n, z_where and z_what from the prior and decodes them: mean images, without pixel noise. The prior over n that
    training ends with makes objects rare (--z-pres-prior 1e-6); --objects says how many each scene shall have instead.
    Writes a stream of scenes with the boxes drawn as truth, without labels.`,
  operands: [{ name: 'MODEL', help: 'made by air train', required: true }],
  options: {
    count: int({ default: 20, min: 0, group: 'Scenes', help: 'scenes' }),
    objects: int({
      min: 0,
      max: 20,
      group: 'Scenes',
      defaultText: 'drawn from the prior',
      help: 'objects in each scene',
    }),
    batchSize: batchSize({ help: 'scenes at a time; changes speed, not results' }),
    backend,
    seed,
    output: output({ help: 'write the scenes here' }),
    noProvenance,
  },
  examples: [
    { command: 'air sample air.safetensors --objects 2 | air render -o dreams.png', help: 'look at what it imagines' },
    { command: 'air sample air.safetensors --count 1000 --objects 1 -o ones.air', help: 'a data set of its own' },
  ],
  seeAlso: ['train', 'render', 'gen-data'],
  async run({ options, operands }, io) {
    const { readModel, loadModel } = await import('./shared/model-file.js');
    const { startBackend } = await import('../backends/start.js');
    const { sampleScenes } = await import('../core/sample.js');
    const { StreamWriter } = await import('../formats/stream.js');
    const out = await io.openOutput(options.output, { binary: true });
    const checkpoint = await readModel(operands.MODEL, io);
    const { canvas, modelSteps } = checkpoint.config;
    if (options.objects !== undefined && options.objects > modelSteps) {
      const { usage } = await import('../cli/command.js');
      throw usage(`--objects ${options.objects}: the model knows at most ${modelSteps}`, `give 0 to ${modelSteps}`);
    }
    const started = await startBackend(options.backend);
    io.messages.detail(`backend ${started.name}: ${started.detail}`);
    const model = await loadModel(checkpoint);
    const writer = new StreamWriter({
      air: 'scenes',
      version: 1,
      canvas,
      image: { dtype: 'uint8', shape: canvas },
      seed: options.seed,
      provenance: options.noProvenance ? undefined : [io.commandLine],
    });
    await out.write(writer.header());
    const progress = io.messages.progress(options.count, 'scenes');
    for (let first = 0; first < options.count; first += options.batchSize) {
      const size = Math.min(options.batchSize, options.count - first);
      const indices = Array.from({ length: size }, (_, b) => first + b);
      for (const { i, image, boxes } of await sampleScenes(model, indices, {
        seed: options.seed,
        objects: options.objects,
      })) {
        const objects = boxes.map((box) => ({ frame: box, ink: box }));
        await out.write(writer.record({ i, image, count: boxes.length, objects }));
      }
      progress.update(first + size);
    }
    await out.write(writer.end());
    await out.finish();
    progress.stop();
    io.messages.info(`${options.count} scenes`);
  },
});
