/** The page that air train --previews keeps beside its pictures: how a run went, how it ended, and how it went on. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { keptIn } from '#air/render/html/live.js';
import { air, airOk, jsonLines } from '../../support/air.js';
import { killOnceSaved } from '../../support/child.js';
import { freshFolder } from '../../support/folder.js';
import { all, checkPage, type Element, textOf } from '../../support/html.js';

const shared = mkdtempSync(join(tmpdir(), 'air-test-'));
const [SCENES, VALID] = [join(shared, 'scenes.air'), join(shared, 'valid.air')];
const RUN = `train ${SCENES} -o m.safetensors --preset small --backend wasm --batch-size 16 --previews shown --preview-every 4`;
const OFTEN = `${RUN} --report-every 2 --valid ${VALID} --valid-every 4 --save-every 2`;

before(async () => {
  await airOk(shared, 'gen-data --count 100 --seed 1 -q -o scenes.air');
  await airOk(shared, 'gen-data --count 20 --seed 2 --split valid -q -o valid.air');
});
after(() => rmSync(shared, { recursive: true }));

type Line = { [name: string]: unknown };
type Kept = { model: string; lines: Line[]; previews: { step: number; file: string }[] };

/** The page of a run, checked, what it says of its state, and what it keeps. */
function pageIn(folder: string): { root: Element; says: string; isRunning: boolean; kept: Kept } {
  const text = readFileSync(join(folder, 'shown', 'index.html'), 'utf8');
  const root = checkPage(text, { files: readdirSync(join(folder, 'shown')) });
  const state = all(root).find(({ attributes }) => attributes.get('id') === 'state') as Element;
  const refreshes = all(root).some(({ attributes }) => attributes.get('http-equiv') === 'refresh');
  const isRunning = state.attributes.get('data-running') === 'yes';
  assert.equal(refreshes, isRunning, 'without script, too');
  return { root, says: textOf(state), isRunning, kept: keptIn(text) as Kept };
}

const stepsOf = (lines: readonly Line[]) => lines.map(({ step }) => step);

describe('the page of a training', () => {
  it('that is over stays as it is, with curves, the last pictures and those before', async (t) => {
    const folder = freshFolder(t);
    await airOk(folder, `${OFTEN} --steps 10 --metrics m.jsonl -q`);
    const { root, says, isRunning, kept } = pageIn(folder);
    assert.ok(!isRunning);
    assert.match(
      says,
      /^Finished : 10 steps, ELBO .*, held-out count accuracy .* air report m\.safetensors shows all of it/,
    );
    const logged = jsonLines(join(folder, 'm.jsonl'));
    assert.deepEqual(
      kept.lines.map(({ step, elbo, valid_count_accuracy }) => ({ step, elbo, valid_count_accuracy })),
      logged.map(({ step, elbo, valid_count_accuracy }) => ({ step, elbo, valid_count_accuracy })),
    );
    const files = kept.previews.map(({ file }) => file);
    assert.deepEqual(files, ['step-000004.png', 'step-000008.png', 'step-000010.png']);
    assert.deepEqual(readdirSync(join(folder, 'shown')).sort(), ['index.html', ...files]);
    assert.equal(all(root).filter(({ attributes }) => attributes.get('class') === 'marks').length, 3, 'charts');
    assert.match(textOf(root), /At step 10, the first scenes of --valid/);
  });

  it('that was killed says that it goes on; the same command goes on with its curves, with and without a log', async (t) => {
    for (const log of ['', ' --metrics m.jsonl']) {
      const folder = freshFolder(t);
      await killOnceSaved(folder, `${OFTEN} --steps 60${log} -q`);
      assert.ok(pageIn(folder).isRunning);
      await airOk(folder, `${OFTEN} --steps 60${log} -q`);
      const { isRunning, kept } = pageIn(folder);
      assert.ok(!isRunning);
      const steps = stepsOf(kept.lines.filter(({ elbo }) => elbo !== undefined)) as number[];
      assert.deepEqual(
        steps,
        [...new Set(steps)].sort((a, b) => a - b),
        'no step twice',
      );
      assert.equal(steps.at(-1), 60);
      if (log !== '') assert.deepEqual(stepsOf(kept.lines), stepsOf(jsonLines(join(folder, 'm.jsonl'))));
    }
  });

  it('that was stopped says how to go on, and goes on with what it had', async (t) => {
    const folder = freshFolder(t);
    const line = `${OFTEN} --steps 1000000 --sum-pairs 0 -q`;
    const { code } = await air(folder, `${line} --max-time 2s`);
    assert.equal(code, 75);
    const stopped = pageIn(folder);
    assert.match(stopped.says, /^Stopped after step [\d,]+ of 1,000,000; the same command goes on from there\.$/);
    assert.ok(!stopped.isRunning);
    assert.equal((await air(folder, `${line} --max-time 1s`)).code, 75);
    const { kept } = pageIn(folder);
    const before = stepsOf(stopped.kept.lines);
    assert.ok(before.length > 2);
    assert.deepEqual(stepsOf(kept.lines).slice(0, before.length), before);
    assert.deepEqual(kept.previews.slice(0, stopped.kept.previews.length), stopped.kept.previews);
  });

  it('that diverges says so', async (t) => {
    const folder = freshFolder(t);
    const { code } = await air(folder, `${RUN} --steps 12 --learning-rate 1e30 --warmup 0 -q`);
    assert.equal(code, 1);
    const { says, isRunning } = pageIn(folder);
    assert.ok(!isRunning);
    assert.match(says, /^Ended after step \d+ of 12: diverged at step/);
  });

  it('does not go on with the page of another model, nor with what is no page', async (t) => {
    const folder = freshFolder(t);
    await airOk(folder, `${OFTEN} --steps 4 -q`);
    await airOk(folder, `${OFTEN.replace('m.safetensors', 'other.safetensors')} --steps 6 --no-provenance -q`);
    const other = pageIn(folder);
    assert.equal(other.kept.model, 'other.safetensors');
    assert.deepEqual(
      other.kept.previews.map(({ step }) => step),
      [4, 6],
    );
    assert.ok(!all(other.root).some(({ name }) => name === 'pre'), '--no-provenance leaves the command line out');
    rmSync(join(folder, 'm.safetensors'));
    writeFileSync(join(folder, 'shown', 'index.html'), 'no page');
    await airOk(folder, `${OFTEN} --steps 4 -q`);
    assert.equal(pageIn(folder).kept.model, 'm.safetensors');
  });
});
