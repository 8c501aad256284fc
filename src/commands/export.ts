/** `air export`: what air has made, in the format of another program: a model for Pyro, images and counts for NumPy. */
import { choice, defineCommand, flagName, usage } from '../cli/command.js';
import type { ModelConfig } from '../core/config.js';
import { AirError } from '../errors.js';
import type { NumericArray } from '../formats/npy.js';
import type { Scene } from '../formats/records.js';
import type { StreamEvent } from '../formats/stream.js';
import type { Io } from '../io/io.js';
import { writtenAs } from '../io/output-kinds.js';
import type { Lacking } from '../train/pyro/to-pyro.js';
import { output } from './shared/options.js';
import { asTyped } from './train/options.js';

/** A file as it is to be written, and what to say about it. */
type Exported = { bytes: Uint8Array; kind: 'tensors' | 'npz'; summary: string };

const FORMATS = ['pyro', 'npz'] as const;

export const exportFile = defineCommand({
  name: 'export',
  summary: "write a model as the state_dict of Pyro's AIR example, or scenes as .npz",
  description: `A model becomes safetensors that the class AIR of Pyro's example (examples/air) loads: its weights, those of the baseline
    included if it has one, and the priors of z_where. A state_dict does not say how the class is to be called first: the summary
    does. In Python, with pip install pyro-ppl safetensors: air = AIR(...);
    air.load_state_dict(safetensors.torch.load_file("pyro.safetensors")), and strict=False beside it if there is no baseline.
    Pyro's guide looks at the image, straight or through an embedding: other models are refused.

    Scenes or images become arrays for numpy.load: x [N, H, W] of uint8, and count [N] if the truth about all is known. They
    are held in memory.`,
  operands: [{ name: 'FILE', help: 'a model; scenes, images or a folder of PNGs; - is stdin', default: '-' }],
  options: {
    format: choice(FORMATS, {
      group: 'Output',
      defaultText: 'pyro for a model, npz for scenes',
      help: 'what to write',
    }),
    output: output({ help: 'write it here' }),
  },
  examples: [
    { command: 'air export air.safetensors -o pyro.safetensors', help: 'a model for Pyro' },
    {
      command: 'air train scenes.air --preset pyro && air export air.safetensors -o pyro.safetensors',
      help: "one whose guide is Pyro's, with a baseline",
    },
    { command: 'air gen-data | air export -o scenes.npz', help: 'scenes for NumPy' },
  ],
  seeAlso: ['import', 'train', 'gen-data'],
  async run({ options, operands }, io) {
    const out = await io.openOutput(options.output, writtenAs(options.output, ['tensors', 'npz']));
    const { bytes, kind, summary } = await exported(operands.FILE, options.format, io);
    writtenAs(options.output, [kind]);
    await out.write(bytes);
    await out.finish();
    io.messages.info(summary);
  },
});

/** @throws AirError 'usage' if what the file holds does not go into that format */
async function exported(file: string, format: (typeof FORMATS)[number] | undefined, io: Io): Promise<Exported> {
  const { readImageInput } = await import('./shared/image-input.js');
  const { modelFile } = await import('./shared/model-file.js');
  const isFolder = (await io.listFolder(file)) !== undefined;
  const { sniffChunks } = await import('../formats/sniff.js');
  const { kind, chunks } = isFolder
    ? { kind: 'folder', chunks: undefined }
    : await sniffChunks(io.readBytes(await modelFile(file, io)));
  if (kind === 'safetensors' && chunks !== undefined) {
    if (format === 'npz') throw usage(`--format npz: ${file} is a model`, 'its weights go out with --format pyro');
    return asStateDict(chunks, file, io);
  }
  if (format === 'pyro') throw usage(`--format pyro: ${file} is no model`, 'images go out with --format npz');
  return asArrays(readImageInput(file, io, chunks), file);
}

async function asStateDict(model: AsyncIterable<Uint8Array>, name: string, io: Io): Promise<Exported> {
  const { arrivingModel } = await import('./shared/model-file.js');
  const { hasPyroBaseline, lackingInPyro, pyroCall, toPyro } = await import('../train/pyro/to-pyro.js');
  const { encodeSafetensors } = await import('../formats/safetensors.js');
  const { config, training, params } = await arrivingModel(model, name, io);
  checkCounterparts(config, lackingInPyro(config), name);
  const settings = { config, training };
  const tensors = toPyro(settings, params);
  const baseline = hasPyroBaseline(settings) ? '' : ', without a baseline (strict=False)';
  return {
    bytes: encodeSafetensors(tensors, { format: 'pt' }),
    kind: 'tensors',
    summary: `${tensors.size} tensors${baseline}, for ${pyroCall(settings)}`,
  };
}

/** @throws AirError 'usage' if Pyro's class cannot be such a model */
function checkCounterparts(config: ModelConfig, lacking: readonly Lacking[], name: string): void {
  const { canvas } = config;
  if (canvas[0] !== canvas[1]) {
    throw usage(
      `${name}: takes images of ${canvas.join(' x ')} px, and those of Pyro's class are square`,
      'pad images, and train on those',
    );
  }
  if (lacking.length === 0) return;
  const [{ key, only }] = lacking;
  throw usage(
    `${name}: --${flagName(key)} is ${asTyped(key, config[key])}, and Pyro's class knows ${asTyped(key, only)} alone`,
    `train a model with ${lacking.map((one) => `--${flagName(one.key)} ${asTyped(one.key, one.only)}`).join(' ')}`,
  );
}

/** @throws AirError 'badData' if there is nothing in it, or sizes differ; 'usage' if it has no end */
async function asArrays(events: AsyncIterable<StreamEvent<Scene>>, name: string): Promise<Exported> {
  const { joinImages } = await import('../core/images.js');
  const { encodeNpz } = await import('../formats/npz.js');
  const [images, counts]: [Uint8Array[], number[]] = [[], []];
  let size: readonly number[] | undefined;
  for await (const event of events) {
    if (event.type === 'header') {
      const { canvas, count } = event.header;
      if (count === 'inf') throw usage(`${name}: scenes without end do not fit an array`, 'air gen-data --count N');
      if (size !== undefined && size.join() !== canvas.join()) {
        const [first, later] = [size, canvas].map((sides) => sides.join(' x '));
        throw new AirError('badData', `${name}: images of ${first} px and of ${later} px`, 'export them one by one');
      }
      size = canvas;
    } else if (event.type === 'record') {
      images.push(event.record.image);
      if (event.record.count !== undefined) counts.push(event.record.count);
    }
  }
  if (images.length === 0) throw new AirError('badData', `${name}: there are no images in it`);
  const shape = [images.length, ...(size as readonly number[])];
  const arrays = new Map<string, NumericArray>();
  arrays.set('x', { shape, data: joinImages(images).pixels });
  const hasCounts = counts.length === images.length;
  if (hasCounts) arrays.set('count', { shape: [counts.length], data: Int32Array.from(counts) });
  const summary = `x of uint8 [${shape.join(', ')}]${hasCounts ? ', count of int32' : ', no counts'}`;
  return { bytes: encodeNpz(arrays, { isDeflated: true }), kind: 'npz', summary };
}
