/** A model from the bytes of its file, for who uses the library. */
import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs';
import type { Model } from './core/model.js';
import { checkDigest } from './formats/safetensors.js';
import { wasChanged } from './formats/safetensors-header.js';
import { decodeCheckpoint } from './train/checkpoint.js';
import { modelOf } from './train/model-of.js';

/**
 * The model of a checkpoint, of air train or a .state, on the backend that is set now: start that first.
 *
 * @param bytes of the whole file
 * @param name of the file, for messages
 * @throws AirError 'badData' if it is no checkpoint, damaged, or was changed since it was written
 */
export function loadModel(bytes: Uint8Array, name = 'the model'): Model {
  tf.enableProdMode(); // no banner of tfjs
  const checkpoint = decodeCheckpoint(bytes, name);
  const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');
  if (checkDigest(bytes, sha256) !== 'ok') throw wasChanged(name);
  return modelOf(checkpoint);
}
