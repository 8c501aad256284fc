/** Settings beside those of a preset. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { besidePreset } from '#air/commands/shared/beside-preset.js';
import { PRESET_NAMES, PRESETS } from '#air/presets.js';

const changed = ({ rows }: ReturnType<typeof besidePreset>) => rows.filter(({ preset }) => preset !== undefined);

test('every preset is nearest to itself, with nothing marked', () => {
  for (const name of PRESET_NAMES) {
    const { model: config, training } = PRESETS[name];
    const beside = besidePreset({ config, training });
    assert.equal(beside.preset, name);
    assert.deepEqual(changed(beside), [], name);
    assert.equal(beside.rows.length, Object.keys({ ...config, ...training }).length - 1, 'all but that it has no init');
  }
});

test('what differs is marked, with the value of the preset; images tell the canvas, and no recipe is its seed', () => {
  const { model, training } = PRESETS.small;
  const settings = {
    config: { ...model, canvas: [24, 30] as [number, number], decoderNet: [7, 8] },
    training: { ...training, seed: 5, learningRate: 0.25, init: 'abc' },
  };
  const beside = besidePreset(settings);
  assert.equal(beside.preset, 'small');
  assert.deepEqual(
    changed(beside).sort((a, b) => a.name.localeCompare(b.name)),
    [
      { name: '--decoder-net', value: '7,8', preset: model.decoderNet.join() },
      { name: '--learning-rate', value: '0.25', preset: String(training.learningRate) },
      { name: '--seed', value: '5', preset: '0' },
    ],
  );
  const shown = (name: string) => beside.rows.find((row) => row.name === name)?.value;
  assert.deepEqual([shown('canvas'), shown('init')], ['24 × 30', 'another model']);
});
