/** Philox against the known answers of its authors, and what is drawn with it against what it should look like. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Draws, philox4x32, STREAMS, type StreamName } from '#air/core/rng.js';

/** Largest distance between the distribution of a sample and `cdf`, times sqrt(n): above 1.95 once in a thousand. */
function kolmogorovSmirnov(sample: number[], cdf: (x: number) => number): number {
  const n = sample.length;
  const gaps = sample
    .toSorted((a, b) => a - b)
    .map((x, i) => Math.max(Math.abs(cdf(x) - i / n), Math.abs(cdf(x) - (i + 1) / n)));
  return gaps.reduce((a, b) => Math.max(a, b)) * Math.sqrt(n);
}

/** Sum over cells of (observed - expected)^2 / expected. */
function chiSquare(counts: number[]): number {
  const expected = counts.reduce((a, b) => a + b) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** Pearson's, times sqrt(n): a standard normal if the two are independent. */
function correlation(a: number[], b: number[]): number {
  const mean = (x: number[]) => x.reduce((sum, value) => sum + value, 0) / x.length;
  const [aMean, bMean] = [mean(a), mean(b)];
  const product = mean(a.map((x, i) => (x - aMean) * (b[i] - bMean)));
  const spread = (x: number[], of: number) => Math.sqrt(mean(x.map((value) => (value - of) ** 2)));
  return (product / (spread(a, aMean) * spread(b, bMean))) * Math.sqrt(a.length);
}

/** The standard normal distribution function, by Simpson's rule from 0. */
function normalCdf(x: number): number {
  const pieces = 200;
  const step = x / pieces;
  let sum = 0;
  for (let i = 0; i <= pieces; i++) {
    const weight = i === 0 || i === pieces ? 1 : i % 2 === 1 ? 4 : 2;
    sum += weight * Math.exp(-((i * step) ** 2) / 2);
  }
  return 0.5 + (sum * step) / 3 / Math.sqrt(2 * Math.PI);
}

const sequence = (size: number, draw: (i: number) => number) => Array.from({ length: size }, (_, i) => draw(i));

describe('philox4x32-10', () => {
  // kat_vectors of Random123: counter, key, answer
  for (const [counter, key, answer] of [
    [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [Array(4).fill(0xffffffff), Array(2).fill(0xffffffff), '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ] as [number[], number[], string][]) {
    it(`answers ${answer}`, () => {
      const out = new Uint32Array(4);
      philox4x32(counter[0], counter[1], counter[2], counter[3], key[0], key[1], out);
      assert.equal([...out].map((word) => word.toString(16).padStart(8, '0')).join(' '), answer);
    });
  }

  it('is what a sequence is made of: counter (block, a, b, high word of a), key (seed, stream)', () => {
    const draws = new Draws(0xfedcba98, 'trainNoise', 7, 11);
    const out = new Uint32Array(4);
    for (let block = 0; block < 3; block++) {
      philox4x32(block, 7, 11, 0, 0xfedcba98, STREAMS.trainNoise, out);
      assert.deepEqual(
        sequence(4, () => draws.uint32()),
        [...out],
      );
    }
  });
});

describe('sequences', () => {
  it('are the same for the same name, and others for any other name', () => {
    const names: [number, StreamName, number, number][] = [
      [0, 'scenes', 0, 0],
      [1, 'scenes', 0, 0],
      [2 ** 32 - 1, 'scenes', 0, 0],
      ...(Object.keys(STREAMS) as StreamName[]).map((stream): [number, StreamName, number, number] => [
        5,
        stream,
        0,
        0,
      ]),
      [0, 'scenes', 1, 0],
      [0, 'scenes', 0, 1],
      [0, 'scenes', 2 ** 32, 0],
    ];
    const words = (name: (typeof names)[number]) => {
      const draws = new Draws(...name);
      return sequence(8, () => draws.uint32());
    };
    for (const name of names) assert.deepEqual(words(name), words(name));
    const all = names.flatMap(words);
    assert.equal(new Set(all).size, all.length, 'no word twice in so few');
  });

  it('do not resemble their neighbours', () => {
    const first = (i: number) => new Draws(3, 'scenes', i).uniform();
    const firsts = sequence(20000, first);
    assert.ok(kolmogorovSmirnov(firsts, (x) => x) < 1.95, 'first draws of neighbours are uniform');
    const next = sequence(20000, (i) => first(i + 1));
    assert.ok(Math.abs(correlation(firsts, next)) < 4, 'first draws of neighbours are uncorrelated');
    const [a, b] = [new Draws(3, 'trainNoise', 1, 0), new Draws(3, 'trainNoise', 1, 1)];
    const [normalsA, normalsB] = [a, b].map((draws) => sequence(20000, () => draws.normal()));
    assert.ok(Math.abs(correlation(normalsA, normalsB)) < 4, 'long sequences side by side are uncorrelated');
  });
});

describe('uniform', () => {
  it('fills [0, 1) evenly', () => {
    const draws = new Draws(1, 'bench', 1);
    const values = sequence(50000, () => draws.uniform());
    assert.ok(values.every((value) => value >= 0 && value < 1));
    assert.ok(kolmogorovSmirnov(values, (x) => x) < 1.95);
    assert.ok(Math.abs(correlation(values.slice(1), values.slice(0, -1))) < 4);
  });
});

describe('integer', () => {
  it('gives every number equally often', () => {
    const draws = new Draws(1, 'bench', 2);
    const counts = Array(7).fill(0);
    for (let i = 0; i < 70000; i++) counts[draws.integer(7)]++;
    assert.ok(chiSquare(counts) < 22.5, 'above that once in a thousand');
  });

  it('is not biased where 2^32 is not a multiple', () => {
    // the remainder by 3 * 2^30 would be below 2^30 half of the time
    const draws = new Draws(1, 'bench', 3);
    const counts = Array(3).fill(0);
    for (let i = 0; i < 30000; i++) counts[Math.floor(draws.integer(3 * 2 ** 30) / 2 ** 30)]++;
    assert.ok(chiSquare(counts) < 13.8);
  });

  it('of one number is that number', () => {
    const draws = new Draws(1, 'bench', 4);
    assert.deepEqual(
      sequence(10, () => draws.integer(1)),
      Array(10).fill(0),
    );
  });
});

describe('normal', () => {
  it('has the moments and the shape of a standard normal', () => {
    const draws = new Draws(1, 'bench', 5);
    const n = 100000;
    const values = sequence(n, () => draws.normal());
    const moment = (power: number) => values.reduce((sum, x) => sum + x ** power, 0) / n;
    // moments of N(0, 1), and the variance of x^power, which is moment(2 power) - moment(power)^2
    for (const [power, expected, variance] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ]) {
      const error = (moment(power) - expected) / Math.sqrt(variance / n);
      assert.ok(Math.abs(error) < 4, `moment ${power} is ${error} standard errors off`);
    }
    assert.ok(kolmogorovSmirnov(values.slice(0, 20000), normalCdf) < 1.95);
    const isEven = (_: number, i: number) => i % 2 === 0;
    const pairs = [values.filter(isEven), values.slice(1).filter(isEven)];
    assert.ok(Math.abs(correlation(pairs[0], pairs[1])) < 4, 'the two of a Box-Muller pair');
    const squares = pairs.map((half) => half.map((x) => x * x));
    assert.ok(Math.abs(correlation(squares[0], squares[1])) < 4, 'and their squares');
  });

  it('fills an array with the same numbers', () => {
    const [one, other] = [new Draws(1, 'bench', 6), new Draws(1, 'bench', 6)];
    const filled = one.fillNormal(new Float32Array(7));
    assert.deepEqual(
      [...filled],
      [...filled].map(() => Math.fround(other.normal())),
    );
    assert.equal(one.normal(), other.normal(), 'and goes on where the array ended, in the middle of a pair');
  });
});

describe('permutation', () => {
  it('holds every index once', () => {
    for (const n of [0, 1, 2, 3, 1000]) {
      const order = new Draws(1, 'shuffle', n).permutation(n);
      assert.deepEqual(
        [...order].sort((a, b) => a - b),
        sequence(n, (i) => i),
      );
    }
  });

  it('takes every order equally often', () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 24000; i++) {
      const order = new Draws(1, 'shuffle', i).permutation(4).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    assert.equal(counts.size, 24);
    assert.ok(chiSquare([...counts.values()]) < 49.7, 'above that once in a thousand');
  });
});
