/** Settings as a JSON file, there and back, and what is refused. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatConfig, parseConfig } from '#air/commands/train/config-file.js';
import { checkTogether, configFrom } from '#air/commands/train/options.js';
import { PRESET_NAMES, PRESETS } from '#air/presets.js';
import type { Settings } from '#air/train/config.js';

type Options = Parameters<typeof configFrom>[0];

/** A command line with these options, and what its files say. */
const asked = (options: object, fromFile: object = {}): Settings =>
  configFrom({ preset: 'fast', seed: 0, ...options } as Options, {
    fromFile: { ...fromFile },
    given: new Set(Object.keys(options)),
  });

describe('presets', () => {
  for (const preset of PRESET_NAMES) {
    it(`${preset} fits together, and comes back whole from the file that it prints`, () => {
      const { model: config, training } = PRESETS[preset];
      checkTogether({ config, training }, new Set());
      const fromFile = parseConfig(formatConfig({ config, training }), 'file');
      assert.deepEqual(asked({}, fromFile), { config, training });
    });
  }

  it("pyro is what the command line of Pyro's tutorial says", () => {
    const { config, training } = asked({
      ...{ preset: 'pyro', steps: 200000, baselineLearningRate: 0.1, zPresPrior: 0.01, scalePriorSd: 0.2 },
      ...{ predictNet: [200], blPredictNet: [200], decoderOutput: 'sigmoid', decoderOutputBias: -2 },
    });
    assert.deepEqual({ config, training }, { config: PRESETS.pyro.model, training: PRESETS.pyro.training });
  });
});

describe('what wins', () => {
  it('is the command line, then the file, then the preset; the seed has a default of its own', () => {
    const fromFile = { steps: 7, seed: 5, batchSize: 9 };
    const { training } = asked({ steps: 3 }, fromFile);
    assert.deepEqual([training.steps, training.batchSize, training.seed], [3, 9, 5]);
    assert.equal(asked({ seed: 2 }, fromFile).training.seed, 2);
    assert.equal(training.learningRate, PRESETS.fast.training.learningRate);
  });
});

describe('--anneal-prior-to', () => {
  it("begins at the prior and ends at one probability of each trial, no smaller than torch's smallest", () => {
    const { config, training } = asked({ preset: 'pyro', annealPrior: 'exp', annealPriorTo: 1e-7 });
    assert.deepEqual([config.countPrior, config.zPresPrior], ['trials', 2 ** -23]);
    assert.deepEqual([training.annealTrialsOf, training.annealPriorFrom], ['geometric', 0.01]);
    const raw = asked({
      preset: 'pyro',
      annealPrior: 'lin',
      annealPriorTo: 0.1,
      countPrior: 'trials',
      zPresPrior: 0.5,
    });
    assert.deepEqual(
      [raw.training.annealTrialsOf, raw.training.annealPriorFrom, raw.config.zPresPrior],
      ['trials', 0.5, 0.1],
    );
  });

  it('is refused where it would do nothing, or beside the other way to say it', () => {
    assert.throws(
      () => asked({ preset: 'pyro', annealPriorTo: 1e-7 }),
      /does nothing without --anneal-prior lin or exp/,
    );
    const both = { annealPrior: 'exp', annealPriorTo: 1e-7, annealPriorFrom: 0.5 };
    assert.throws(() => asked(both), /--anneal-prior-to and --anneal-prior-from exclude each other/);
  });
});

describe('refused', () => {
  const CASES: [text: string, message: RegExp][] = [
    ['{', /^file: no JSON: /],
    ['[1]', /^file: expected a JSON object/],
    ['null', /^file: expected a JSON object/],
    ['{"stpes": 1}', /^file: there is no setting stpes/],
    ['{"batchSize": 1}', /^file: there is no setting batchSize/],
    ['{"constructor": 1}', /^file: there is no setting constructor/],
    ['{"steps": 0}', /^file: steps: expected a whole number at least 1, got 0/],
    ['{"steps": "7"}', /^file: steps: expected a whole number at least 1, got "7"/],
    ['{"steps": null}', /^file: steps: expected a whole number at least 1, got null/],
    ['{"predict_net": [0]}', /^file: predict_net: expected layer sizes .*, got \[0\]/],
    ['{"predict_net": 5}', /^file: predict_net: expected layer sizes .*, got 5/],
    ['{"guide_feedback": "on"}', /^file: guide_feedback: expected on or off, got "on"/],
    ['{"activation": "gelu"}', /^file: activation: expected one of relu, elu, softplus, got "gelu"/],
  ];
  for (const [text, message] of CASES) {
    it(text, () => assert.throws(() => parseConfig(text, 'file'), { kind: 'badData', message }));
  }
});
