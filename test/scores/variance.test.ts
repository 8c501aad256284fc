/** The share of variance that a baseline explains, against its definition. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ImageFit } from '#air/core/estimators/estimator.js';
import { Draws } from '#air/core/rng.js';
import { ExplainedVariance } from '#air/scores/variance.js';

const draws = new Draws(1, 'bench', 5);

function fits(images: number, baselineOf: (cost: number) => number): ImageFit[] {
  return Array.from({ length: images }, () => {
    const n = draws.integer(4);
    const returns = Array.from({ length: 3 }, () => 500 + 100 * draws.normal());
    return { returns, baseline: returns.map(baselineOf), active: [0, 1, 2].map((t) => Number(t <= n)) };
  });
}

function shareOf(...steps: ImageFit[][]): number {
  const explained = new ExplainedVariance();
  for (const step of steps) explained.add(step);
  return explained.share;
}

it('is all for what comes, nothing for a constant, less for the opposite', () => {
  const near = (share: number, expected: number) => assert.ok(Math.abs(share - expected) < 1e-9, `${share}`);
  near(shareOf(fits(20, (cost) => cost)), 1);
  near(shareOf(fits(20, (cost) => cost + 1000)), 1);
  near(shareOf(fits(20, () => 300)), 0);
  near(shareOf(fits(20, (cost) => -cost)), -3);
  near(shareOf(fits(20, (cost) => 0.5 * cost)), 0.75);
});

it('is 1 - Var(R - b) / Var(R) over the active steps, within each step of training', () => {
  const steps = [fits(30, (cost) => cost + 60 * draws.normal()), fits(30, () => 200 + 20 * draws.normal())];
  const spread = (values: readonly number[]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  };
  const active = (step: readonly ImageFit[], of: (fit: ImageFit, t: number) => number) =>
    step.flatMap((fit) => [0, 1, 2].filter((t) => fit.active[t] === 1).map((t) => of(fit, t)));
  const left = steps.map((step) => spread(active(step, (fit, t) => fit.returns[t] - fit.baseline[t])));
  const all = steps.map((step) => spread(active(step, (fit, t) => fit.returns[t])));
  const expected = 1 - (left[0] + left[1]) / (all[0] + all[1]);
  assert.ok(Math.abs(shareOf(...steps) - expected) < 1e-9);
});

it('is not a number where nothing varies', () => {
  assert.ok(Number.isNaN(shareOf([])));
});
