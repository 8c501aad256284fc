/** Calibration against formulas written out over lists of all images, and against posteriors that are right by construction. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Draws } from '#air/core/rng.js';
import { type Calibration, CalibrationScores } from '#air/scores/calibration.js';
import { assertCloseEach } from '../support/assert-close.js';

type Image = { probs: number[]; truth: number };

const EDGES = [0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1];
const SHARES = [0.5, 0.8, 0.9, 0.95, 0.99, 1];

const near = (actual: number, expected: number, what: string) => assertCloseEach(actual, expected, 1e-9, what, 1);

function calibrationOf(images: readonly Image[]): Calibration {
  const scores = new CalibrationScores();
  for (const { probs, truth } of images) scores.add(probs, truth);
  return scores.scores as Calibration;
}

/** Counts drawn from probabilities that are more or less sure, which `believed` then distorts. */
function drawn(images: number, believed: (p: number) => number = (p) => p): Image[] {
  const draws = new Draws(3, 'bench', images);
  return Array.from({ length: images }, () => {
    const sharpness = 12 * draws.uniform();
    const weights = Array.from({ length: 4 }, () => Math.exp(sharpness * draws.normal()));
    const normalised = (values: number[]) => values.map((value) => value / values.reduce((a, b) => a + b));
    const probs = normalised(weights);
    let u = draws.uniform();
    let truth = 0;
    while (truth < 3 && u >= probs[truth]) u -= probs[truth++];
    return { probs: normalised(probs.map(believed)), truth };
  });
}

const top = ({ probs }: Image) => Math.max(...probs);
const isRight = ({ probs, truth }: Image) => (probs.indexOf(Math.max(...probs)) === truth ? 1 : 0);
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

describe('by formulas over all images', () => {
  const images = drawn(3000, Math.sqrt);
  const calibration = calibrationOf(images);

  it('has the Brier score over all counts', () => {
    const squares = images.flatMap(({ probs, truth }) => probs.map((p, n) => (n === truth ? (1 - p) ** 2 : p ** 2)));
    near(calibration.brier, squares.reduce((a, b) => a + b) / 3000, 'Brier score');
    assert.equal(calibration.images, 3000);
  });

  it('has bins of the top probability, and the error that they show', () => {
    let error = 0;
    for (const [b, bin] of calibration.reliability.entries()) {
      const isLast = b === EDGES.length - 2;
      const inside = images.filter((image) => top(image) >= EDGES[b] && (isLast || top(image) < EDGES[b + 1]));
      assert.deepEqual([bin.from, bin.to, bin.images], [EDGES[b], EDGES[b + 1], inside.length]);
      near(bin.accuracy as number, mean(inside.map(isRight)), 'accuracy');
      near(bin.mean_probability as number, mean(inside.map(top)), 'mean probability');
      error += (inside.length / 3000) * Math.abs(mean(inside.map(isRight)) - mean(inside.map(top)));
    }
    near(calibration.expected_calibration_error, error, 'ECE');
  });

  it('has the accuracy of the most certain images, but for those that it takes to be equally certain', () => {
    const ranked = [...images].sort((a, b) => top(b) - top(a));
    for (const [s, share] of SHARES.entries()) {
      const { coverage, accuracy, least_probability: least } = calibration.accuracy_at_coverage[s];
      const chosen = ranked.slice(0, share * 3000);
      const doubt = 1 - top(chosen[chosen.length - 1]);
      const equal = images.filter((image) => Math.abs(Math.log2((1 - top(image)) / doubt)) <= 1 / 64).length;
      assert.equal(coverage, share);
      assert.ok(Math.abs(accuracy - mean(chosen.map(isRight))) <= equal / chosen.length, `${accuracy} of ${share}`);
      assert.ok(least <= 1 - doubt && 1 - least <= doubt * 2 ** (1 / 64) * (1 + 1e-9), `${least} of ${share}`);
    }
    near(calibration.accuracy_at_coverage[5].accuracy, mean(images.map(isRight)), 'accuracy of all');
  });
});

it('ranks exactly what differs by 2 % in doubt or more, however sure', () => {
  // doubts from .5 down to 2^-50; every third image is wrong
  const images = Array.from({ length: 1200 }, (_, i) => {
    const doubt = 0.5 * 2 ** (-i / 24);
    return { probs: [1 - doubt, doubt], truth: i % 3 === 0 ? 1 : 0 };
  });
  const calibration = calibrationOf(images);
  for (const { coverage, accuracy, least_probability: least } of calibration.accuracy_at_coverage) {
    const chosen = images.slice(1200 - coverage * 1200);
    near(accuracy, mean(chosen.map(({ truth }) => 1 - truth)), `accuracy of ${coverage}`);
    assert.equal(images.filter(({ probs }) => probs[0] >= least).length, chosen.length);
  }
});

it('finds no error where counts are as often right as is said, and one where too much is claimed', () => {
  assert.ok(calibrationOf(drawn(40_000)).expected_calibration_error < 0.01);
  assert.ok(calibrationOf(drawn(40_000, (p) => p ** 3)).expected_calibration_error > 0.05);
});

it('scores a truth that the model does not know', () => {
  const calibration = calibrationOf([{ probs: [0.25, 0.75], truth: 2 }]);
  near(calibration.brier, 0.25 ** 2 + 0.75 ** 2 + 1, 'Brier score');
  assert.equal(calibration.accuracy_at_coverage[5].accuracy, 0);
});

it('takes images that are all alike, sure or not', () => {
  for (const [probs, least] of [
    [[1, 0], 1],
    [[0.25, 0.25, 0.25, 0.25], 0.25],
  ] as const) {
    const images = [0, 0, 0, 1].map((truth) => ({ probs: [...probs], truth }));
    for (const covered of calibrationOf(images).accuracy_at_coverage) {
      near(covered.accuracy, 0.75, 'accuracy');
      assert.ok(Math.abs(covered.least_probability - least) < 0.01 && covered.least_probability <= least);
    }
  }
});

it('is nothing without images', () => {
  assert.equal(new CalibrationScores().scores, undefined);
});
