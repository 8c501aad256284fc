/** `air sample`: scenes that the model itself imagines. */
import { defineCommand, int, type Option, range, usage, valued } from '../cli/command.js';
import { backend, batchSize, noProvenance, output, seed } from './shared/options.js';

const MOST_OBJECTS = 20;

/** Numbers of objects, or `prior`. */
function objects(): Option<readonly number[] | 'prior' | undefined> {
  const numbers = range({ help: '', min: 0, max: MOST_OBJECTS });
  return valued<readonly number[] | 'prior'>({
    value: 'A..B|A,B,...|prior',
    group: 'Scenes',
    defaultText: '0..N-1 for a model of N steps',
    help: 'how many objects scenes have, each number as often; prior: as many as the prior over the count has',
    expects: `${numbers.expects}, or prior`,
    limits: numbers.limits,
    parse: (text) => (text === 'prior' ? text : numbers.parse(text)),
  });
}

export const sample = defineCommand({
  name: 'sample',
  summary: 'draw scenes from the model itself: what it believes images look like',
  description: `Draws z_where and z_what from the prior and decodes them: mean images, without pixel noise. How many objects a scene
    has is drawn from 0..N-1 for a model that looks for up to N: it is trained to look for one more than its images hold. The
    prior over the count is no such thing: training ends with one that makes objects rare (--z-pres-prior 1e-6), so that
    nearly all scenes of --objects prior are empty.

    Writes a stream of scenes. Of the truth about each there is the count, and per object its window, in which it was drawn,
    as frame and ink alike; there are no labels.`,
  operands: [{ name: 'MODEL', help: 'made by air train', required: true }],
  options: {
    count: int({ default: 20, min: 0, group: 'Scenes', help: 'scenes' }),
    objects: objects(),
    batchSize: batchSize({ help: 'scenes at a time; changes speed, not results' }),
    backend,
    seed,
    output: output({ help: 'write the scenes here' }),
    noProvenance,
  },
  examples: [
    { command: 'air sample air.safetensors | air render -o dreams.png', help: 'look at what it imagines' },
    {
      command: 'air sample digits --objects 2 | air render -o twos.png',
      help: 'two objects each, of the model that comes along',
    },
    { command: 'air sample air.safetensors --count 1000 --objects 1 -o ones.air', help: 'a data set of its own' },
  ],
  seeAlso: ['train', 'render', 'gen-data'],
  async run({ options, operands }, io) {
    const { readModel, loadModel } = await import('./shared/model-file.js');
    const { startBackend } = await import('../backends/start.js');
    const { sampleScenes } = await import('../core/sample.js');
    const { StreamWriter } = await import('../formats/stream.js');
    const out = await io.openOutput(options.output, 'stream');
    const checkpoint = await readModel(operands.MODEL, io);
    const { canvas, modelSteps } = checkpoint.config;
    const numbers = options.objects ?? Array.from({ length: Math.max(modelSteps, 2) }, (_, n) => n);
    const most = numbers === 'prior' ? 0 : Math.max(...numbers);
    if (most > modelSteps) {
      throw usage(`--objects ${most}: the model knows at most ${modelSteps}`, `give 0 to ${modelSteps}`);
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
      ...(numbers === 'prior' ? {} : { objects: [...numbers] }),
      provenance: options.noProvenance ? undefined : [io.commandLine],
    });
    await out.write(writer.header());
    const progress = io.messages.progress(options.count, 'scenes');
    for (let first = 0; first < options.count; first += options.batchSize) {
      const size = Math.min(options.batchSize, options.count - first);
      const indices = Array.from({ length: size }, (_, b) => first + b);
      for (const { i, image, boxes } of await sampleScenes(model, indices, {
        seed: options.seed,
        objects: numbers === 'prior' ? undefined : numbers,
      })) {
        const windows = boxes.map((box) => ({ frame: box, ink: box }));
        await out.write(writer.record({ i, image, count: boxes.length, objects: windows }));
      }
      progress.update(first + size);
    }
    await out.write(writer.end());
    await out.finish();
    progress.stop();
    io.messages.info(`${options.count} scenes`);
  },
});
