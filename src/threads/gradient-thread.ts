/** A training thread: takes parts of a batch, puts their gradients into shared memory (see gradient-pool.ts). */
import * as tf from '@tensorflow/tfjs';
import { startWasm } from '../backends/wasm/start.js';
import { partGradients } from '../train/learner.js';
import type { GradientReply, GradientRequest, GradientSetup } from './gradient-pool.js';
import { SharedTensors } from './shared-tensors.js';
import { answerRequests, threadSetup } from './thread.js';

const { settings, relaxedSimd, layout, weights } = threadSetup<GradientSetup>();
tf.enableProdMode();
await startWasm({ relaxedSimd: relaxedSimd ? 'on' : 'off' });
const shared = new SharedTensors(layout, weights);

answerRequests(async ({ plan, parts }: GradientRequest): Promise<GradientReply> => {
  const current = shared.read();
  const reply: GradientReply = [];
  for (const { part, gradients } of parts) {
    const { sum, ...said } = await partGradients(settings, current, part, plan);
    new SharedTensors(layout, gradients).write(sum);
    tf.dispose(sum);
    reply.push(said);
  }
  tf.dispose(current);
  return reply;
});
