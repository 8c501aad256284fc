/** Learning rate and prior over the steps: where they begin and end, and what lies between. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PRESETS } from '#air/presets.js';
import { SCHEDULES, type TrainConfig } from '#air/train/config.js';
import { learningRateAt, learningRatesAt, logPriorAt, zPresPriorAt } from '#air/train/schedule.js';
import { assertCloseEach } from '../support/assert-close.js';

const training = { ...PRESETS.fast.training, steps: 1000, learningRate: 0.5, warmup: 100 };

const near = (actual: number, expected: number): void => assertCloseEach(actual, expected, 1e-12, 'value');

/** Of the model's weights. */
const rateAt = (recipe: TrainConfig, step: number) => learningRateAt(recipe, recipe.learningRate, step);

const priorAt = (recipe: TrainConfig, zPresPrior: number, step: number) =>
  zPresPriorAt({ config: { ...PRESETS.fast.model, zPresPrior }, training: recipe }, step);

describe('the learning rate', () => {
  it('rises linearly while it warms up, times a cosine over all steps', () => {
    const cosine = (step: number) => (1 + Math.cos((Math.PI * step) / 1000)) / 2;
    for (const step of [1, 2, 50, 99]) near(rateAt(training, step), 0.5 * (step / 100) * cosine(step));
    for (const step of [100, 101, 700]) near(rateAt(training, step), 0.5 * cosine(step));
    near(rateAt(training, 500), 0.25);
  });

  it('is never 0 before the last step, and 0 there', () => {
    for (let step = 1; step < 1000; step++) assert.ok(rateAt(training, step) > 0);
    assert.ok(Math.abs(rateAt(training, 1000)) < 1e-15);
  });

  it('begins high without warm-up', () => {
    near(rateAt({ ...training, warmup: 0, steps: 1e6 }, 1), 0.25 * (1 + Math.cos(Math.PI / 1e6)));
  });

  it('never reaches its height if the warm-up is longer than the training', () => {
    const rates = Array.from({ length: 10 }, (_, i) => rateAt({ ...training, steps: 10, warmup: 100 }, i + 1));
    assert.ok(rates.every((rate) => rate < 0.05));
  });
});

describe('a constant schedule', () => {
  const constant: TrainConfig = { ...training, schedule: 'constant' };

  it('rises while it warms up, then stays to the end', () => {
    for (const step of [1, 2, 50, 99]) near(rateAt(constant, step), 0.5 * (step / 100));
    for (const step of [100, 101, 500, 999, 1000]) assert.equal(rateAt(constant, step), 0.5);
    assert.equal(rateAt({ ...constant, warmup: 0 }, 1), 0.5);
  });
});

it('gives each group of weights its own rate on the same schedule', () => {
  const recipe = { ...training, baselineLearningRate: 4 };
  for (const schedule of SCHEDULES) {
    for (const step of [1, 50, 500, 1000]) {
      const rates = learningRatesAt({ ...recipe, schedule }, step);
      assert.equal(rates.model, rateAt({ ...recipe, schedule }, step));
      near(rates.baseline, 8 * rates.model);
    }
  }
});

describe('the prior', () => {
  const annealed = { ...training, annealPriorFrom: 1e-2, annealPriorDuration: 200 };

  it('stays where it is without annealing', () => {
    for (const step of [1, 100, 1000]) {
      assert.equal(priorAt({ ...annealed, annealPrior: 'none' }, 1e-6, step), 1e-6);
    }
  });

  it('moves geometrically, equal factors in equal times', () => {
    const at = (step: number) => priorAt({ ...annealed, annealPrior: 'exp' }, 1e-6, step);
    near(at(0), 1e-2);
    near(at(50), 1e-3);
    near(at(100), 1e-4);
    for (const step of [200, 201, 1000]) near(at(step), 1e-6);
    for (let step = 1; step <= 200; step++) assert.ok(at(step) < at(step - 1));
  });

  it('moves linearly', () => {
    const at = (step: number) => priorAt({ ...annealed, annealPrior: 'lin' }, 1e-6, step);
    near(at(0), 1e-2);
    near(at(100), (1e-2 + 1e-6) / 2);
    for (const step of [200, 201, 1000]) assert.ok(Math.abs(at(step) - 1e-6) < 1e-17);
  });

  it('may also rise', () => {
    near(priorAt({ ...annealed, annealPrior: 'exp', annealPriorFrom: 1e-8 }, 1e-4, 100), 1e-6);
  });

  it('is at its end at once if that takes no time', () => {
    for (const annealPrior of ['lin', 'exp'] as const) {
      near(priorAt({ ...annealed, annealPrior, annealPriorDuration: 0 }, 1e-6, 1), 1e-6);
    }
  });
});

