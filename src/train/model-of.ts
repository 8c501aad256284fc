/** A checkpoint's model, ready to compute with. */
import * as tf from '@tensorflow/tfjs';
import { type Model, makeModel } from '../core/model.js';
import type { Checkpoint } from './checkpoint.js';

/** On the backend that is set now. Caller disposes of its weights. */
export function modelOf({ config, params }: Pick<Checkpoint, 'config' | 'params'>): Model {
  const tensors = [...params].map(([name, { shape, values }]) => [name, tf.tensor(values, shape)] as const);
  return makeModel(config, Object.fromEntries(tensors));
}
