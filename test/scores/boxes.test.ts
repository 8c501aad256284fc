/** Scores of finding: overlap, matching and average precision, by hand and by brute force. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Box } from '#air/core/latent.js';
import { Draws } from '#air/core/rng.js';
import { boxIou, DetectionScores, MatchScores, matchBoxes } from '#air/scores/boxes.js';
import { assertCloseEach } from '../support/assert-close.js';

/** To within 1e-12: scores are in 0..1. */
const near = (actual: number, expected: number): void => assertCloseEach(actual, expected, 1e-12, 'score', 1);

test('IoU by hand', () => {
  near(boxIou([0, 0, 10, 10], [0, 0, 10, 10]), 1);
  near(boxIou([0, 0, 10, 10], [5, 0, 10, 10]), 50 / 150);
  near(boxIou([0, 0, 4, 4], [1, 1, 2, 2]), 4 / 16);
  near(boxIou([0.5, 0.5, 1, 1], [1, 1, 1, 1]), 0.25 / 1.75);
  assert.equal(boxIou([0, 0, 10, 10], [10, 0, 10, 10]), 0, 'an edge is no overlap');
  assert.equal(boxIou([3, 3, 0, 0], [3, 3, 0, 0]), 0, 'a box without area');
});

test('IoU of boxes with integer sides is a count of pixels', () => {
  const draws = new Draws(3, 'scenes');
  const box = (): Box => [draws.integer(10), draws.integer(10), 1 + draws.integer(8), 1 + draws.integer(8)];
  const covers = ([x, y, w, h]: Box, px: number, py: number): boolean => px >= x && px < x + w && py >= y && py < y + h;
  for (let k = 0; k < 300; k++) {
    const [a, b] = [box(), box()];
    let [both, either] = [0, 0];
    for (let p = 0; p < 400; p++) {
      const [x, y] = [p % 20, Math.floor(p / 20)];
      if (covers(a, x, y) && covers(b, x, y)) both++;
      if (covers(a, x, y) || covers(b, x, y)) either++;
    }
    near(boxIou(a, b), both / either);
    assert.equal(boxIou(a, b), boxIou(b, a));
  }
});

test('matching takes the best pair first, each box once', () => {
  const truth: Box[] = [
    [0, 0, 10, 10],
    [4, 0, 10, 10],
  ];
  // The first box overlaps both, the second only truth 0: the best pair is (0, 1), which leaves (1, 0).
  const inferred: Box[] = [
    [3, 0, 10, 10],
    [-5, 0, 10, 10],
    [40, 40, 5, 5],
  ];
  const matches = matchBoxes(inferred, truth);
  assert.deepEqual(
    matches.map(({ inferred: i, truth: t }) => [i, t]),
    [
      [0, 1],
      [1, 0],
    ],
  );
  near(matches[0].iou, 90 / 110);
  near(matches[1].iou, 50 / 150);
  const scores = new MatchScores();
  scores.add(inferred, truth);
  scores.add([], [[0, 0, 5, 5]]);
  scores.add([[0, 0, 5, 5]], []);
  near(scores.meanIou, (90 / 110 + 50 / 150) / 2);
  assert.deepEqual(scores.totals, { truth: 3, inferred: 4, matched: 2 });
  assert.ok(Number.isNaN(new MatchScores().meanIou));
});

const A: Box = [0, 0, 10, 10];
const B: Box = [20, 20, 10, 10];
const NOWHERE: Box = [40, 0, 5, 5];

test('average precision by hand', () => {
  // Ranked: .9 right, .8 wrong, .7 right, .6 wrong, of 4 objects: precision 1 at recall 1/4, 2/3 at 2/4, then nothing.
  const scores = new DetectionScores();
  scores.add(
    [
      { box: A, score: 0.9 },
      { box: NOWHERE, score: 0.8 },
    ],
    [A, B],
  );
  scores.add(
    [
      { box: B, score: 0.7 },
      { box: NOWHERE, score: 0.6 },
    ],
    [A, B],
  );
  near(scores.averagePrecision, 1 / 4 + (1 / 4) * (2 / 3));
  // A later, better precision lifts the earlier ones: wrong .9, right .8, right .7 of 2 objects.
  const rising = new DetectionScores();
  rising.add(
    [
      { box: NOWHERE, score: 0.9 },
      { box: A, score: 0.8 },
      { box: B, score: 0.7 },
    ],
    [A, B],
  );
  near(rising.averagePrecision, 2 / 3);
});

test('a true box is found once, by the higher score, and only with IoU 1/2 or more', () => {
  const twice = new DetectionScores();
  twice.add(
    [
      { box: A, score: 0.5 },
      { box: A, score: 0.9 },
    ],
    [A],
  );
  near(twice.averagePrecision, 1);
  const ofTwo = (box: Box): number => {
    const scores = new DetectionScores();
    scores.add([{ box, score: 1 }], [A]);
    return scores.averagePrecision;
  };
  near(ofTwo([0, 0, 10, 5]), 1);
  near(ofTwo([0, 0, 10, 4.99]), 0);
  assert.ok(Number.isNaN(new DetectionScores().averagePrecision));
  const missed = new DetectionScores();
  missed.add([], [A]);
  assert.equal(missed.averagePrecision, 0);
});

test('average precision equals the definition, whatever the order of images', () => {
  const draws = new Draws(8, 'scenes');
  const jitter = (box: Box): Box => [box[0] + 4 * draws.uniform(), box[1] + 4 * draws.uniform(), box[2], box[3]];
  for (let round = 0; round < 40; round++) {
    const images = Array.from({ length: 30 }, () => {
      const truth = [A, B].slice(0, draws.integer(3));
      const inferred = [A, B, NOWHERE].slice(draws.integer(2)).map((box) => {
        return { box: jitter(box), score: draws.integer(6) / 5 };
      });
      return { truth, inferred };
    });
    // A and B are far apart, so a box can only be right about one of them: the first (of equals) to reach it.
    const ranked: { score: number; isRight: boolean }[] = [];
    for (const { truth, inferred } of images) {
      for (const [t, object] of [...truth, undefined].entries()) {
        const close = inferred.filter(({ box }) =>
          object === undefined ? !truth.some((other) => boxIou(box, other) >= 0.5) : boxIou(box, truth[t]) >= 0.5,
        );
        close.sort((a, b) => b.score - a.score);
        for (const [k, { score }] of close.entries()) ranked.push({ score, isRight: object !== undefined && k === 0 });
      }
    }
    const objects = images.reduce((sum, { truth }) => sum + truth.length, 0);
    // Interpolated precision at recall r: the best precision of any threshold that reaches it. Integrate it finely.
    const thresholds = [...new Set(ranked.map(({ score }) => score))].map((score) => {
      const kept = ranked.filter((one) => one.score >= score);
      const right = kept.filter(({ isRight }) => isRight).length;
      return { recall: right, precision: right / kept.length };
    });
    let expected = 0;
    for (let found = 1; found <= objects; found++) {
      expected += Math.max(0, ...thresholds.filter(({ recall }) => recall >= found).map(({ precision }) => precision));
    }
    expected /= objects;
    for (const order of [images, [...images].reverse()]) {
      const scores = new DetectionScores();
      for (const { truth, inferred } of order) scores.add(inferred, truth);
      near(scores.averagePrecision, expected);
    }
  }
});

test('many boxes', () => {
  const scores = new DetectionScores();
  for (let k = 0; k < 3000; k++) scores.add([{ box: k % 3 === 0 ? NOWHERE : A, score: 0.5 }], [A]);
  near(scores.averagePrecision, (2 / 3) * (2 / 3));
});
