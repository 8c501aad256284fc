/** `air plot`: what it draws of real logs and streams, and what it says of others. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PNG } from 'pngjs';
import { air, airOk } from '../support/air.js';

const folder = mkdtempSync(join(tmpdir(), 'air-'));
after(() => rmSync(folder, { recursive: true }));

/** Made-up logs: a report each 10 steps of 20 ms, one that waited; held-out scores where `valid` says. */
function writeLog(name: string, { steps = 60, retry = 0, valid = true } = {}): string[] {
  const tag = { model: 'm.safetensors', ...(retry === 0 ? {} : { retry }) };
  const lines: object[] = [];
  for (let step = 10; step <= steps; step += 10) {
    lines.push({ ...tag, step, elbo: 500 + step, log_lik: 500, kl_n: null, ms_per_step: step === 30 ? 100 : 20 });
    if (valid && step % 20 === 0)
      lines.push({ ...tag, step, valid_count_accuracy: step / 100, valid_elbo: 400 + step });
  }
  const texts = lines.map((line) => `${JSON.stringify(line)}\n`);
  writeFileSync(join(folder, name), texts.join(''));
  return texts;
}

before(async () => {
  await airOk(folder, 'gen-data --count 30 --seed 3 -q -o scenes.air');
  await airOk(
    folder,
    'train scenes.air --preset small --steps 4 --backend wasm --report-every 2 --valid scenes.air --metrics real.jsonl -q -o m.safetensors',
  );
  await airOk(folder, 'infer m.safetensors scenes.air --backend wasm --samples 2 -q -o latents.air');
  await airOk(folder, 'eval latents.air --json -q -o scores.json');
  writeLog('a.jsonl');
  writeLog('b.jsonl', { steps: 40, valid: false });
});

const textsOf = (svg: Buffer | string): string[] =>
  [...svg.toString().matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);

