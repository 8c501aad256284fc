/** A checkpoint that somebody has changed, with a digest that fits it again. */
import {
  decodeSafetensors,
  encodeSafetensors,
  sealSafetensors,
  type TensorData,
  UNSEALED_DIGEST,
} from '#air/formats/safetensors.js';
import { sha256 } from './sha256.js';

export function resealed(
  bytes: Uint8Array,
  change: (metadata: Record<string, string>, tensors: Map<string, TensorData>) => void,
): Uint8Array {
  const { metadata, tensors } = decodeSafetensors(bytes, 'm');
  change(metadata, tensors);
  return sealSafetensors(encodeSafetensors(tensors, { ...metadata, digest: UNSEALED_DIGEST }), sha256);
}
