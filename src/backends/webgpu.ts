/** The webgpu backend: tfjs's own on Dawn, both optional packages. */
import { AirError } from '../errors.js';

/** @throws AirError 'backendUnavailable' */
export async function startWebgpu(): Promise<{ detail: string; identity: string; subBatch: number }> {
  throw new AirError('backendUnavailable', 'webgpu: not part of this version', 'use --backend wasm');
}
