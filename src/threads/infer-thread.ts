/** A thread that explains batches of images (see infer-pool.ts). */
import * as tf from '@tensorflow/tfjs';
import { startWasm } from '../backends/wasm/start.js';
import { infer } from '../core/infer.js';
import type { Latent } from '../core/latent.js';
import { makeModel } from '../core/model.js';
import type { InferRequest, InferSetup } from './infer-pool.js';
import { SharedTensors } from './shared-tensors.js';
import { answerRequests, threadSetup } from './thread.js';

const { config, relaxedSimd, layout, weights } = threadSetup<InferSetup>();
tf.enableProdMode();
await startWasm({ relaxedSimd: relaxedSimd ? 'on' : 'off' });
const model = makeModel(config, new SharedTensors(layout, weights).read());

answerRequests(({ batch, indices, options }: InferRequest): Promise<Latent[]> => infer(model, batch, indices, options));
