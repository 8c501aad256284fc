/** `air infer`: explains each image: how many objects, where, and what they look like. */
import { choice, defineCommand, flag, flagName, usage } from '../cli/command.js';
import {
  backend,
  batchSize,
  noProvenance,
  output,
  overrides,
  samples,
  seed,
  shifts,
  workers,
} from './shared/options.js';

export const infer = defineCommand({
  name: 'infer',
  summary: 'explain each image: how many objects, where, and what they look like',
  description: `Reads scenes or images (.npy, .npz, PNG, IDX, a folder of PNGs; colours as grey) and writes one latent
    record per image: q(n), and for each possible object its box, its probability, z_where and z_what
    with their scales, and its picture. The image and its truth, if it has one, pass through, so that render and eval
    need nothing else. Memory does not grow with the stream.

    No weight depends on how many steps a model takes: --model-steps 5 looks for up to 5 objects, and q(n) and the prior
    over the count go up to 5, whatever the model was trained for. What it says of more objects than it has learnt from
    is extrapolation; fewer cut its counting short.

    --shifts 1 looks at every image nine times, moved by a pixel to all sides; q(n) is the geometric mean of what it says
    each time, which is right more often. Boxes and pictures are those of the image where it is.

    --z-pres-prior scores under another prior over the count than that of training: ELBO and evidence, and so counts by
    evidence, follow; q(n), which the guide says, does not. ELBOs compare under one prior only: with a K of 0.01 in
    place of 1e-6 they are 9 nats higher for each object, and no image is explained any better.`,
  operands: [
    { name: 'MODEL', help: 'made by air train; its .state will do; digits is one that comes along', required: true },
    { name: 'FILE', help: 'scenes, images or a folder of PNGs; - is stdin', default: '-' },
  ],
  options: {
    mode: choice(['mean', 'sample'], {
      default: 'mean',
      group: 'Inference',
      help: 'latents are the posterior mean or a draw',
    }),
    samples: samples({
      help: 'draws per image behind the ELBO and the evidence of each count; 2 or more also count by it (n_evidence)',
    }),
    noElbo: flag({
      group: 'Inference',
      help: 'one pass per image and no ELBO: counts, boxes and pictures are the same, in less time',
    }),
    shifts,
    ...overrides,
    batchSize: batchSize({ help: 'images at a time; changes speed, not results' }),
    backend,
    workers,
    seed,
    output: output({ help: 'write the latents here' }),
    noProvenance,
  },
  examples: [
    { command: 'air infer air.safetensors scenes.air | air render -o boxes.png', help: 'look at what it finds' },
    { command: 'air infer air.safetensors scenes.air | air eval', help: 'score it' },
    { command: 'air infer digits photo.png | air render -o boxes.png', help: 'with the model that comes along' },
    { command: 'air infer air.safetensors digits.png | air view', help: 'one picture, as JSON' },
    { command: 'air infer air.safetensors scenes.air --samples 20 -o latents.air', help: 'count by evidence' },
    {
      command: 'air infer air.safetensors scenes.air --no-elbo | air render -o boxes.png',
      help: 'no draws, just look',
    },
    { command: 'air infer air.safetensors scenes.air --shifts 1 | air eval', help: 'count by nine looks at each' },
    { command: 'air infer air.safetensors crowds.air --model-steps 6 -o latents.air', help: 'look for more' },
  ],
  seeAlso: ['train', 'render', 'eval', 'view'],
  async run({ options, operands, given }, io) {
    const useless = options.noElbo ? (['samples', 'zPresPrior'] as const).find((key) => given.has(key)) : undefined;
    if (useless !== undefined) {
      throw usage(
        `--no-elbo leaves nothing for --${flagName(useless)} to do: no draw is scored`,
        'leave one of the two out',
      );
    }
    const settings = { ...options, samples: options.noElbo ? 0 : options.samples };
    const { readModel } = await import('./shared/model-file.js');
    const { inferStream } = await import('./shared/infer-stream.js');
    const { withOverrides } = await import('./shared/overrides.js');
    const { StreamWriter } = await import('../formats/stream.js');
    const { wheres } = await import('../core/where.js');
    const out = await io.openOutput(options.output, 'stream');
    const checkpoint = withOverrides(await readModel(operands.MODEL, io, operands.FILE), options);
    const { config, step } = checkpoint;
    const whereSize = wheres[config.zWhere].size;
    const progress = io.messages.progress(Number.POSITIVE_INFINITY, 'images');
    let writer: InstanceType<typeof StreamWriter> | undefined;
    let images = 0;
    let objects = 0;
    for await (const event of inferStream(checkpoint, operands.FILE, settings, io)) {
      if (event.type === 'header') {
        const { provenance = [], seed: dataSeed, count } = event.header;
        writer = new StreamWriter(
          {
            air: 'latents',
            version: 1,
            canvas: config.canvas,
            image: { dtype: 'uint8', shape: config.canvas },
            window: { dtype: 'uint8', shape: [config.windowSize, config.windowSize] },
            what: { dtype: 'float32', shape: [config.zWhatSize] },
            ...(whereSize === 3 ? {} : { where: { dtype: 'float32', shape: [whereSize] } }), // as it always was: not said
            model: {
              step,
              steps: config.modelSteps,
              z_pres_prior: config.zPresPrior,
              ...(config.countPrior === 'geometric' ? {} : { count_prior: config.countPrior }),
              mode: options.mode,
              samples: settings.samples,
              ...(options.shifts === 0 ? {} : { shifts: options.shifts }),
            },
            ...(count === 'inf' ? { count } : {}), // endless in, endless out
            ...(dataSeed === undefined ? {} : { seed: dataSeed }),
            provenance: options.noProvenance ? undefined : [...provenance, io.commandLine],
          },
          io.crc32,
        );
        await out.write(writer.header());
      } else if (event.type === 'end') {
        await out.write(writer?.end() as Uint8Array);
      } else {
        for (const record of event.records) {
          await out.write(writer?.record(record) as Uint8Array);
          objects += record.n;
        }
        images += event.records.length;
        progress.update(images);
      }
    }
    await out.finish();
    progress.stop();
    io.messages.info(`${images} images, ${objects} objects found`);
  },
});
