/**
 * The library: everything that `air` does, without its command line. Nothing here prints, or reads files but those of the package.
 * tfjs computes on whichever backend is started, or set (`tf.setBackend`; the plain `cpu` of tfjs will do).
 *
 *     import { infer, joinImages, loadModel, readScenes, SHIPPED_MODELS, startBackend } from 'air';
 */

// What computes: wasm with the kernels of air, and the others of `air backends`.
export type { Started } from './backends/backend.js';
export type { BackendName } from './backends/names.js';
export { startBackend } from './backends/start.js';
// The model: what it is, what it makes of images, and how it learns.
export type { EstimatorSettings, ModelConfig } from './core/config.js';
export { argmax } from './core/count.js';
export type { ElboTerms } from './core/elbo.js';
export { type ImageBatch, joinImages, splitImages } from './core/images.js';
export { type InferOptions, infer } from './core/infer.js';
export type { Box, Latent, LatentStep } from './core/latent.js';
export { type Model, makeModel } from './core/model.js';
export type { HostTensors } from './core/ops/weights.js';
export type { Outcome } from './core/outcome.js';
export { initialParams } from './core/parameters.js';
export { Draws, type StreamName } from './core/rng.js';
export { type SampledScene, sampleScenes } from './core/sample.js';
// Data: scenes, and how well they were explained.
export { type DigitSet, makeDigitSet } from './data/digits.js';
export type { Overlap } from './data/overlap.js';
export { type ComposedScene, PYRO_SCENES, SceneComposer, type SceneOptions } from './data/scenes.js';
// What all of it throws.
export { AirError, type ErrorKind, EXIT_CODES } from './errors.js';
// Files: streams, checkpoints, images.
export { decodeIdx } from './formats/idx.js';
export { readImages } from './formats/images.js';
export { decodeNpy, encodeNpy, type NpyArray, type NumericArray, type NumericData } from './formats/npy.js';
export { decodeNpzArray, encodeNpz } from './formats/npz.js';
export { decodePng, encodePng, type Picture } from './formats/png.js';
export type { Header, LatentRecord, Scene, SceneObject } from './formats/records.js';
export {
  checkDigest,
  decodeSafetensors,
  encodeSafetensors,
  sealSafetensors,
  type TensorData,
  UNSEALED_DIGEST,
} from './formats/safetensors.js';
export { readScenes } from './formats/scenes.js';
export { type ReadOptions, readStream, type StreamEvent, StreamWriter } from './formats/stream.js';
export { loadModel } from './load-model.js';
export { PRESETS, type PresetName } from './presets.js';
// Pictures.
export { drawPicture, type PictureOptions, type Subject } from './render/pictures.js';
export { AbstentionScores, type Answers } from './scores/abstention.js';
export { boxIou, DetectionScores, MatchScores, matchBoxes } from './scores/boxes.js';
export { type Calibration, CalibrationScores } from './scores/calibration.js';
export { CountScores } from './scores/counts.js';
export { Scoreboard, type Scored, type Scores } from './scores/scoreboard.js';
export { SingleScores, type Singles } from './scores/singles.js';
export { SHIPPED_MODELS } from './shipped.js';
export { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './train/checkpoint.js';
export type { Settings, TrainConfig } from './train/config.js';
export { Learner, type StepOutcome } from './train/learner.js';
export type { StepPlan } from './train/plan.js';
export { learningRatesAt, logPriorAt } from './train/schedule.js';
