/** `air train` from the outside: what it leaves, how it goes on, and when it refuses. See also train-interrupt.test.ts. */
import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { decodePng } from '#air/formats/png.js';
import { air, airOk, jsonLines, metadataOf } from '../../support/air.js';
import { killOnceSaved } from '../../support/child.js';
import { freshFolder } from '../../support/folder.js';

const shared = mkdtempSync(join(tmpdir(), 'air-test-'));
const [SCENES, VALID] = [join(shared, 'scenes.air'), join(shared, 'valid.air')];
const SMALL = `train ${SCENES} -o m.safetensors --preset small --backend wasm --no-provenance`;
const SHORT = `${SMALL} --steps 12 --batch-size 16`;
const KILLED = `${SMALL} --steps 40 --batch-size 16 --save-every 5 --report-every 2 --metrics m.jsonl -q`;

before(async () => {
  await airOk(shared, 'gen-data --count 200 --seed 1 -q -o scenes.air');
  await airOk(shared, 'gen-data --count 50 --seed 2 --split test -q -o valid.air');
  for (const folder of ['done', 'killed']) mkdirSync(join(shared, folder));
  await airOk(join(shared, 'done'), `${SHORT} -q`);
  await killOnceSaved(join(shared, 'killed'), KILLED);
});
after(() => rmSync(shared, { recursive: true }));

/** A folder as a run left it: finished with SHORT, or killed in the middle of KILLED. */
function copyOf(which: 'done' | 'killed', t: TestContext): string {
  const folder = freshFolder(t);
  for (const name of readdirSync(join(shared, which))) copyFileSync(join(shared, which, name), join(folder, name));
  return folder;
}

const modelIn = (folder: string) => readFileSync(join(folder, 'm.safetensors'));

describe('a run that ends', () => {
  it('leaves a model and nothing else, with what it learnt from and how it scored', async (t) => {
    const folder = freshFolder(t);
    const { code, stdout, stderr } = await air(folder, `${SHORT} --seed 7 --valid ${VALID} --valid-every 8`);
    assert.equal(code, 0, stderr);
    assert.equal(stdout.length, 0);
    const scored = [...stderr.matchAll(/^air train: step (\d+): held-out count accuracy/gm)].map(([, step]) => step);
    assert.deepEqual(scored, ['8', '12'], stderr);
    assert.match(stderr, /\nair train: m\.safetensors: 12 steps, ELBO -?\d.* count accuracy \d.*\n$/);
    assert.deepEqual(readdirSync(folder), ['m.safetensors']);
    const { format, step, config, training, metrics, provenance } = metadataOf(join(folder, 'm.safetensors'));
    assert.deepEqual([format, step, provenance], ['air', '12', '[]']);
    assert.equal(JSON.parse(config).rnn_hidden_size, 64);
    assert.equal(JSON.parse(training).seed, 7);
    const { step: scoredAt, count_accuracy: accuracy } = JSON.parse(metrics);
    assert.equal(scoredAt, 12);
    assert.ok(accuracy >= 0 && accuracy <= 1);
    assert.ok(!modelIn(folder).equals(modelIn(join(shared, 'done'))), 'another seed, another model');
  });

  it('is not run again: the model is done', async () => {
    const folder = join(shared, 'done');
    const model = modelIn(folder);
    const { code, stderr } = await air(folder, SHORT);
    assert.equal(stderr, 'air train: m.safetensors is already trained: 12 steps\n');
    assert.equal(code, 0);
    assert.ok(modelIn(folder).equals(model));
  });

  it('is not overwritten with other settings or other images', async () => {
    const folder = join(shared, 'done');
    const model = modelIn(folder);
    await airOk(folder, 'gen-data --count 20 --canvas 40 -q -o ../smaller.air');
    for (const [line, message] of [
      [`${SHORT} --learning-rate 0.1`, /was made with --learning-rate 0\.002, now it is 0\.1/],
      [SHORT.replace(SCENES, VALID), /was trained on other images/],
      [SHORT.replace(SCENES, '../smaller.air'), /trained on images of 50 x 50 px, these are 40 x 40 px/],
    ] as const) {
      const { code, stderr } = await air(folder, line);
      assert.equal(code, 64, stderr);
      assert.match(stderr, message);
    }
    assert.ok(modelIn(folder).equals(model));
  });

  it('has the command lines that led to it, unless it may not', async (t) => {
    const folder = freshFolder(t);
    await airOk(folder, `train ${SCENES} -o m.safetensors --preset small --steps 1 --batch-size 4 --backend wasm -q`);
    const provenance = JSON.parse(metadataOf(join(folder, 'm.safetensors')).provenance);
    assert.equal(provenance[0], 'air gen-data --count 200 --seed 1 -q -o scenes.air');
    assert.match(provenance[1], /^air train .*scenes\.air -o m\.safetensors --preset small --steps 1/);
  });
});

