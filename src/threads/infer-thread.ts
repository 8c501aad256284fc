/** A thread that explains batches of images (see infer-pool.ts). */
import * as tf from '@tensorflow/tfjs';
import { startWasm } from '../backends/wasm/start.js';
import { type Explained, infer } from '../core/infer.js';
import { makeModel } from '../core/unroll.js';
import type { InferRequest, InferSetup } from './infer-pool.js';
import { SharedTensors } from './shared-tensors.js';
import { answerRequests, threadSetup } from './thread.js';

const { config, relaxedSimd, layout, weights } = threadSetup<InferSetup>();
tf.enableProdMode();
await startWasm({ relaxedSimd: relaxedSimd ? 'on' : 'off' });
const model = makeModel(config, new SharedTensors(layout, weights).read());

answerRequests(
  ({ batch, indices, options }: InferRequest): Promise<Explained[]> => infer(model, batch, indices, options),
);
