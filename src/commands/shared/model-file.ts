/** Reading checkpoints from files, for every command that takes a MODEL. */
import type { Model } from '../../core/model.js';
import { AirError } from '../../errors.js';
import type { Io } from '../../io/io.js';
import type { Checkpoint } from '../../train/checkpoint.js';

/** Models that come with the package, by the name that stands for their file. */
const SHIPPED: { readonly [name: string]: string } = { digits: '../../../fixtures/models/digits.safetensors' };

/** The file that an operand names: itself, or a model of the package where there is no file of that name. */
export async function modelFile(operand: string, io: Io): Promise<string> {
  if (!Object.hasOwn(SHIPPED, operand) || (await io.exists(operand))) return operand;
  return decodeURIComponent(new URL(SHIPPED[operand], import.meta.url).pathname);
}

/**
 * Reads a model, or the state of a run that is not over; `digits` is the one that comes with the package.
 *
 * @throws AirError 'noInput' if there is no such file; 'badData' if it is no checkpoint of air, or damaged
 */
export async function readCheckpoint(file: string, io: Io): Promise<Checkpoint> {
  return checkedModel(await io.readFile(await modelFile(file, io)), file, io);
}

/** The same of its bytes. */
export async function checkedModel(bytes: Uint8Array, file: string, io: Io): Promise<Checkpoint> {
  const { sniff } = await import('../../formats/sniff.js');
  const { checkDigest } = await import('../../formats/safetensors.js');
  const { decodeCheckpoint } = await import('../../train/checkpoint.js');
  const kind = sniff(bytes.subarray(0, 12));
  if (bytes.length > 0 && kind !== 'safetensors' && kind !== 'unknown') {
    const { KIND_NAMES } = await import('../../formats/sniff.js');
    throw new AirError(
      'badData',
      `${file}: expected a model, this is ${KIND_NAMES[kind]}`,
      'a model is what air train makes',
    );
  }
  const checkpoint = decodeCheckpoint(bytes, file);
  const digest = checkDigest(bytes, io.sha256);
  if (digest !== 'ok') {
    const what =
      digest === 'missing'
        ? 'it has no digest: not made by air train, or edited since'
        : 'the digest does not match: the file was changed';
    throw new AirError('badData', `${file}: ${what}`, 'copy it again, or train again');
  }
  return checkpoint;
}

/** A model ready to run on the backend that is started. */
export async function loadModel({ config, params }: Checkpoint): Promise<Model> {
  const tf = await import('@tensorflow/tfjs');
  const { makeModel } = await import('../../core/model.js');
  const tensors = [...params].map(([name, { shape, values }]) => [name, tf.tensor(values, shape)]);
  return makeModel(config, Object.fromEntries(tensors));
}
