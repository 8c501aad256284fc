/** Pages of a training that goes on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptIn, type LivePage, livePage } from '#air/render/html/live.js';
import { all, checkPage, textOf } from '../../support/html.js';
import { answer, EVIL, scene } from '../../support/run-page.js';

const live: LivePage = {
  name: 'm.safetensors',
  state: { kind: 'training', secondsLeft: 61 },
  step: 10,
  steps: 40,
  recipe: 'the enumerate estimator',
  elbo: undefined,
  accuracy: undefined,
  msPerStep: undefined,
  charts: [],
  latest: undefined,
  previews: [],
  commandLine: 'air train',
  script: 'let one = 1;',
  kept: '{}',
};

const previews = [10, 20, 30].map((step) => ({ step, file: `step-${step}.png` }));
const files = previews.map(({ file }) => file);

test('only while training goes on does a page come up to date', () => {
  const states: LivePage['state'][] = [
    { kind: 'training', secondsLeft: 61 },
    { kind: 'stopped' },
    { kind: 'finished', says: 'done' },
    { kind: 'failed', says: 'no' },
  ];
  const pages = states.map((state) => checkPage(livePage({ ...live, state })));
  const refreshes = pages.map((root) => all(root).filter(({ attributes }) => attributes.has('http-equiv')).length);
  assert.deepEqual(refreshes, [2, 1, 1, 1], 'what may be loaded is always said, refresh is not');
  const says = pages.map((root) => {
    const state = all(root).find(({ attributes }) => attributes.get('id') === 'state');
    return [state?.attributes.get('data-running'), state === undefined ? '' : textOf(state)];
  });
  assert.deepEqual(
    says.map(([isRunning]) => isRunning),
    ['yes', 'no', 'no', 'no'],
  );
  assert.match(says[0][1] as string, /Training.*step 10 of 40, about 1:01 to go/);
  assert.match(says[1][1] as string, /Stopped.*step 10 of 40; the same command goes on/);
  assert.match(says[2][1] as string, /Finished.*done/);
  assert.match(says[3][1] as string, /Ended.*no$/);
});

test('pictures of before stand beside it, and are there without a program too', () => {
  const shown = [0, 1].map((i) => ({ ...scene(i, 1), ...answer(1) }));
  const page = livePage({ ...live, previews, latest: { step: 30, shown, canvas: [6, 8], areHeldOut: true } });
  const elements = all(checkPage(page, { files }));
  const slider = elements.find(({ name }) => name === 'input');
  assert.equal(slider?.attributes.get('data-files'), files.join(' '));
  const pictures = elements.filter(({ name }) => name === 'img').map(({ attributes }) => attributes.get('src'));
  assert.deepEqual(pictures, ['step-30.png', 'step-20.png', 'step-10.png']);
  assert.equal(elements.filter(({ name }) => name === 'image').length, 4);
});

test('a page gives back what it keeps, and nothing that it keeps gets out', () => {
  const kept = { model: EVIL, lines: [{ step: 1 }], more: '\u2028<!--<script>' };
  const page = livePage({ ...live, name: EVIL, commandLine: EVIL, kept: JSON.stringify(kept) });
  const root = checkPage(page);
  assert.equal(all(root).filter(({ name }) => name === 'script').length, 2, 'what it keeps, and its program');
  assert.deepEqual(keptIn(page), kept);
  assert.equal(keptIn('<html></html>'), undefined);
  assert.equal(keptIn(page.replace('{"model"', '{"mod"el"')), undefined);
});
