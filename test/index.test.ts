/** The library as a program would use it: from digits to an explained scene, without the command line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import * as air from '#air/index.js';
import { readMnist } from './support/mnist.js';
import { sha256 } from './support/sha256.js';

const config: air.ModelConfig = { ...air.PRESETS.small.model, windowSize: 8, rnnHiddenSize: 8, embedNet: [8] };
const training: air.TrainConfig = { ...air.PRESETS.small.training, steps: 1, batchSize: 4 };

test('a package of this name gives the library', async () => {
  const name: string = 'air';
  assert.equal(((await import(name)) as typeof air).infer, air.infer);
});

test('scenes are made, passed on as a stream, learnt from, saved, loaded, explained, scored and drawn', async () => {
  await tf.setBackend('cpu');
  const composer = new air.SceneComposer(readMnist('t10k'), air.PYRO_SCENES);
  const canvas: [number, number] = [50, 50];
  const writer = new air.StreamWriter({ air: 'scenes', version: 1, canvas, image: { dtype: 'uint8', shape: canvas } });
  const made = [0, 1, 2, 3].map((i) => composer.compose(7, i));
  const parts = [writer.header(), ...made.map((scene) => writer.record(scene)), writer.end()];
  const scenes: air.Scene[] = [];
  const chunks = (async function* () {
    yield* parts;
  })();
  for await (const event of air.readStream(chunks, { name: 'scenes', expect: 'scenes' })) {
    if (event.type === 'record') scenes.push(event.record);
  }
  assert.deepEqual(
    scenes.map(({ image, count }) => ({ image: [...image], count })),
    made.map(({ image, count }) => ({ image: [...image], count })),
  );

  const images = air.joinImages(scenes.map(({ image }) => image));
  const learner = new air.Learner({ config, training });
  const rates = { model: 1e-3, baseline: 1e-3 };
  const logPrior = [1, 0.1, 0.01, 0.001].map((weight) => Math.log(weight / 1.111));
  const plan = { step: 1, rates, logPrior, wantsNorm: true };
  const { outcomes, gradientNorm = 0 } = await learner.step(images, 4, plan);
  assert.equal(outcomes.length, 4);
  assert.ok(gradientNorm > 0);
  const params = await learner.read('params');
  const state = { config, training, step: 1, params, data: '', backend: 'cpu', metrics: {}, provenance: [] };
  const file = air.sealSafetensors(air.encodeCheckpoint(state), sha256);
  assert.equal(air.checkDigest(file, sha256), 'ok');

  const loaded = air.decodeCheckpoint(file, 'model');
  const tensors = [...loaded.params].map(([name, { shape, values }]) => [name, tf.tensor(values, shape)]);
  const model = air.makeModel(loaded.config, Object.fromEntries(tensors));
  const explained = await air.infer(model, images, [0, 1, 2, 3], { mode: 'mean', samples: 1, seed: 0 });
  const board = new air.Scoreboard();
  for (const [k, image] of explained.entries()) {
    assert.ok(Math.abs(image.q.reduce((sum, p) => sum + p, 0) - 1) < 1e-5);
    board.add({ ...image, count: made[k].count });
  }
  assert.equal(board.scores.images, 4);
  const subjects = explained.map((image, k) => ({ ...image, ...made[k] }));
  const picture = air.drawPicture(subjects, { canvas, rows: ['input', 'reconstruction'], columns: 4, scale: 1 });
  const { width, height } = await air.decodePng(picture.toPng(), 'picture');
  assert.deepEqual([width, height], [picture.width, picture.height]);
});

test('what goes wrong says so in a way a program can tell apart', () => {
  assert.throws(
    () => air.decodeCheckpoint(new Uint8Array(3), 'model'),
    (error: unknown) => error instanceof air.AirError && error.exitCode === air.EXIT_CODES.badData,
  );
});
