/** Settings in files: what is written is what is read, older files too; and what cannot be read is told apart. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MODEL_SETTINGS } from '#air/core/config.js';
import { formatSettings, parseSettings, type SettingsTable, UnknownSetting } from '#air/core/settings.js';
import { PRESETS } from '#air/presets.js';
import { TRAIN_SETTINGS } from '#air/train/config.js';

type Shape = {
  sideLength: number;
  layers: number[];
  isRound: boolean;
  colour: 'red' | 'blue';
  edgeKind: 'hard' | 'soft';
};

/** The last came later. */
const TABLE: SettingsTable<Shape> = {
  sideLength: { kind: 'number' },
  layers: { kind: 'numbers' },
  isRound: { kind: 'flag' },
  colour: { kind: ['red', 'blue'] },
  edgeKind: { kind: ['hard', 'soft'], before: 'hard' },
};

const SHAPE: Shape = { sideLength: 1.5, layers: [3, 4], isRound: false, colour: 'blue', edgeKind: 'hard' };
const OLD = '{"side_length":1.5,"layers":[3,4],"is_round":false,"colour":"blue"}';

/** The same text with some values changed or, where undefined, left out. */
function changed(changes: { [key: string]: unknown }): string {
  return JSON.stringify({ ...JSON.parse(OLD), ...changes });
}

const parse = (text: string) => parseSettings(TABLE, text);

describe('settings', () => {
  it('are JSON in snake_case, in the order of the table', () => {
    const shuffled = Object.fromEntries(Object.entries(SHAPE).reverse()) as Shape;
    assert.equal(formatSettings(TABLE, SHAPE), OLD);
    assert.equal(formatSettings(TABLE, shuffled), OLD);
    assert.deepEqual(
      Object.keys(parse(JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(OLD)).reverse())))),
      [...Object.keys(TABLE)],
    );
  });

  it('are read as they were written', () => {
    for (const shape of [SHAPE, { ...SHAPE, layers: [], isRound: true }, { ...SHAPE, edgeKind: 'soft' as const }]) {
      assert.deepEqual(parse(formatSettings(TABLE, shape)), shape);
    }
  });

  it('that came later are written only where they say something new', () => {
    assert.equal(formatSettings(TABLE, { ...SHAPE, edgeKind: 'soft' }), `${OLD.slice(0, -1)},"edge_kind":"soft"}`);
  });

  it('that came later are what everything was before, in older files', () => {
    assert.equal(parse(OLD).edgeKind, 'hard');
    assert.equal(parse(changed({ edge_kind: 'hard' })).edgeKind, 'hard');
  });

  it('of every preset come back', () => {
    for (const { model, training } of Object.values(PRESETS)) {
      assert.deepEqual(parseSettings(MODEL_SETTINGS, formatSettings(MODEL_SETTINGS, model)), model);
      assert.deepEqual(parseSettings(TRAIN_SETTINGS, formatSettings(TRAIN_SETTINGS, training)), training);
    }
  });
});

describe('of a newer version', () => {
  const isUnknown = (message: RegExp) => (error: unknown) =>
    error instanceof UnknownSetting && message.test(error.message);

  it('is a setting that is not in the table', () => {
    assert.throws(() => parse(changed({ corners: 4 })), isUnknown(/^unknown setting corners$/));
    assert.throws(() => parse(changed({ sideLength: 2 })), isUnknown(/^unknown setting sideLength$/), 'camelCase');
  });

  it('is a word that is not in the table', () => {
    assert.throws(
      () => parse(changed({ colour: 'green' })),
      isUnknown(/^colour: expected one of red, blue, got 'green'$/),
    );
    assert.throws(() => parse(changed({ edge_kind: 'wavy' })), isUnknown(/^edge_kind: expected one of hard, soft/));
  });
});

describe('damage', () => {
  const isDamage = (message: RegExp) => (error: unknown) =>
    error instanceof Error && !(error instanceof UnknownSetting) && message.test(error.message);

  it('is a setting of the first version that is missing', () => {
    for (const key of Object.keys(JSON.parse(OLD))) {
      assert.throws(() => parse(changed({ [key]: undefined })), isDamage(new RegExp(`^${key}: .*got nothing$`)));
    }
  });

  it('is a value of another type', () => {
    for (const [key, value] of [
      ['side_length', '1.5'],
      ['side_length', null],
      ['side_length', [1.5]],
      ['layers', 3],
      ['layers', ['3']],
      ['is_round', 0],
      ['colour', 1],
      ['colour', ['red']],
      ['edge_kind', null],
    ] as const) {
      assert.throws(
        () => parse(changed({ [key]: value })),
        isDamage(new RegExp(`^${key}: expected `)),
        `${key} ${value}`,
      );
    }
  });

  it('is a number out of its range', () => {
    const table: SettingsTable<{ count: number; share: number; sides: number[] }> = {
      count: { kind: 'number', isWhole: true, min: 1, max: 20 },
      share: { kind: 'number', above: 0, max: 1 },
      sides: { kind: 'numbers', isWhole: true, min: 1, length: 2 },
    };
    const good = { count: 20, share: 1, sides: [1, 1000] };
    assert.deepEqual(parseSettings(table, JSON.stringify(good)), good);
    for (const [key, value, said] of [
      ['count', '0', /^count: expected a whole number from 1 to 20, got 0$/],
      ['count', '1.5', /got 1.5$/],
      ['count', '1e9', /got 1000000000$/],
      ['count', 'null', /got null$/],
      ['share', '0', /^share: expected a number above 0 and at most 1, got 0$/],
      ['share', '1e999', /^share: /],
      ['sides', '[3]', /^sides: expected 2 numbers, each a whole number at least 1, got \[3\]$/],
      ['sides', '[3,0]', /got \[3,0\]$/],
    ] as const) {
      const text = JSON.stringify({ ...good, [key]: '?' }).replace('"?"', value);
      assert.throws(() => parseSettings(table, text), isDamage(said), text);
    }
  });

  it('is what is no JSON, or no map', () => {
    for (const text of ['', '{', 'null', '[]', '3']) assert.throws(() => parse(text), isDamage(/./), text);
  });
});
