/** A run that is to end as soon as it counts well enough (--until-accuracy): where it ends, and what comes of it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { air, airOk, jsonLines, metadataOf } from '../../support/air.js';
import { killOnceSaved } from '../../support/child.js';
import { freshFolder } from '../../support/folder.js';

const shared = mkdtempSync(join(tmpdir(), 'air-test-'));
const [SCENES, VALID] = [join(shared, 'scenes.air'), join(shared, 'valid.air')];
// a guide that begins with objects everywhere counts every image as 3, and after some steps as empty, of which there are some
const RUN =
  `train ${SCENES} -o m.safetensors --preset small --backend wasm --no-provenance --batch-size 16 --steps 60 ` +
  `--z-pres-bias 1 --warmup 10 --anneal-prior none --valid ${VALID} --valid-every 4`;
const REACHED = `${RUN} --until-accuracy 0.3`;

before(async () => {
  await airOk(shared, 'gen-data --count 200 --seed 1 -q -o scenes.air');
  await airOk(shared, 'gen-data --count 50 --seed 2 --split test -q -o valid.air');
});
after(() => rmSync(shared, { recursive: true }));

const modelIn = (folder: string) => readFileSync(join(folder, 'm.safetensors'));

/** A log without the times. */
const logIn = (folder: string) => jsonLines(join(folder, 'm.jsonl')).map(({ ms_per_step: _, ...rest }) => rest);

describe('a run that counts well enough', () => {
  it('ends there, with a model, a report and a picture of its last step', async (t) => {
    const folder = freshFolder(t);
    const more = '--report-every 50 --metrics m.jsonl --previews shown --preview-every 50';
    const { code, stderr } = await air(folder, `${REACHED} ${more}`);
    assert.equal(code, 0, stderr);
    const { step, metrics } = metadataOf(join(folder, 'm.safetensors'));
    const accuracies = logIn(folder).flatMap(({ step: at, valid_count_accuracy: share }) =>
      share === undefined ? [] : [{ at, isEnough: (share as number) >= 0.3 }],
    );
    assert.ok(accuracies.length > 2, 'not at the first validation');
    assert.deepEqual(
      accuracies.filter(({ isEnough }) => isEnough),
      [{ at: Number(step), isEnough: true }],
    );
    assert.ok(Number(step) % 4 === 0 && Number(step) < 50, step);
    assert.equal(JSON.parse(metrics).step, Number(step));
    assert.ok(logIn(folder).some(({ step: at, elbo }) => at === Number(step) && elbo !== undefined));
    assert.deepEqual(readdirSync(join(folder, 'shown')).sort(), ['index.html', `step-${step.padStart(6, '0')}.png`]);
    assert.deepEqual(readdirSync(folder).sort(), ['m.jsonl', 'm.safetensors', 'shown']);
    assert.match(
      stderr,
      new RegExp(
        `m\\.safetensors: --until-accuracy 0\\.3 reached at step ${step} of 60, in \\d+\\.\\d s; ${step} steps, ELBO \\d`,
      ),
    );
  });

  it('ends with the same bytes and the same log when it was killed on the way', async (t) => {
    const [folder, whole] = [freshFolder(t), freshFolder(t)];
    const line = `${REACHED} --save-every 3 --report-every 4 --metrics m.jsonl -q`;
    await killOnceSaved(folder, line);
    assert.ok(readdirSync(folder).includes('m.safetensors.state'));
    const { stderr } = await air(folder, line.replace(' -q', ''));
    assert.match(stderr, /^air train: going on after step \d+ of 60\n/);
    await airOk(whole, line);
    assert.ok(modelIn(folder).equals(modelIn(whole)));
    const withoutCounts = (log: ReturnType<typeof logIn>) => log.map(({ sums: _, ...rest }) => rest);
    assert.deepEqual(withoutCounts(logIn(folder)), withoutCounts(logIn(whole)));
  });

  it('is not tried again, even if it counts well enough by a collapse', async (t) => {
    const folder = freshFolder(t);
    const line = `${RUN} --until-accuracy 0.3 --retries 2`
      .replace('-bias 1', '-bias=-60')
      .replace('--steps 60', '--steps 9');
    const { code, stderr } = await air(folder, line);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /step 4: every image is counted as empty/);
    const { step, training } = metadataOf(join(folder, 'm.safetensors'));
    assert.deepEqual([step, JSON.parse(training).seed], ['4', 0]);
    assert.match((await air(folder, line)).stderr, /is already trained: 4 steps, held-out count accuracy/);
  });
});

describe('a run that never does', () => {
  it('says no, with the model of a run that was not asked', async (t) => {
    const SHORT = RUN.replace('--steps 60', '--steps 9');
    const [asked, plain] = [freshFolder(t), freshFolder(t)];
    const { code, stderr } = await air(asked, `${SHORT} --until-accuracy 1 -q`);
    assert.equal(code, 1);
    assert.match(stderr, /ended at step 9 with held-out count accuracy \d+\.\d\d %, below --until-accuracy 1\n$/);
    await airOk(plain, `${SHORT} -q`);
    assert.ok(modelIn(asked).equals(modelIn(plain)));
  });
});
