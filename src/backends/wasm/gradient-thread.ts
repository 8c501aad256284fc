/** A training thread: takes parts of a batch, puts their gradients into shared memory (see gradient-pool.ts). */
import { workerData } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs';
import { Learner } from '../../core/learner.js';
import type { GradientReply, GradientRequest, GradientSetup } from './gradient-pool.js';
import { SharedTensors } from './shared-tensors.js';
import { startWasm } from './start.js';
import { answerRequests } from './thread.js';

const { config, training, relaxedSimd, layout, weights } = workerData as GradientSetup;
tf.enableProdMode();
await startWasm({ relaxedSimd });
const shared = new SharedTensors(layout, weights);
const learner = new Learner(config, training);

answerRequests(async ({ plan, parts }: GradientRequest): Promise<GradientReply> => {
  learner.useWeights(shared.read());
  const outcomes: GradientReply['outcomes'] = [];
  for (const { from, images, batch, gradients } of parts) {
    const part = await learner.gradients(images, from, batch, plan);
    new SharedTensors(layout, gradients).write(part.sum);
    tf.dispose(part.sum);
    outcomes.push(part.outcomes);
  }
  return { outcomes };
});
