/** The collapses that have a name, told from confusion matrices. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nameCollapse } from '#air/scores/collapse.js';

describe('nameCollapse', () => {
  // rows: truth 0, 1, 2; columns: counted as 0..3
  const good = [
    [100, 0, 0, 0],
    [2, 95, 3, 0],
    [0, 6, 93, 1],
  ];
  const collapses: { [name: string]: number[][] } = {
    'every image is counted as empty': [
      [100, 0, 0, 0],
      [99, 1, 0, 0],
      [90, 10, 0, 0],
    ],
    'every image with objects is counted as 3': [
      [100, 0, 0, 0],
      [0, 2, 5, 93],
      [0, 0, 1, 99],
    ],
    'two objects are counted as one': [
      [100, 0, 0, 0],
      [1, 99, 0, 0],
      [0, 97, 3, 0],
    ],
    'one object is counted as two': [
      [100, 0, 0, 0],
      [0, 10, 88, 2],
      [0, 0, 99, 1],
    ],
  };

  for (const [name, confusion] of Object.entries(collapses)) {
    it(`sees that ${name}`, () => {
      assert.ok(nameCollapse(confusion)?.startsWith(name), nameCollapse(confusion));
    });
  }

  it('has nothing to say of a model that counts', () => {
    assert.equal(nameCollapse(good), undefined);
    assert.equal(nameCollapse([[100, 0, 0, 0]]), undefined, 'empty images only');
    assert.equal(nameCollapse([]), undefined);
  });

  it('has nothing to say of a model that has yet to learn', () => {
    assert.equal(
      nameCollapse([
        [60, 20, 10, 10],
        [40, 30, 20, 10],
        [30, 40, 20, 10],
      ]),
      undefined,
    );
  });

  it('looks only at counts that there are images of', () => {
    // scenes of 0, 1 or 3 objects: no row of twos
    const none = [0, 0, 0, 0];
    assert.match(nameCollapse([[100, 0, 0, 0], [99, 1, 0, 0], none, [95, 5, 0, 0]]) ?? '', /counted as empty/);
    assert.match(nameCollapse([none, [1, 1, 2, 96], [0, 0, 0, 100]]) ?? '', /counted as 3/);
    assert.equal(nameCollapse([[100, 0, 0, 0], [1, 99, 0, 0], none, [0, 0, 4, 96]]), undefined);
  });

  it('does not call it a collapse when threes are all there is, and counted as such', () => {
    assert.equal(
      nameCollapse([
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 2, 98],
      ]),
      undefined,
    );
  });

  it('knows models of two steps', () => {
    assert.match(
      nameCollapse([
        [50, 0, 0],
        [0, 4, 46],
        [0, 1, 49],
      ]) ?? '',
      /one object is counted as two/,
    );
  });
});
