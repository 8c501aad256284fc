/** Weights in groups that share a learning rate: all of them, each once. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ESTIMATORS, GUIDE_INPUTS } from '#air/core/config.js';
import { makeEstimator } from '#air/core/estimators/estimators.js';
import { paramSpecs } from '#air/core/parameters.js';
import { weightGroups } from '#air/train/weight-groups.js';
import { TINY, TINY_TRAINING } from '../support/tiny-model.js';

for (const estimator of ESTIMATORS) {
  it(`are the model's weights first, then those of the estimator, if it has any (${estimator})`, () => {
    for (const guideInput of GUIDE_INPUTS) {
      const [config, training] = [
        { ...TINY, guideInput },
        { ...TINY_TRAINING, estimator },
      ];
      const own = makeEstimator(training).specs(config);
      const expected = [
        { name: 'model', specs: paramSpecs(config) },
        { name: 'baseline', specs: own },
      ];
      assert.deepEqual(weightGroups({ config, training }), own.length === 0 ? expected.slice(0, 1) : expected);
    }
  });

  it(`do not depend on how many steps a model takes, nor on its prior over the count (${estimator})`, () => {
    const groupsOf = (changes: object) =>
      GUIDE_INPUTS.map((guideInput) => {
        const training = { ...TINY_TRAINING, estimator };
        return weightGroups({ config: { ...TINY, guideInput, ...changes }, training });
      });
    for (const modelSteps of [1, 2, 20]) assert.deepEqual(groupsOf({ modelSteps, zPresPrior: 0.5 }), groupsOf({}));
  });

  it(`name no weight twice (${estimator})`, () => {
    const groups = weightGroups({ config: TINY, training: { ...TINY_TRAINING, estimator } });
    const names = groups.flatMap(({ specs }) => specs.map(({ name }) => name));
    assert.equal(new Set(names).size, names.length);
    assert.ok(groups.every(({ specs }) => specs.length > 0));
  });
}

it('are one group under the default estimator, which has no weights of its own', () => {
  assert.deepEqual(
    weightGroups({ config: TINY, training: TINY_TRAINING }).map(({ name }) => name),
    ['model'],
  );
});
