/** Runs in a worker thread: one training gradient of a small model on an instance of its own; posts its bytes. */
import { parentPort, workerData } from 'node:worker_threads';
import { trainingGradient } from './training-gradient.js';

parentPort?.postMessage(await trainingGradient(workerData as { batch: number }));