describe('a prior that waits', () => {
  const waiting: TrainConfig = { ...training, annealPriorFrom: 1e-2, annealPriorDuration: 200, annealPriorBegin: 50 };

  it('begins to move after so many steps, and takes as long as ever', () => {
    const at = (step: number) => priorAt({ ...waiting, annealPrior: 'exp' }, 1e-6, step);
    for (const step of [1, 49, 50]) near(at(step), 1e-2);
    near(at(100), 1e-3);
    near(at(150), 1e-4);
    for (const step of [250, 251, 1000]) near(at(step), 1e-6);
  });
});

describe('trials on their way', () => {
  const recipe: TrainConfig = {
    ...training,
    annealPrior: 'exp',
    annealPriorFrom: 0.01,
    annealPriorBegin: 100,
    annealPriorDuration: 1000,
    annealTrialsOf: 'geometric',
  };
  const config = { ...PRESETS.fast.model, modelSteps: 3, countPrior: 'trials' as const, zPresPrior: 1e-7 };

  /** As Pyro's example: each trial's probability decays by itself. */
  const expected = (done: number): number[] => {
    const k = 0.01;
    const u = 1 / (1 + k + k ** 2 + k ** 3);
    const p0 = 1 - u;
    const p1 = 1 - (k * u) / p0;
    const p2 = 1 - (k ** 2 * u) / (p0 * p1);
    const [a, b, c] = [p0, p1, p2].map((p) => p * (1e-7 / p) ** done);
    return [1 - a, a * (1 - b), a * b * (1 - c), a * b * c].map(Math.log);
  };

  it('begin as those of the geometric prior, end as raw ones, and each decays by itself between', () => {
    for (const [step, done] of [
      [1, 0],
      [100, 0],
      [350, 0.25],
      [600, 0.5],
      [1100, 1],
      [5000, 1],
    ]) {
      assertCloseEach(logPriorAt({ config, training: recipe }, step), expected(done), 1e-9, `step ${step}`);
    }
  });

  it('in between are no geometric prior: the odds of more differ from step to step', () => {
    const [, one, two, three] = logPriorAt({ config, training: { ...recipe, annealPriorFrom: 0.5 } }, 600);
    assert.ok(Math.abs(two - one - (three - two)) > 0.01);
  });
});

describe('log P(n)', () => {
  const annealed: TrainConfig = {
    ...training,
    annealPrior: 'lin',
    annealPriorFrom: 0.5,
    annealPriorDuration: 10,
  };
  const config = { ...PRESETS.fast.model, modelSteps: 2, zPresPrior: 0.25 };

  it('is that of the prior that the model names, as far as it has moved', () => {
    for (const [step, k] of [
      [0, 0.5],
      [6, 0.35],
      [10, 0.25],
      [11, 0.25],
    ]) {
      const geometric = logPriorAt({ config, training: annealed }, step).map(Math.exp);
      const total = 1 + k + k * k;
      [1 / total, k / total, (k * k) / total].forEach((p, n) => {
        near(geometric[n], p);
      });
      const trials = logPriorAt({ config: { ...config, countPrior: 'trials' }, training: annealed }, step).map(
        Math.exp,
      );
      [1 - k, k * (1 - k), k * k].forEach((p, n) => {
        near(trials[n], p);
      });
    }
  });
});

it('follows both presets from the first step to the last', () => {
  for (const { model, training: recipe } of Object.values(PRESETS)) {
    for (let step = 1; step <= recipe.steps; step++) {
      const [rate, k] = [rateAt(recipe, step), priorAt(recipe, model.zPresPrior, step)];
      assert.ok(rate >= 0 && rate <= recipe.learningRate);
      assert.ok(k >= model.zPresPrior * (1 - 1e-12) && k <= recipe.annealPriorFrom);
    }
    near(priorAt(recipe, model.zPresPrior, recipe.steps), model.zPresPrior);
  }
});
