/** `air import`: weights that another program trained, as a model. */
import { defineCommand, type Option, usage, valued } from '../cli/command.js';
import { AirError } from '../errors.js';
import type { Io } from '../io/io.js';
import { PRESETS } from '../presets.js';
import { noProvenance, output } from './shared/options.js';
import { modelOptions, trainingOptions } from './train/options.js';
import { PYRO_SPELLINGS } from './train/spellings.js';

const GROUP = "What the file does not tell, with the defaults of Pyro's example";

/** An option of `air train` with the default of Pyro's example. */
function untold<T>(option: Option<T | undefined>, value: T): Option<T> {
  return { ...option, default: value, defaultText: undefined, group: GROUP } as Option<T>;
}

/** Height and width: `40x60`. */
const canvas = valued({
  value: 'HxW',
  expects: 'height and width such as 40x60',
  group: GROUP,
  defaultText: 'a square of as many pixels as the weights are for',
  help: 'size of the images',
  parse(text): readonly [number, number] | undefined {
    const sides = /^([1-9]\d{0,3})x([1-9]\d{0,3})$/.exec(text);
    return sides === null ? undefined : [Number(sides[1]), Number(sides[2])];
  },
  format: (sides) => sides.join('x'),
});

export const importModel = defineCommand({
  name: 'import',
  summary: "make a model of the weights of Pyro's AIR example",
  description: `Reads the state_dict of the class AIR of Pyro's example (examples/air), saved as safetensors, and writes a model that infer,
    eval, sample and export take. Shapes tell the sizes of all nets; the priors of z_where are among the tensors, and a
    baseline comes along. What the file does not tell has to be as it was when the weights were trained: nothing in them
    shows that it is not. Options may be spelt as there: --non-linearity ELU, --decoder-output-use-sigmoid, --z-pres-prior-raw.

    Pyro saves with torch.save; in Python, with pip install torch safetensors, that becomes safetensors so:
    safetensors.torch.save_file(torch.load("air.pt"), "pyro.safetensors")`,
  operands: [{ name: 'FILE', help: 'a state_dict as safetensors; - is stdin', required: true }],
  options: {
    modelSteps: untold(modelOptions.modelSteps, 3),
    decoderOutput: untold(modelOptions.decoderOutput, 'linear'),
    decoderOutputBias: untold(modelOptions.decoderOutputBias, 0),
    activation: untold(modelOptions.activation, 'relu'),
    likelihoodSd: untold(modelOptions.likelihoodSd, 0.3),
    zPresPrior: untold(modelOptions.zPresPrior, 0.5),
    countPrior: untold(modelOptions.countPrior, 'geometric'),
    baselineScalar: untold(trainingOptions.baselineScalar, 1),
    canvas,
    output: output({ value: 'MODEL', help: 'the model' }),
    noProvenance,
  },
  examples: [
    {
      command:
        'air import pyro.safetensors --decoder-output-use-sigmoid --decoder-output-bias=-2 --z-pres-prior 0.01 -o air.safetensors',
      help: 'weights of the recipe that its authors give',
    },
    {
      command: 'air import pyro.safetensors --z-pres-prior 0.1 --z-pres-prior-raw | air eval --model - test.air',
      help: 'of other settings: score it',
    },
  ],
  seeAlso: ['export', 'infer', 'eval'],
  spellings: PYRO_SPELLINGS.filter(({ means: [flag] }) =>
    ['model-steps', 'activation', 'decoder-output', 'count-prior'].includes(flag.slice(2)),
  ),
  async run({ options, operands }, io) {
    const { fromPyro } = await import('../train/pyro/from-pyro.js');
    const { encodeCheckpoint } = await import('../train/checkpoint.js');
    const { sealSafetensors } = await import('../formats/safetensors.js');
    const { output, noProvenance, baselineScalar, ...said } = options;
    if (said.countPrior !== 'geometric' && said.zPresPrior === 1) {
      throw usage(
        `--count-prior ${said.countPrior} --z-pres-prior 1: some counts could not be`,
        'give --z-pres-prior below 1',
      );
    }
    const out = await io.openOutput(output, 'tensors');
    const tensors = await readForeign(operands.FILE, io);
    // how long it was trained, and on what, is not known
    const made = fromPyro(tensors, operands.FILE, said, { ...PRESETS.pyro.training, steps: 0, baselineScalar });
    const model = encodeCheckpoint({
      ...made,
      step: 0,
      data: '',
      backend: '',
      metrics: {},
      provenance: noProvenance ? [] : [io.commandLine],
    });
    await out.write(sealSafetensors(model, io.sha256));
    await out.finish();
    const { config, training, params } = made;
    const { windowSize, zWhatSize, rnnHiddenSize } = config;
    const baseline = training.baseline === 'none' ? 'without a baseline' : 'with its baseline';
    const sizes = `images of ${config.canvas.join(' x ')} px, window ${windowSize}, z_what ${zWhatSize}, LSTM ${rnnHiddenSize}`;
    io.messages.info(`${params.size} weights, ${baseline}: ${sizes}`);
  },
});

/** @throws AirError 'badData' if it is no safetensors file, or a model of air */
async function readForeign(file: string, io: Io) {
  const { KIND_NAMES, sniffChunks } = await import('../formats/sniff.js');
  const { readSafetensors, readTensors } = await import('../formats/safetensors-stream.js');
  const { isOfAir } = await import('../train/checkpoint-header.js');
  const { kind, chunks } = await sniffChunks(io.readBytes(file));
  if (kind !== 'safetensors' && kind !== 'unknown') await chunks.return();
  if (kind === 'npz') {
    throw new AirError(
      'badData',
      `${file}: expected safetensors, this is a zip archive, as torch.save writes it`,
      'in Python: safetensors.torch.save_file(torch.load("air.pt"), "pyro.safetensors")',
    );
  }
  if (kind !== 'safetensors' && kind !== 'unknown') {
    throw new AirError('badData', `${file}: expected safetensors, this is ${KIND_NAMES[kind]}`);
  }
  return readSafetensors(chunks, { name: file, newHash: io.newHash }, (opened) => {
    if (!isOfAir(opened.header)) return readTensors(opened, file);
    throw new AirError('badData', `${file}: this is a model of air already`, 'infer, eval and sample take it as it is');
  });
}
