/** Every reader that there is a grammar for. */
import type { Reader } from './cases.js';
import { checkpoint } from './readers/checkpoint.js';
import { gzip } from './readers/gzip.js';
import { idx, idxImages } from './readers/idx.js';
import { config, metricsLog, scores } from './readers/json.js';
import { msgpack } from './readers/msgpack.js';
import { npy, npyImages } from './readers/npy.js';
import { npz, npzImages } from './readers/npz.js';
import { png, pngImages } from './readers/png.js';
import { safetensors } from './readers/safetensors.js';
import { stream } from './readers/stream.js';

// biome-ignore lint/suspicious/noExplicitAny: each reads values of its own
export const READERS: readonly Reader<any>[] = [
  ...[idx, idxImages, npy, npyImages, npz, npzImages, png, pngImages, safetensors, checkpoint],
  ...[msgpack, stream, gzip, metricsLog, scores, config],
];