describe('the same bytes', () => {
  it('come from one thread and from three', async (t) => {
    const [one, three] = [freshFolder(t), freshFolder(t)];
    const line = `${SMALL} --steps 2 --batch-size 150 -q`; // four parts of 37 or 38
    await airOk(one, `${line} --workers 1`);
    await airOk(three, `${line} --workers 3`);
    assert.ok(modelIn(three).equals(modelIn(one)));
  });

  it('come from a pipe and from a file', async (t) => {
    const folder = freshFolder(t);
    await airOk(folder, `${SHORT.replace(SCENES, '-')} -q`, readFileSync(SCENES));
    assert.ok(modelIn(folder).equals(modelIn(join(shared, 'done'))));
  });
});

describe('a run that was killed', () => {
  /** Log lines without the time they took. */
  const log = (folder: string) => jsonLines(join(folder, 'm.jsonl')).map(({ ms_per_step: _, ...rest }) => rest);

  it('goes on to the same model and the same log, no step twice', async (t) => {
    const [folder, whole] = [copyOf('killed', t), freshFolder(t)];
    assert.ok(!existsSync(join(folder, 'm.safetensors')));
    // as if it had been killed while it wrote a line of a step after the state
    const lines = readFileSync(join(folder, 'm.jsonl'), 'utf8');
    writeFileSync(join(folder, 'm.jsonl'), `${lines}{"step": 4000, "elbo": 1}\n{"step": 4002, "el`);
    const { step } = metadataOf(join(folder, 'm.safetensors.state'));
    const { code, stderr } = await air(folder, KILLED.replace(' -q', ''));
    assert.equal(code, 0, stderr);
    assert.ok(stderr.startsWith(`air train: going on after step ${step} of 40\n`), stderr);
    await airOk(whole, KILLED);
    assert.ok(modelIn(folder).equals(modelIn(whole)));
    assert.deepEqual(
      log(folder).map((line) => line.step),
      Array.from({ length: 20 }, (_, i) => 2 * (i + 1)),
    );
    assert.deepEqual(log(folder), log(whole));
  });

  it('is refused with other settings, other images or another backend', async () => {
    const folder = join(shared, 'killed');
    const state = readFileSync(join(folder, 'm.safetensors.state'));
    for (const [line, message] of [
      [`${KILLED} --z-what-size 5`, /m\.safetensors\.state was made with --z-what-size 10, now it is 5\n/],
      [KILLED.replace(SCENES, VALID), /m\.safetensors was trained on other images\n/],
      [KILLED.replace('wasm', 'cpu'), /m\.safetensors\.state was begun on --backend wasm, now it is cpu\n/],
    ] as const) {
      const { code, stderr } = await air(folder, line);
      assert.equal(code, 64, stderr);
      assert.match(stderr, message);
      assert.match(stderr, /\n {2}.*(-o|leave --backend out)/, 'with a way out');
    }
    assert.ok(readFileSync(join(folder, 'm.safetensors.state')).equals(state), 'the state is as it was');
  });

  it('can be looked at: its state is a model too', async () => {
    const line = `eval --model m.safetensors.state ${VALID} --json --backend wasm`;
    const scores = JSON.parse(String(await airOk(join(shared, 'killed'), line)));
    assert.equal(scores.images, 50);
    assert.ok(Number.isFinite(scores.elbo));
  });
});

describe('--max-time', () => {
  it('stops early with the state saved and exit code 75, and goes on later', async (t) => {
    const folder = freshFolder(t);
    const long = `${SMALL} --steps 1000000 --batch-size 1 --sum-pairs 0 --max-time 1s`;
    const stepOf = () => Number(metadataOf(join(folder, 'm.safetensors.state')).step);
    const first = await air(folder, long);
    assert.equal(first.code, 75, first.stderr);
    const step = stepOf();
    assert.equal(
      first.stderr,
      `air train: stopped after step ${step} of 1000000; saved in m.safetensors.state\n` +
        '  the same command again goes on from there\n',
    );
    const second = await air(folder, long);
    assert.equal(second.code, 75, second.stderr);
    assert.ok(second.stderr.startsWith(`air train: going on after step ${step} of 1000000\n`), second.stderr);
    assert.ok(stepOf() > step);
    assert.deepEqual(readdirSync(folder), ['m.safetensors.state']);
  });
});

