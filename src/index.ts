/**
 * The library: everything that `air` does, without its command line. Nothing here reads files or prints; tfjs computes on
 * whichever backend is set (`tf.setBackend`; the plain `cpu` of tfjs will do).
 *
 *     import { decodeCheckpoint, explain, joinImages, makeModel, readStream } from 'air';
 */

export { type ModelConfig, PRESETS, type PresetName, type TrainConfig } from './core/config.js';
// The model: what it is, what it makes of images, and how it learns.
export { argmax, type ElboTerms, type ImageOutcome } from './core/count.js';
export { type Explained, type ExplainedStep, type ExplainOptions, explain } from './core/explain.js';
export { type ImageBatch, joinImages, splitImages } from './core/images.js';
export { type Imagined, imagine } from './core/imagine.js';
export { type HostTensors, Learner, type StepOutcome, type StepPlan } from './core/learner.js';
export { initialParams } from './core/parameters.js';
export { Draws, type StreamName } from './core/rng.js';
export { type Model, makeModel } from './core/unroll.js';

// Data: scenes, and how well they were explained.
export { type DigitSet, makeDigitSet } from './data/glyphs.js';
export { boxIou, CountScores, DetectionScores, MatchScores, matchBoxes } from './data/metrics.js';
export { type ComposedScene, type Overlap, PYRO_SCENES, SceneComposer, type SceneOptions } from './data/scenes.js';
export { Scoreboard, type Scored, type Scores } from './data/scoreboard.js';
// What all of it throws.
export { AirError, type ErrorKind, EXIT_CODES } from './errors.js';
// Files: streams, checkpoints, images.
export { decodeIdx } from './formats/idx.js';
export { readImages } from './formats/images.js';
export { decodeNpy, encodeNpy, type NpyArray } from './formats/npy.js';
export { decodePng, encodePng, type Picture } from './formats/png.js';
export {
  checkDigest,
  decodeSafetensors,
  encodeSafetensors,
  sealSafetensors,
  type TensorData,
  UNSEALED_DIGEST,
} from './formats/safetensors.js';
export { readScenes } from './formats/scenes.js';
export type { Box, Header, Latent, LatentStep, Scene, SceneObject } from './formats/stream.js';
export { type ReadOptions, readStream, type StreamEvent, StreamWriter } from './formats/stream.js';

// Pictures.
export { drawPicture, type PictureOptions, type Subject } from './render/pictures.js';
export { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './train/checkpoint.js';
