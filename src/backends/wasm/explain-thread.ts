/** A thread that explains batches of images (see explain-pool.ts). */
import * as tf from '@tensorflow/tfjs';
import { type Explained, explain } from '../../core/explain.js';
import { makeModel } from '../../core/unroll.js';
import { answerRequests, threadSetup } from '../../thread.js';
import type { ExplainRequest, ExplainSetup } from './explain-pool.js';
import { SharedTensors } from './shared-tensors.js';
import { startWasm } from './start.js';

const { config, relaxedSimd, layout, weights } = threadSetup<ExplainSetup>();
tf.enableProdMode();
await startWasm({ relaxedSimd });
const model = makeModel(config, new SharedTensors(layout, weights).read());

answerRequests(
  ({ batch, indices, options }: ExplainRequest): Promise<Explained[]> => explain(model, batch, indices, options),
);
