/** `air infer`, `eval` and `sample` on a real model: what they say does not depend on how they are run. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { LatentRecord, Scene } from '#air/formats/records.js';
import { readStream, type StreamEvent } from '#air/formats/stream.js';
import { air, airOk, recordsOf } from '../support/air.js';
import { resealed } from '../support/reseal.js';
import { chunksOf } from '../support/samples.js';

const folder = mkdtempSync(join(tmpdir(), 'air-test-'));
const run = (line: string, input?: Uint8Array) => airOk(folder, line, input);
const infer = (options = '') => run(`infer m.safetensors test.air --backend wasm --no-provenance -q ${options}`.trim());
const latents = async (options?: string) => (await recordsOf(await infer(options))) as LatentRecord[];
const scores = async (line: string, input?: Uint8Array) => JSON.parse(String(await run(`eval --json ${line}`, input)));

after(() => rmSync(folder, { recursive: true }));
before(async () => {
  await run('gen-data --count 400 --seed 1 -q -o train.air');
  await run('gen-data --count 24 --seed 2 --split test --no-provenance -q -o test.air');
  await run('train train.air --preset small --steps 80 --batch-size 32 --warmup 5 --backend wasm -q -o m.safetensors');
});

describe('infer', () => {
  it('passes images and truth through, in order', async () => {
    const scenes = (await recordsOf(readFileSync(join(folder, 'test.air')))) as Scene[];
    const seen = await latents();
    assert.deepEqual(
      seen.map(({ i, image, count, objects }) => ({ i, image, count, objects })),
      scenes,
    );
    for (const { q, n, steps, reconstruction, elbo, nEvidence } of seen) {
      assert.ok(Math.abs(q.reduce((a, b) => a + b) - 1) < 1e-12);
      assert.equal(q[n], Math.max(...q));
      assert.deepEqual([q.length, steps.length, reconstruction?.length, nEvidence], [4, 3, 2500, undefined]);
      assert.ok(Number.isFinite(elbo));
      for (const { where, what, window } of steps) {
        assert.deepEqual([where.length, what.length, window?.length], [3, 10, 400]);
      }
    }
  });

  it('says how many numbers z_where is, where they are not three, and all that reads latents takes them', async () => {
    const recipe = '--preset small --z-where sides --scale-prior-mean 0.4 --batch-size 32 --steps 2 --sum-pairs 0';
    await run(`train train.air ${recipe} --backend wasm -q -o sides.safetensors`);
    const bytes = await run('infer sides.safetensors test.air --samples 1 --backend wasm --no-provenance -q');
    const events: StreamEvent<Scene | LatentRecord>[] = [];
    for await (const event of readStream(chunksOf(bytes), { name: 'sides.air' })) events.push(event);
    const [first, second] = events;
    assert.ok(first.type === 'header' && second.type === 'record');
    assert.deepEqual(first.header.where, { dtype: 'float32', shape: [4] });
    for (const { where, whereScale } of (second.record as LatentRecord).steps) {
      assert.deepEqual([where.length, whereScale.length], [4, 4]);
    }
    await run('eval --json -q', bytes);
    await run('render -q', bytes);
    await run('view --limit 1', bytes);
  });

  it('gives the same bytes whatever the batch size', async () => {
    const options = '--mode sample --samples 2';
    const [all, seven] = [await infer(options), await infer(`${options} --batch-size 7`)];
    assert.ok(seven.equals(all));
  });

  it('gives a scene the same latents in another stream', async () => {
    const whole = await latents();
    // a scene keeps its index in a shard, and so its draws
    const shard = await run('gen-data --count 24 --seed 2 --split test --no-provenance -q --shard 3/3');
    const bytes = await run('infer m.safetensors - --backend wasm --no-provenance -q', shard);
    assert.deepEqual(await recordsOf(bytes), whole.slice(16));
  });

  it('draws in sample mode as the seed says; the mean does not depend on it', async () => {
    const where = (all: LatentRecord[]) => all.map(({ steps }) => steps[0].where);
    const [mean, one, other] = [
      await latents('--seed 5'),
      await latents('--mode sample --seed 5'),
      await latents('--mode sample --seed 6'),
    ];
    assert.deepEqual(where(await latents('--seed 6')), where(mean));
    assert.notDeepEqual(where(one), where(mean));
    assert.notDeepEqual(where(one), where(other));
  });

  it('says the evidence of each count, and counts by it when asked for more draws', async () => {
    for (const { evidence, nEvidence } of await latents())
      assert.deepEqual([evidence?.length, nEvidence], [4, undefined]);
    for (const { evidence = [], nEvidence } of await latents('--samples 3')) {
      assert.equal(evidence[nEvidence as number], Math.max(...evidence));
    }
  });

  it('has the evidence in what view shows', async () => {
    const lines = String(await run('view -', await infer('--samples 2')))
      .trim()
      .split('\n');
    const shown = lines.map((line) => JSON.parse(line).evidence);
    assert.deepEqual(
      shown,
      (await latents('--samples 2')).map(({ evidence }) => evidence),
    );
  });
});

describe('eval', () => {
  it('scores latents and, with --model, the scenes themselves, alike', async () => {
    const fromLatents = await scores('- --min-accuracy 0', await infer('--samples 2'));
    const fromScenes = await scores('--model m.safetensors test.air --samples 2 --backend wasm');
    assert.equal(fromLatents.images, 24);
    const seen = await latents('--samples 2');
    const right = seen.filter(({ n, count }) => n === count).length;
    assert.equal(fromLatents.count_accuracy, right / 24);
    const elbo = seen.reduce((sum, latent) => sum + (latent.elbo as number), 0) / 24;
    assert.ok(Math.abs(fromLatents.elbo - elbo) < 1e-9 * Math.abs(elbo));
    const { terms, ...rest } = fromScenes;
    const { terms: none, ...same } = fromLatents;
    assert.deepEqual(rest, same);
    assert.deepEqual(none, {});
    const sum = terms.log_lik - terms.kl_n - terms.kl_z_where - terms.kl_z_what;
    assert.ok(Math.abs(sum - rest.elbo) < 1e-6 * Math.abs(rest.elbo), 'the terms add up to the ELBO');
    assert.ok(terms.bound > rest.elbo, 'and the bound is above it');
    const bounds = seen.map(({ evidence = [] }) => {
      const largest = Math.max(...evidence);
      return largest + Math.log(evidence.reduce((all, each) => all + Math.exp(each - largest), 0));
    });
    const bound = bounds.reduce((a, b) => a + b) / 24;
    assert.ok(Math.abs(terms.bound - bound) < 1e-9 * Math.abs(bound), 'which is the evidence summed over the counts');
  });
});

describe('--model-steps and --z-pres-prior', () => {
  const headOf = async (bytes: Buffer) => JSON.parse(String(await run('view --head', bytes)));

  it('are what the pass takes, and what the header says', async () => {
    const [trained, five] = [await latents(), await latents('--model-steps 5')];
    for (const [b, { q, steps, evidence }] of five.entries()) {
      assert.deepEqual([q.length, steps.length, evidence?.length], [6, 5, 6]);
      assert.deepEqual(q.slice(0, 3), trained[b].q.slice(0, 3));
    }
    const { model } = await headOf(await infer('--model-steps 5 --z-pres-prior 0.01'));
    assert.deepEqual([model.steps, model.z_pres_prior], [5, 0.01]);
    const asTrained = (await headOf(await infer())).model;
    assert.deepEqual([asTrained.steps, asTrained.z_pres_prior], [3, 1e-6]);
  });

  it('are the same in eval', async () => {
    const options = '--model-steps 2 --z-pres-prior 0.01';
    const fromLatents = await scores('-', await infer(options));
    const { terms: _, ...fromScenes } = await scores(`--model m.safetensors test.air --backend wasm ${options}`);
    assert.deepEqual({ ...fromScenes, terms: {} }, fromLatents);
    assert.equal(fromScenes.confusion[0].length, 3);
    const trained = await scores('--model m.safetensors test.air --backend wasm --model-steps 2');
    assert.deepEqual(trained.calibration.q, fromScenes.calibration.q);
    assert.notEqual(trained.elbo, fromScenes.elbo);
  });

  it('are refused where one would leave a single count possible', async () => {
    await run(
      'train train.air --preset small --steps 1 -b 4 --count-prior trials --z-pres-prior .5 --backend wasm -q -o t.safetensors',
    );
    const { code, stderr } = await air(folder, 'infer t.safetensors test.air --z-pres-prior 1 -o t.air');
    assert.equal(code, 64);
    assert.match(
      stderr,
      /--z-pres-prior 1: this model was trained with --count-prior trials.*\n {2}give a probability/,
    );
    await run('infer m.safetensors test.air --z-pres-prior 1 --backend wasm -q -o t.air'); // all counts alike
  });
});

describe('sample', () => {
  it('draws scenes that every other command takes', async () => {
    const bytes = await run('sample m.safetensors --count 5 --objects 2 --backend wasm --seed 3 --no-provenance -q');
    const scenes = (await recordsOf(bytes)) as Scene[];
    assert.deepEqual(
      scenes.map(({ i, count, objects }) => [i, count, objects?.length]),
      [0, 1, 2, 3, 4].map((i) => [i, 2, 2]),
    );
    const again = await run(
      'sample m.safetensors --count 5 --objects 2 --backend wasm --seed 3 --no-provenance -q --batch-size 2',
    );
    assert.ok(again.equals(bytes), 'whatever the batch size');
    const seen = await recordsOf(await run('infer m.safetensors - --backend wasm -q', bytes));
    assert.equal(seen.length, 5);
  });

  it('draws one number of 0..N-1 as often as another where nothing is asked', async () => {
    const scenes = (await recordsOf(await run('sample m.safetensors --count 50 --backend wasm -q'))) as Scene[];
    assert.deepEqual([...new Set(scenes.map(({ count }) => count))].sort(), [0, 1, 2]);
  });

  it('draws from the prior where that is asked: k of 1e-6 makes objects rare', async () => {
    const line = 'sample m.safetensors --count 50 --objects prior --backend wasm -q';
    const scenes = (await recordsOf(await run(line))) as Scene[];
    assert.ok(scenes.every(({ count, image }) => count === 0 && image.every((pixel) => pixel === 0)));
  });
});

describe('a model beyond what float32 holds', () => {
  it('is told as such, by the first image that it has no answer for', async () => {
    const odd = resealed(readFileSync(join(folder, 'm.safetensors')), (metadata) => {
      metadata.config = JSON.stringify({ ...JSON.parse(metadata.config), likelihood_sd: 1e-30 });
    });
    writeFileSync(join(folder, 'odd.safetensors'), odd);
    for (const line of ['infer odd.safetensors test.air', 'eval --model odd.safetensors test.air']) {
      const { code, stderr } = await air(folder, `${line} --backend wasm`);
      assert.equal(code, 65, stderr);
      assert.match(
        stderr,
        /^air \w+: test\.air: image 0: what the model says of it is no finite number\n {2}its weights, or/,
      );
    }
  });
});
