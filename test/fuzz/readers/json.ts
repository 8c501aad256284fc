/** Files of JSON: logs of trainings, scores, settings. */
import assert from 'node:assert/strict';
import { trainingPoints } from '#air/commands/shared/metrics-file.js';
import { readScores } from '#air/commands/shared/scores-file.js';
import { parseConfig } from '#air/commands/train/config-file.js';
import { snakeCase } from '#air/core/names.js';
import { formatMetricsLine, type MetricsLine, modelOfLog, parseFilledLog } from '#air/formats/metrics-log.js';
import type { Io } from '#air/io/io.js';
import { PRESETS } from '#air/presets.js';
import type { RunScores } from '#air/scores/columns.js';
import { checkScores } from '#air/scores/scores-json.js';
import { validations } from '#air/scores/training-log.js';
import { NAME, type Reader } from '../cases.js';
import type { Choices } from '../choices.js';
import { pieces } from '../pieces.js';
import { toJson, treeOf, twisted } from '../trees.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

function jsonOf(c: Choices, value: object): string {
  return toJson(twisted(c, treeOf(value)));
}

export const metricsLog: Reader<MetricsLine[]> = {
  name: 'metrics-log',
  make(c) {
    const lines = Array.from({ length: 1 + c.below(4) }, (_, k): MetricsLine => {
      const validation = {
        valid_count_accuracy: 0.5,
        valid_elbo: -1 - c.number(),
        valid_confusion: [
          [3, 1],
          [0, 2],
        ],
      };
      const step = 100 * (k + 1);
      return {
        model: 'm',
        step,
        elbo: c.number(),
        ms_per_step: 1 + c.below(9),
        ...(c.once(2) ? validation : {}),
        ...(c.once(4) ? { retry: 1 } : {}),
      };
    });
    const text =
      lines.map((line) => jsonOf(c, line)).join(c.or('\n', () => c.pick(['\r\n', '\n\n', ' ', '']))) +
      c.or('\n', () => c.pick(['', '\n{"model', '\u0000']));
    return { bytes: utf8(text), holds: lines };
  },
  read: (bytes) => parseFilledLog(new TextDecoder().decode(bytes), { name: NAME }),
  check(lines, bytes) {
    const text = lines.map(formatMetricsLine).join('');
    assert.deepEqual(parseFilledLog(text, { name: NAME }), JSON.parse(JSON.stringify(lines)));
    modelOfLog(new TextDecoder().decode(bytes));
    for (const { step, values, seconds = 0 } of trainingPoints(lines)) {
      for (const value of [step, seconds, ...Object.values(values)])
        assert.ok(Number.isFinite(value), `${value} in a curve`);
    }
    for (const one of validations(lines)) {
      const checked = checkScores(one.images === undefined ? { ...one, images: 1 } : one);
      assert.ok('scores' in checked, JSON.stringify(checked));
    }
  },
  same: assert.deepEqual,
};

export const scores: Reader<RunScores> = {
  name: 'scores',
  make(c) {
    const bin = { from: 0, to: 0.1, images: c.below(9), mean_probability: 0.05, accuracy: c.pick([0, null]) };
    const value = {
      images: 5,
      ...{
        count_accuracy: c.number(),
        evidence_count_accuracy: null,
        elbo: -1 - c.number(),
        mean_iou: 0.5,
        average_precision: null,
      },
      confusion: [
        [1, 2],
        [0, 2],
      ],
      terms: { log_lik: c.number(), kl_what: c.number() },
      calibration: { q: { brier: 0.1, reliability: [bin, bin] }, evidence: null },
      collapse: 'none',
    };
    return { bytes: utf8(jsonOf(c, value)), holds: value as unknown as RunScores };
  },
  read: (bytes, c) => readScores(NAME, { readBytes: () => pieces(bytes, c) } as unknown as Io),
  check: (value) => assert.ok('scores' in checkScores(JSON.parse(JSON.stringify(value)))),
  same: assert.deepEqual,
};

export const config: Reader<{ [key: string]: unknown }> = {
  name: 'config',
  make(c) {
    const { model, training } = c.pick([PRESETS.small, PRESETS.pyro]);
    const all = Object.entries({ ...training, ...model }).filter(([key]) => key !== 'canvas' && key !== 'init');
    const settings = Object.fromEntries(
      Array.from({ length: c.below(6) }, () => c.pick(all)).map(([key, value]) => [snakeCase(key), value]),
    );
    return { bytes: utf8(jsonOf(c, settings)) };
  },
  read: (bytes) => parseConfig(new TextDecoder().decode(bytes), NAME),
  check(settings) {
    const text = JSON.stringify(
      Object.fromEntries(Object.entries(settings).map(([key, value]) => [snakeCase(key), value])),
    );
    assert.deepEqual(parseConfig(text, NAME), settings);
  },
  same: assert.deepEqual,
};
