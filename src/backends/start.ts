/** Pick and start a compute backend. */
import * as tf from '@tensorflow/tfjs';
import { AirError } from '../errors.js';

export async function startBackend(name: string): Promise<string> {
  if (name === 'wasm') {
    const { startWasm } = await import('./wasm/start.js');
    await startWasm({ relaxedSimd: 'off' });
  } else if (name === 'cpu') {
    await tf.setBackend('cpu');
  } else {
    throw new AirError('backendUnavailable', `no backend named ${name}`);
  }
  await tf.ready();
  return tf.getBackend();
}
