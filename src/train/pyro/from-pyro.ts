/**
 * The state_dict of Pyro's AIR example, read as a model. Shapes tell the sizes of everything, two tensors the priors of
 * z_where; what neither does has to be said (`Untold`).
 */
import { MODEL_SETTINGS, type ModelConfig } from '../../core/config.js';
import { shortest } from '../../core/float32.js';
import type { HostTensors } from '../../core/ops/weights.js';
import { firstMisfit } from '../../core/settings.js';
import { AirError } from '../../errors.js';
import type { TensorData } from '../../formats/safetensors.js';
import { type Settings, TRAIN_SETTINGS, type TrainConfig } from '../config.js';
import { weightGroups } from '../weight-groups.js';
import { ONLY, PRIOR_TENSORS, type Untold } from './class.js';

export type Tensors = ReadonlyMap<string, TensorData>;

/** What only a person can say; `canvas` [H, W] where images are not square. */
export type Said = Untold & { canvas: readonly [number, number] | undefined };

/** A state_dict and what it is called in messages. */
type Named = { tensors: Tensors; name: string };

const WAY_OUT = 'it takes all of air.state_dict(), as Pyro has it, and nothing else: air import --help';

function bad({ name }: Named, what: string, hint = WAY_OUT): AirError {
  return new AirError('badData', `${name}: ${what}`, hint);
}

/**
 * A model with all its weights, the baseline's included where there are any (then the estimator is NVIL's with that baseline).
 *
 * @param name of the file, for messages
 * @param training what else is to be said of how it was trained
 * @throws AirError 'badData', naming the tensor, if one is missing, has another shape or type, holds what is no number, or
 *   is not known; or the setting that no model of air can have
 */
export function fromPyro(
  tensors: Tensors,
  name: string,
  { canvas, ...untold }: Said,
  training: TrainConfig,
): Settings & { params: HostTensors } {
  const file = { tensors, name };
  const sizes = sizesOf(file);
  const config: ModelConfig = {
    ...untold,
    ...ONLY,
    guidePool: 1, // of the difference, which is not seen
    ...sizes,
    canvas: canvasOf(file, sizes, canvas),
    ...priorsOf(file),
  };
  const settings = { config, training: { ...training, ...baselineOf(file) } };
  const misfit = firstMisfit(MODEL_SETTINGS, config) ?? firstMisfit(TRAIN_SETTINGS, settings.training);
  if (misfit !== undefined) throw bad(file, misfit, 'a model of air has no such size');
  return { ...settings, params: weightsOf(file, settings) };
}

/** The length of a weight's side: 0 is out, 1 is in. */
function side(file: Named, tensor: string, axis: 0 | 1): number {
  const shape = file.tensors.get(tensor)?.shape;
  if (shape === undefined) throw bad(file, `tensor ${tensor} is missing`);
  if (shape.length !== 2 || shape.includes(0)) throw bad(file, `tensor ${tensor}: [${shape}] are no weights`);
  return shape[axis];
}

/** Outputs of the layers NET.seq.0, NET.seq.2, ...; none if there are none. */
function layers(file: Named, net: string): number[] {
  const keys = [...file.tensors.keys()].filter((key) => key.startsWith(`${net}.seq.`));
  const last = Math.max(...keys.map((key) => Number.parseInt(key.slice(`${net}.seq.`.length), 10) || 0));
  const sizes: number[] = [];
  for (let i = 0; i <= last; i += 2) sizes.push(side(file, `${net}.seq.${i}.weight`, 0));
  return sizes;
}

type Sizes = Pick<
  ModelConfig,
  'windowSize' | 'zWhatSize' | 'rnnHiddenSize' | 'predictNet' | 'encoderNet' | 'decoderNet' | 'embedNet'
>;

