/** A training thread: takes parts of a batch, puts their gradients into shared memory (see gradient-pool.ts). */
import * as tf from '@tensorflow/tfjs';
import { startWasm } from '../backends/wasm/start.js';
import { partGradients } from '../train/learner.js';
import type { GradientReply, GradientRequest, GradientSetup } from './gradient-pool.js';
import { SharedTensors } from './shared-tensors.js';
import { answerRequests, threadSetup } from './thread.js';

const { config, training, relaxedSimd, layout, weights } = threadSetup<GradientSetup>();
tf.enableProdMode();
await startWasm({ relaxedSimd: relaxedSimd ? 'on' : 'off' });
const shared = new SharedTensors(layout, weights);

answerRequests(async ({ plan, parts }: GradientRequest): Promise<GradientReply> => {
  const current = shared.read();
  const outcomes: GradientReply['outcomes'] = [];
  for (const { from, images, batch, gradients } of parts) {
    const part = await partGradients(config, training, current, images, from, batch, plan);
    new SharedTensors(layout, gradients).write(part.sum);
    tf.dispose(part.sum);
    outcomes.push(part.outcomes);
  }
  tf.dispose(current);
  return { outcomes };
});
