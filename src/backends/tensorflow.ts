/** The tensorflow backend: `@tensorflow/tfjs-node-gpu`, whose native library may or may not be there. */
import { createRequire } from 'node:module';
import nodeUtil from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { AirError } from '../errors.js';

const PACKAGE = '@tensorflow/tfjs-node-gpu';

/**
 * Loads the package and makes 'tensorflow' the backend of tfjs.
 *
 * @throws AirError 'backendUnavailable' when the package or its native library is missing
 */
export async function startTensorflow(): Promise<{ detail: string; identity: string; subBatch: number }> {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  // The package calls a function that Node 23 took away.
  const util = nodeUtil as { isNullOrUndefined?: (value: unknown) => boolean };
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;

  const require = createRequire(import.meta.url);
  let library: { version: { 'tfjs-node': string; tensorflow?: string } };
  try {
    library = require(PACKAGE);
  } catch (cause) {
    throw new AirError('backendUnavailable', `tensorflow: ${reason(cause)}`, 'the wasm backend needs none of it', {
      cause,
    });
  }
  await tf.setBackend('tensorflow');
  return {
    detail: `libtensorflow through ${PACKAGE} ${library.version['tfjs-node']}`,
    identity: 'tensorflow',
    subBatch: Number.POSITIVE_INFINITY,
  };
}

function reason(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (message.includes(`Cannot find module '${PACKAGE}'`)) return `the package ${PACKAGE} is not installed`;
  if (/tfjs_binding\.node|pre-built binary/.test(message)) {
    return `${PACKAGE} is installed, but its native library is not (npm ran no install script, or it could not download)`;
  }
  return message.split('\n')[0];
}