/** Where each line of a chart goes: its points in px, by panel and run. */
const linesOf = (svg: Buffer): number[][][] =>
  [
    ...svg
      .toString()
      .matchAll(/<path aria-label="[^"]*" role="graphics-symbol" aria-roledescription="line mark" d="([^"]*)"/g),
  ].map(([, d]) => [...d.matchAll(/[ML]([-\d.]+),([-\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]));

test('training: the log of a real run, and the same bytes again', async () => {
  const svg = await airOk(folder, 'plot training real.jsonl -q');
  const texts = textsOf(svg);
  for (const text of ['training steps', 'ELBO of batches (nats per image)', 'count accuracy, held out']) {
    assert.ok(texts.includes(text), text);
  }
  assert.deepEqual(await airOk(folder, 'plot training real.jsonl -q'), svg);
});

test('training: points are where the log has them, in steps and in time', async () => {
  const svg = await airOk(folder, 'plot training --x steps,time --y elbo a.jsonl -q');
  const [bySteps, byTime] = linesOf(svg).map((line) => line.map(([x]) => x / 360));
  const expected = [10, 20, 30, 40, 50, 60];
  for (const [k, x] of bySteps.entries()) assert.ok(Math.abs(x - expected[k] / 60) < 1e-3, `step ${expected[k]}: ${x}`);
  // 10 steps of 20 ms each, but for the third report's, of 100 ms: 2 s in all.
  const seconds = [0.2, 0.4, 1.4, 1.6, 1.8, 2];
  for (const [k, x] of byTime.entries()) assert.ok(Math.abs(x - seconds[k] / 2) < 1e-3, `step ${expected[k]}: ${x}`);
});

test('training: held-out scores between reports take the time between', async () => {
  const reports = [10, 30].map((step) => ({ model: 'm', step, elbo: 1, ms_per_step: step === 10 ? 100 : 50 }));
  const scores = [5, 20, 40].map((step) => ({ model: 'm', step, valid_elbo: step }));
  const lines = [scores[0], reports[0], scores[1], reports[1], scores[2]];
  writeFileSync(join(folder, 'between.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const [line] = linesOf(await airOk(folder, 'plot training --x time --y valid-elbo between.jsonl -q'));
  // Reports at 1 s and 2 s; half of the first, midway, and 10 steps more at the last pace.
  const seconds = [0.5, 1.5, 2.5];
  for (const [k, [x]] of line.entries()) assert.ok(Math.abs(x / 360 - seconds[k] / 2.5) < 1e-3, `${k}: ${x}`);
});

test('training: of a run that was tried again the last try, after the time of those before', async () => {
  const first = writeLog('first.jsonl', { steps: 40 });
  const again = writeLog('again.jsonl', { retry: 1 });
  writeFileSync(join(folder, 'both.jsonl'), [...first, ...again, '{"model":"m.safetensors","st'].join(''));
  const [bySteps, byTime] = linesOf(await airOk(folder, 'plot training --x steps,time --y elbo both.jsonl -q'));
  assert.equal(bySteps.length, 6);
  // The first try took 1.6 s, the second 2 s.
  assert.ok(Math.abs(byTime[0][0] / 360 - 1.8 / 3.6) < 1e-3, `${byTime[0][0]}`);
});

test('training: names make groups; a log that lacks what others have is said', async () => {
  const { code, stdout, stderr } = await air(folder, 'plot training one=a.jsonl one=real.jsonl two=b.jsonl -o g.svg');
  assert.deepEqual([code, stdout.length], [0, 0]);
  assert.match(stderr, /b\.jsonl: there is no valid_count_accuracy in it\n.*training: 3 files, \d+ x \d+ px\n$/);
  const texts = textsOf(readFileSync(join(folder, 'g.svg')));
  assert.deepEqual(
    [texts.filter((text) => text === 'one').length, texts.filter((text) => text === 'two').length],
    [1, 1],
  );
});

test('a file whose name has the sign in it is that file', async () => {
  writeFileSync(join(folder, 'lr=1e-3.jsonl'), readFileSync(join(folder, 'a.jsonl')));
  const texts = textsOf(await airOk(folder, 'plot training lr=1e-3.jsonl other=b.jsonl -q'));
  assert.ok(texts.includes('lr=1e-3') && texts.includes('other'));
});

test('scores: what eval says of latents, and the latents themselves, give the same picture', async () => {
  for (const what of ['confusion', 'calibration']) {
    const svg = await airOk(folder, `plot ${what} scores.json -q`);
    assert.deepEqual(await airOk(folder, `plot ${what} latents.air -q`), svg, what);
    assert.deepEqual(await airOk(folder, `plot ${what}`, readFileSync(join(folder, 'scores.json'))), svg, what);
  }
  const texts = textsOf(await airOk(folder, 'plot confusion scores.json -q'));
  const { confusion } = JSON.parse(readFileSync(join(folder, 'scores.json'), 'utf8')) as { confusion: number[][] };
  for (const images of confusion.flat()) assert.ok(texts.includes(String(images)), `${images} in ${texts}`);
  const calibration = textsOf(await airOk(folder, 'plot calibration scores.json -q'));
  assert.ok(calibration.includes('q(n)') && calibration.includes('by evidence'));
});

test('scan: as many objects at each step as were counted', async () => {
  const texts = textsOf(await airOk(folder, 'plot scan latents.air -q'));
  const { confusion } = JSON.parse(readFileSync(join(folder, 'scores.json'), 'utf8')) as { confusion: number[][] };
  const atLeast = (n: number): number =>
    confusion.flatMap((row) => row.slice(n)).reduce((sum, images) => sum + images, 0);
  const found = texts.filter((text) => / objects?$/.test(text));
  assert.deepEqual(
    found,
    [1, 2, 3].map((n) => `${atLeast(n)} ${atLeast(n) === 1 ? 'object' : 'objects'}`),
  );
});

test('a PNG is made where the name says so, as wide as asked for', async () => {
  await airOk(folder, 'plot confusion scores.json -q -o c.png --width 333');
  assert.equal(PNG.sync.read(readFileSync(join(folder, 'c.png'))).width, 333);
  const [, width] = /width="(\d+)"/.exec((await airOk(folder, 'plot confusion scores.json -q')).toString()) ?? [];
  await airOk(folder, 'plot confusion scores.json -q -o d.png');
  assert.equal(PNG.sync.read(readFileSync(join(folder, 'd.png'))).width, 2 * Number(width));
  const svg = await airOk(folder, 'plot confusion scores.json -q --width 333');
  assert.match(svg.toString(), /^<svg [^>]*width="333"/);
});