describe('learning', () => {
  it('takes a batch to heart: the ELBO rises', async (t) => {
    const folder = freshFolder(t);
    const recipe = '--steps 40 --batch-size 16 --warmup 5 --learning-rate 5e-3';
    await airOk(folder, `${SMALL} ${recipe} --overfit-batch --report-every 1 --metrics m.jsonl -q`);
    const elbos = jsonLines(join(folder, 'm.jsonl')).map(({ elbo }) => elbo as number);
    assert.equal(elbos.length, 40);
    assert.ok(elbos[39] > elbos[0] + 20, `${elbos}`);
  });

  it('reports the terms of the ELBO, which add up, and scores that count every image', async (t) => {
    const folder = freshFolder(t);
    await airOk(folder, `${SHORT} --report-every 5 --metrics m.jsonl --valid ${VALID} --valid-every 10 -q`);
    const lines = jsonLines(join(folder, 'm.jsonl')) as { [name: string]: number }[];
    assert.deepEqual(
      lines.map(({ step }) => step),
      [5, 10, 10, 12, 12],
    );
    for (const line of lines.filter(({ elbo }) => elbo !== undefined)) {
      const sum = line.log_lik - line.kl_n - line.kl_z_where - line.kl_z_what;
      assert.ok(Math.abs(sum - line.elbo) < 1e-6 * Math.abs(line.elbo));
      for (const name of ['gradient_norm', 'learning_rate', 'z_pres_prior', 'ms_per_step']) assert.ok(line[name] >= 0);
    }
    const [valid] = lines.filter(({ valid_elbo: elbo }) => elbo !== undefined);
    const confusion = valid.valid_confusion as unknown as number[][];
    assert.equal(
      confusion.flat().reduce((a, b) => a + b),
      50,
    );
    const right = confusion.reduce((sum, row, truth) => sum + row[truth], 0);
    assert.equal(valid.valid_count_accuracy, right / 50);
  });

  it('that diverges ends with 1 and says what went wrong', async (t) => {
    const folder = freshFolder(t);
    const { code, stderr } = await air(folder, `${SHORT} --learning-rate 1e30 --warmup 0`);
    assert.equal(code, 1, stderr);
    assert.match(
      stderr,
      /^air train: diverged at step \d+: .+ (is -?(NaN|Infinity)|are no longer finite)\n {2}start again under another name/,
    );
    assert.deepEqual(readdirSync(folder), []);
  });

  it('that makes no sums of images says why, and how many in its log', async (t) => {
    const folder = freshFolder(t);
    const { code, stderr } = await air(folder, `${SHORT} --sum-from 2 --report-every 4 --metrics m.jsonl`);
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /step 12: no sums of images in steps 2 to 12: no two images .* as one object yet \(.*--sum-pairs 0/,
    );
    assert.deepEqual(
      jsonLines(join(folder, 'm.jsonl')).map(({ step, sums }) => [step, sums]),
      [4, 8, 12].map((step) => [step, 0]),
    );
    const later = freshFolder(t);
    await airOk(later, `${SHORT} --report-every 4 --metrics m.jsonl -q`);
    assert.ok(
      jsonLines(join(later, 'm.jsonl')).every((line) => !('sums' in line)),
      'not before --sum-from',
    );
  });

  it('that collapses is called by its name', async (t) => {
    // a prior under which an object costs hundreds of nats
    const line = `${SMALL} --steps 6 --batch-size 16 --z-pres-prior 1e-300 --anneal-prior none --valid ${VALID}`;
    const { code, stderr } = await air(freshFolder(t), line);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /step 6: every image is counted as empty/);
  });

  it('shows pictures along the way', async (t) => {
    const folder = freshFolder(t);
    await airOk(folder, `${SHORT} --previews pictures --preview-every 10 -q`);
    assert.deepEqual(readdirSync(join(folder, 'pictures')).sort(), [
      'index.html',
      'step-000010.png',
      'step-000012.png',
    ]);
    const { width, height } = await decodePng(readFileSync(join(folder, 'pictures', 'step-000012.png')), 'preview');
    assert.ok(width >= 10 * 50 && height >= 2 * 50, `${width} x ${height}: ten images and what became of them`);
  });

  it('takes plain images too: the digits themselves', async (t) => {
    const folder = freshFolder(t);
    const digits = resolve('fixtures/mnist/t10k-images-idx3-ubyte.gz');
    await airOk(folder, `${SMALL.replace(SCENES, digits)} --steps 2 --batch-size 8 -q`);
    assert.deepEqual(JSON.parse(metadataOf(join(folder, 'm.safetensors')).config).canvas, [28, 28]);
  });

  it('does with however few images there are', async (t) => {
    const folder = freshFolder(t);
    await airOk(folder, 'gen-data --count 3 -q -o few.air');
    await airOk(folder, `${SHORT.replace(SCENES, 'few.air')} -q`);
    assert.equal(metadataOf(join(folder, 'm.safetensors')).step, '12');
  });
});
