/** A training thread: takes parts of a batch, puts their gradients into shared memory (see pool.ts). */
import { parentPort, workerData } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs';
import { Learner } from '../../core/learner.js';
import type { WorkerReply, WorkerRequest, WorkerSetup } from './pool.js';
import { SharedTensors } from './shared-tensors.js';
import { startWasm } from './start.js';

const { config, training, relaxedSimd, layout, weights } = workerData as WorkerSetup;
tf.enableProdMode();
await startWasm({ relaxedSimd });
const shared = new SharedTensors(layout, weights);
const learner = new Learner(config, training);

async function answer({ plan, parts }: WorkerRequest): Promise<WorkerReply> {
  learner.useWeights(shared.read());
  const outcomes: WorkerReply['outcomes'] = [];
  for (const { from, images, batch, gradients } of parts) {
    const part = await learner.gradients(images, from, batch, plan);
    await new SharedTensors(layout, gradients).write(part.sum);
    tf.dispose(part.sum);
    outcomes.push(part.outcomes);
  }
  return { outcomes };
}

parentPort?.on('message', async (request: WorkerRequest) => {
  parentPort?.postMessage(await answer(request));
});
