/** Pages of runs, as text: whole, safe, and saying what is known and what is not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportOfRun, reportOfRuns } from '#air/render/html/report.js';
import { all, checkPage, type Element, textOf } from '../../support/html.js';
import { EVIL, runPage } from '../../support/run-page.js';

const none = { commandLine: undefined };

const byId = (root: Element, id: string): Element =>
  all(root).find(({ attributes }) => attributes.get('id') === id) as Element;

test('a page of a run has each of its sections, and says the scores as they are', () => {
  const root = checkPage(reportOfRun(runPage(), { commandLine: 'air report m.safetensors' }));
  assert.match(
    textOf(root),
    /m\.safetensors.*Counts 75\.00 % right.*four scenes, after 10 of 20 steps: the run is not over/,
  );
  const cells = all(byId(root, 'counting')).filter(({ name, attributes }) => name === 'td' && attributes.has('style'));
  assert.deepEqual(
    cells.map((cell) => cell.text),
    ['1', '0', '0', '0', '1', '0', '0', '1', '1'],
  );
  assert.match(textOf(byId(root, 'mistakes')), /The one image counted wrong\..*2 taken for 1/);
  const changed = all(byId(root, 'configuration')).filter(({ attributes }) => attributes.get('class') === 'changed');
  assert.deepEqual(changed.map(textOf), ['--steps 20 (2500)']);
  assert.equal(textOf(byId(root, 'curves')), 'Training no log');
  assert.match(textOf(root), /Made by air report m\.safetensors$/);
});

test('boxes are drawn where they are, in the colours of their steps', () => {
  const root = checkPage(reportOfRun(runPage(), none));
  const drawings = all(byId(root, 'reconstructions')).filter(({ name }) => name === 'figure');
  const boxes = drawings.map((figure) => all(figure).filter(({ name }) => name === 'rect'));
  assert.deepEqual(
    boxes.map((list) => list.length),
    [0, 1, 2, 1],
  );
  const of = (box: Element) => ['class', 'x', 'y', 'width', 'height'].map((key) => box.attributes.get(key));
  assert.deepEqual(boxes[2].map(of), [
    ['box s0', '0', '1', '3.33', '2'],
    ['box s1', '1', '1', '3.33', '2'],
  ]);
  for (const { attributes } of all(drawings[0]).filter(({ name }) => name === 'image')) {
    assert.match(attributes.get('href') ?? '', /^data:image\/png;base64,iVBOR/);
  }
});

test('names, settings and command lines of files are text', () => {
  const run = runPage({ name: EVIL });
  const page = reportOfRun(
    {
      ...run,
      recipe: EVIL,
      settings: { preset: 'fast', rows: [{ name: EVIL, value: EVIL, preset: EVIL }] },
      curves: { absent: EVIL },
      scenes: { ...run.scenes, what: EVIL, how: EVIL, warning: EVIL, provenance: [EVIL] },
      backend: EVIL,
      provenance: { ...run.provenance, lines: [EVIL], data: EVIL, backend: EVIL, digest: EVIL, validation: EVIL },
    },
    { commandLine: EVIL },
  );
  const root = checkPage(page);
  const elements = all(root);
  assert.ok(!elements.some(({ name }) => name === 'script' || name === 'img'));
  const lines = elements.filter(({ name }) => name === 'pre').map(({ text }) => text);
  assert.deepEqual(lines, [EVIL, EVIL]);
  assert.equal(elements.find(({ name }) => name === 'title')?.text, `${EVIL}: report`);
});

test('without truth, sections that need it say so', () => {
  const root = checkPage(reportOfRun(runPage({ isBlind: true }), none));
  for (const id of ['counting', 'mistakes', 'calibration']) assert.match(textOf(byId(root, id)), /have no true counts/);
  assert.match(textOf(byId(root, 'boxes')), /do not say where/);
  assert.match(textOf(root), /Its counts cannot be scored/);
});

test('several runs have a table first, with what sets them apart', () => {
  const [a, b] = [runPage({ name: 'a.safetensors' }), runPage({ name: 'b.safetensors' })];
  const other = { ...b, settings: { ...b.settings, rows: [{ name: '--steps', value: '30' }, b.settings.rows[1]] } };
  const root = checkPage(reportOfRuns({ folder: 'runs', runs: [a, other], comparison: [] }, none));
  const rows = all(byId(root, 'runs')).filter(({ name }) => name === 'tr');
  assert.match(textOf(rows[1]), /^a\.safetensors 75\.00 % .* 10 of 20 --steps 20$/);
  assert.match(textOf(rows[2]), /^b\.safetensors 75\.00 % .* 10 of 20 --steps 30$/);
  assert.ok(byId(root, 'run-2-configuration'));
  const same = checkPage(reportOfRuns({ folder: 'runs', runs: [a, b], comparison: [] }, none));
  assert.match(textOf(byId(same, 'runs')), /a\.safetensors 75\.00 % .* 10 of 20 –/);
});
