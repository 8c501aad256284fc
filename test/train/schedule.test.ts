/** Learning rate and prior over the steps: where they begin and end, and what lies between. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PRESETS } from '#air/presets.js';
import { learningRateAt, zPresPriorAt } from '#air/train/schedule.js';

const training = { ...PRESETS.fast.training, steps: 1000, learningRate: 0.5, warmup: 100 };

function assertClose(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= 1e-12 * Math.abs(expected), `${actual}, expected ${expected}`);
}

describe('the learning rate', () => {
  it('rises linearly while it warms up, times a cosine over all steps', () => {
    const cosine = (step: number) => (1 + Math.cos((Math.PI * step) / 1000)) / 2;
    for (const step of [1, 2, 50, 99]) assertClose(learningRateAt(training, step), 0.5 * (step / 100) * cosine(step));
    for (const step of [100, 101, 700]) assertClose(learningRateAt(training, step), 0.5 * cosine(step));
    assertClose(learningRateAt(training, 500), 0.25);
  });

  it('is never 0 before the last step, and 0 there', () => {
    for (let step = 1; step < 1000; step++) assert.ok(learningRateAt(training, step) > 0);
    assert.ok(Math.abs(learningRateAt(training, 1000)) < 1e-15);
  });

  it('begins high without warm-up', () => {
    assertClose(learningRateAt({ ...training, warmup: 0, steps: 1e6 }, 1), 0.25 * (1 + Math.cos(Math.PI / 1e6)));
  });

  it('never reaches its height if the warm-up is longer than the training', () => {
    const rates = Array.from({ length: 10 }, (_, i) => learningRateAt({ ...training, steps: 10, warmup: 100 }, i + 1));
    assert.ok(rates.every((rate) => rate < 0.05));
  });
});

describe('the prior', () => {
  const annealed = { ...training, annealPriorFrom: 1e-2, annealPriorDuration: 200 };

  it('stays where it is without annealing', () => {
    for (const step of [1, 100, 1000]) {
      assert.equal(zPresPriorAt({ ...annealed, annealPrior: 'none' }, 1e-6, step), 1e-6);
    }
  });

  it('moves geometrically, equal factors in equal times', () => {
    const at = (step: number) => zPresPriorAt({ ...annealed, annealPrior: 'exp' }, 1e-6, step);
    assertClose(at(0), 1e-2);
    assertClose(at(50), 1e-3);
    assertClose(at(100), 1e-4);
    for (const step of [200, 201, 1000]) assertClose(at(step), 1e-6);
    for (let step = 1; step <= 200; step++) assert.ok(at(step) < at(step - 1));
  });

  it('moves linearly', () => {
    const at = (step: number) => zPresPriorAt({ ...annealed, annealPrior: 'lin' }, 1e-6, step);
    assertClose(at(0), 1e-2);
    assertClose(at(100), (1e-2 + 1e-6) / 2);
    for (const step of [200, 201, 1000]) assert.ok(Math.abs(at(step) - 1e-6) < 1e-17);
  });

  it('may also rise', () => {
    assertClose(zPresPriorAt({ ...annealed, annealPrior: 'exp', annealPriorFrom: 1e-8 }, 1e-4, 100), 1e-6);
  });

  it('is at its end at once if that takes no time', () => {
    for (const annealPrior of ['lin', 'exp'] as const) {
      assertClose(zPresPriorAt({ ...annealed, annealPrior, annealPriorDuration: 0 }, 1e-6, 1), 1e-6);
    }
  });
});

it('follows both presets from the first step to the last', () => {
  for (const { model, training: recipe } of Object.values(PRESETS)) {
    for (let step = 1; step <= recipe.steps; step++) {
      const [rate, k] = [learningRateAt(recipe, step), zPresPriorAt(recipe, model.zPresPrior, step)];
      assert.ok(rate >= 0 && rate <= recipe.learningRate);
      assert.ok(k >= model.zPresPrior * (1 - 1e-12) && k <= recipe.annealPriorFrom);
    }
    assertClose(zPresPriorAt(recipe, model.zPresPrior, recipe.steps), model.zPresPrior);
  }
});
