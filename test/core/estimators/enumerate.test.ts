/** The default estimator: its gradients are the slopes of the ELBO, weight by weight. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { geometricLogProbs, logCountProbs } from '#air/core/count.js';
import { elboTerms } from '#air/core/elbo.js';
import { enumerate } from '#air/core/estimators/enumerate.js';
import { toIntensities } from '#air/core/images.js';
import { makeModel } from '#air/core/model.js';
import type { NamedTensors } from '#air/core/ops/weights.js';
import { takeRows } from '#air/core/rows.js';
import { onEachBackend, read } from '../../support/backends.js';
import { elboGradients } from '../../support/estimates.js';
import { livelyModel, livelyParams, noiseFor } from '../../support/lively-model.js';
import { bars, TINY } from '../../support/tiny-model.js';

onEachBackend(() => {
  describe('the gradients', () => {
    const config = { ...TINY, guideInput: 'image' as const }; // the others stop the gradient at what they see
    const divisor = 5;

    for (const countWeights of [
      undefined,
      [
        [0, 0, 10, 0],
        [0, 0, 0, 0],
        [10, 0, 0, 0],
      ],
    ]) {
      const objective = countWeights ? 'ELBO, and of log q of known counts,' : 'ELBO';
      it(`are minus the slope of the ${objective} over the divisor, weight by weight`, async () => {
        const params = livelyParams(config);
        const images = toIntensities(bars(3), config.canvas);
        const noise = noiseFor(config, 3);
        const logPrior = geometricLogProbs(0.1, 3);
        const at = (weights: NamedTensors) =>
          elboGradients(
            makeModel(config, weights),
            images,
            noise,
            logPrior,
            divisor,
            countWeights && tf.tensor2d(countWeights),
          );
        const objectiveAt = async (weights: NamedTensors) => {
          return (await takeRows(at(weights).outcome)).reduce((sum, ofImage, b) => {
            const { elbo } = elboTerms(ofImage, logPrior);
            const logQ = logCountProbs(ofImage.zPresLogits);
            const lesson = countWeights ? countWeights[b].reduce((all, weight, n) => all + weight * logQ[n], 0) : 0;
            return sum + (elbo + lesson) / divisor;
          }, 0);
        };
        const { gradients } = at(params);
        for (const [name, gradient] of Object.entries(gradients)) {
          // along the gradient itself the slope is its length; a step of 0.003 nats is hundreds of roundings
          const [length] = await read(tf.norm(gradient));
          const step = 0.003 / length;
          const moved = (by: number) => ({ ...params, [name]: tf.sub(params[name], tf.mul(gradient, by / length)) });
          const slope = ((await objectiveAt(moved(step))) - (await objectiveAt(moved(-step)))) / (2 * step);
          assert.ok(Math.abs(slope - length) < 0.004 * length, `${name}: slope ${slope}, gradient ${length}`);
        }
      });
    }
  });

  it('has no weights of its own, and is in the order of the weights of the model', () => {
    assert.deepEqual(enumerate.specs(TINY), []);
    const model = livelyModel(TINY);
    const reversed = makeModel(TINY, Object.fromEntries(Object.entries(model.params).reverse()));
    for (const each of [model, reversed]) {
      const images = toIntensities(bars(2), TINY.canvas);
      const { gradients, fit } = elboGradients(each, images, noiseFor(TINY, 2), geometricLogProbs(0.1, 3), 2);
      assert.deepEqual(Object.keys(gradients), Object.keys(each.params));
      assert.equal(fit, undefined);
    }
  });
});