function sizesOf(file: Named): Sizes {
  const zWhatSize = side(file, 'decode.mlp.seq.0.weight', 1);
  const decoder = layers(file, 'decode.mlp');
  const windowSize = Math.sqrt(decoder[decoder.length - 1]);
  if (!Number.isInteger(windowSize)) {
    const last = `decode.mlp.seq.${2 * (decoder.length - 1)}.weight`;
    throw bad(file, `tensor ${last}: ${windowSize ** 2} outputs are no square window`);
  }
  return {
    windowSize,
    zWhatSize,
    rnnHiddenSize: side(file, 'rnn.weight_hh', 1),
    predictNet: layers(file, 'predict.mlp').slice(0, -1),
    encoderNet: layers(file, 'encode.mlp').slice(0, -1),
    decoderNet: decoder.slice(0, -1),
    embedNet: layers(file, 'embed'),
  };
}

/** Height and width: as they were said, or those of a square. */
function canvasOf(file: Named, { embedNet, zWhatSize }: Sizes, said: Said['canvas']): [number, number] {
  const [tensor, besides] = embedNet.length > 0 ? ['embed.seq.0.weight', 0] : ['rnn.weight_ih', 3 + zWhatSize + 1];
  const pixels = side(file, tensor, 1) - besides;
  const [height, width] = said ?? [Math.sqrt(pixels), Math.sqrt(pixels)];
  if (Number.isInteger(height) && height * width === pixels && pixels > 0) return [height, width];
  const wrong = said ? `, not ${height} x ${width}` : ', which is no square';
  throw bad(file, `tensor ${tensor}: made for images of ${pixels} pixels${wrong}`, 'say their size: --canvas HxW');
}

/** Of z_where: one number for the scale, one for both coordinates. */
function priorsOf(file: Named) {
  const values = Object.entries(PRIOR_TENSORS).flatMap(([name, { scale, pos }]) => {
    const [s, x, y] = float32(file, name, [3]);
    if (x !== y) throw bad(file, `tensor ${name}: x and y have priors of their own, ${x} and ${y}`);
    if (name === 'z_where_scale_prior' && !(s > 0 && x > 0))
      throw bad(file, `tensor ${name}: ${s}, ${x} must be above 0`);
    return [
      [scale, shortest(s)],
      [pos, shortest(x)],
    ];
  });
  type Priors = Pick<ModelConfig, 'scalePriorMean' | 'scalePriorSd' | 'posPriorMean' | 'posPriorSd'>;
  return Object.fromEntries(values) as Priors;
}

/** Its class has a baseline always; a file that was made smaller may have lost it. */
function baselineOf(file: Named): Pick<TrainConfig, 'estimator' | 'baseline' | 'blPredictNet'> {
  const hasBaseline = [...file.tensors.keys()].some((name) => name.startsWith('bl_'));
  return {
    estimator: 'nvil',
    baseline: hasBaseline ? 'lstm' : 'none',
    blPredictNet: layers(file, 'bl_predict').slice(0, -1),
  };
}

/** Every weight that such a model has, and nothing beside it but the priors. */
function weightsOf(file: Named, settings: Settings): HostTensors {
  const specs = weightGroups(settings).flatMap((group) => group.specs);
  const weights: HostTensors = new Map();
  for (const { name, shape } of specs) weights.set(name, { shape, values: float32(file, name, shape) });
  const surplus = [...file.tensors.keys()].find((name) => !weights.has(name) && !Object.hasOwn(PRIOR_TENSORS, name));
  if (surplus !== undefined) throw bad(file, `tensor ${surplus} is no weight of Pyro's AIR example`);
  return weights;
}

function float32(file: Named, tensor: string, shape: readonly number[]): Float32Array {
  const found = file.tensors.get(tensor);
  if (found === undefined) throw bad(file, `tensor ${tensor} is missing`);
  if (found.dtype !== 'F32' || found.shape.join() !== shape.join()) {
    throw bad(file, `tensor ${tensor}: expected F32 [${shape}], got ${found.dtype} [${found.shape}]`);
  }
  if (!found.data.every(Number.isFinite)) throw bad(file, `tensor ${tensor}: not all of it are finite numbers`);
  return found.data;
}
