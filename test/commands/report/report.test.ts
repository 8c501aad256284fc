/** `air report` from the outside: what its page says, of one run and of several, and what it says where something is missing. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { encodePng } from '#air/formats/png.js';
import { encodeSafetensors, sealSafetensors, type TensorData } from '#air/formats/safetensors.js';
import { decodeCheckpoint, encodeCheckpoint } from '#air/train/checkpoint.js';
import { air, airOk } from '../../support/air.js';
import { all, checkPage, type Element, textOf } from '../../support/html.js';
import { EVIL } from '../../support/run-page.js';

const MODEL = resolve('fixtures/models/0.1.0.safetensors');
const SCENES = resolve('fixtures/models/scenes.air');
const QUICK = `--scenes ${SCENES} --samples 2 --backend wasm`;

const folder = mkdtempSync(join(tmpdir(), 'air-test-'));
after(() => rmSync(folder, { recursive: true }));

const byId = (root: Element, id: string): Element =>
  all(root).find(({ attributes }) => attributes.get('id') === id) as Element;

async function report(line: string): Promise<Element> {
  await airOk(folder, `report ${line.trim()} -q -o page.html`);
  return checkPage(readFileSync(join(folder, 'page.html'), 'utf8'));
}

const line = (model: string, step: number, more: object) => `${JSON.stringify({ model, step, ...more })}\n`;

before(() => {
  for (const name of ['runs', 'empty', 'pngs']) mkdirSync(join(folder, name));
});

describe('a report', () => {
  it('says what air eval says of the same images', async () => {
    await airOk(folder, 'gen-data --split valid --count 100 --objects 0..3 --overlap any -q -o crowds.air');
    const root = await report('digits --scenes crowds.air --samples 2 --backend wasm');
    const told = await airOk(folder, 'eval --model digits crowds.air --samples 2 --backend wasm --json');
    const scores = JSON.parse(told.toString());
    const tiles = all(root)
      .filter(({ attributes }) => attributes.get('class') === 'value')
      .map(textOf);
    const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
    assert.deepEqual(tiles, [
      percent(scores.count_accuracy),
      percent(scores.evidence_count_accuracy),
      scores.elbo.toFixed(1),
      scores.average_precision.toFixed(3),
    ]);
    const cells = all(byId(root, 'counting')).filter(({ attributes }) => attributes.has('style'));
    assert.deepEqual(
      cells.map((cell) => Number(cell.text)),
      scores.confusion.flat(),
    );
    const boxes = new RegExp(`${scores.mean_iou.toFixed(3)} .*KL of n ${scores.terms.kl_n.toFixed(1)} `);
    assert.match(textOf(byId(root, 'boxes')), boxes);
    const wrong = Math.round((1 - scores.count_accuracy) * scores.images);
    assert.ok(wrong > 2, `${wrong} mistakes to look at`);
    const mistakes = all(byId(root, 'mistakes')).filter(({ name }) => name === 'figure');
    assert.equal(mistakes.length, Math.min(wrong, 30));
    for (const figure of mistakes) assert.match(textOf(figure), /(\d) taken for (?!\1)\d/);
  });

  it('has the same bytes for the same seed, on however many threads, and no command line with --no-provenance', async () => {
    const page = async (more: string) => (await airOk(folder, `report ${MODEL} ${QUICK} -q ${more}`.trim())).toString();
    const one = await page('--workers 1 --no-provenance');
    assert.equal(await page('--workers 2 --no-provenance --batch-size 7'), one);
    assert.notEqual(await page('--no-provenance --seed 1'), one);
    assert.doesNotMatch(one, /Made by/);
    assert.match(await page(''), /Made by <code>air report /);
  });

  it('makes scenes of held-out digits where none are given, and says so', async () => {
    const root = await report(`${MODEL} --samples 1`);
    const text = textOf(byId(root, 'scored'));
    const [, made] =
      /no --scenes was given.*: (air gen-data --split valid [^:]*) images 2,000 of 24 × 24 px/.exec(text) ?? [];
    await airOk(folder, `${made.slice(4)} -q -o same.air`);
    const same = await report(`${MODEL} --samples 1 --scenes same.air`);
    for (const id of ['counting', 'boxes', 'mistakes']) {
      assert.equal(textOf(byId(same, id)), textOf(byId(root, id)), `${id}: of scenes that this line makes`);
    }
    assert.doesNotMatch(textOf(root), /test digits/);
    assert.match(textOf(byId(same, 'scored')), /held out \(--split valid\)/);
  });

  it('warns of scores on digits that the model may have learnt from', async () => {
    await airOk(folder, 'gen-data --count 5 --canvas 24 --scale-mean 2.4 -q -o train.air');
    await airOk(folder, 'gen-data --count 5 --canvas 24 --scale-mean 2.4 --split test -q -o test.air');
    assert.match(textOf(await report(`${MODEL} --scenes train.air`)), /which the model may have learnt from/);
    const text = textOf(await report(`${MODEL} --scenes test.air`));
    assert.match(text, /test digits \(--split test\)/);
    assert.doesNotMatch(text, /may have learnt from/);
  });

  it('says of images without truth what can be said', async () => {
    for (const i of [0, 1]) {
      const pixels = new Uint8Array(24 * 24).fill(i);
      writeFileSync(join(folder, 'pngs', `${i}.png`), encodePng({ width: 24, height: 24, channels: 1, pixels }));
    }
    const root = await report(`${MODEL} --scenes pngs --samples 2`);
    for (const id of ['counting', 'mistakes', 'calibration']) assert.match(textOf(byId(root, id)), /no true counts/);
    assert.equal(all(byId(root, 'reconstructions')).filter(({ name }) => name === 'figure').length, 2);
  });
});

describe('curves', () => {
  const log = `${line('old/0.1.0.safetensors', 50, { elbo: 1 })}${line('old/0.1.0.safetensors', 100, { elbo: 2 })}`;

  it('are of a log beside the model that is of it, whatever its name, or of the one that is named', async () => {
    mkdirSync(join(folder, 'beside'));
    const model = join(folder, 'beside', '0.1.0.safetensors');
    copyFileSync(MODEL, model);
    const curves = async (more: string) => byId(await report(`beside/0.1.0.safetensors ${QUICK} ${more}`), 'curves');
    writeFileSync(join(folder, 'beside', 'a.jsonl'), log.replaceAll('0.1.0', 'other'));
    assert.match(textOf(await curves('')), /No log of this training lies beside 0\.1\.0\.safetensors/);
    writeFileSync(join(folder, 'beside', 'z.jsonl'), `${log}{"model":"old/0.1.0.safe`);
    const found = await curves('');
    assert.match(textOf(found), /From the log beside\/z\.jsonl/);
    assert.ok(all(found).some(({ name }) => name === 'svg'));
    assert.match(textOf(await curves('--metrics beside/a.jsonl')), /From the log beside\/a\.jsonl/);
  });
});

describe('a folder of runs', () => {
  it('is a table, and then each of them; weights of other programs are left out', async () => {
    copyFileSync(MODEL, join(folder, 'runs', 'a.safetensors'));
    copyFileSync(`${MODEL}.state`, join(folder, 'runs', 'b.safetensors.state'));
    copyFileSync(`${MODEL}.state`, join(folder, 'runs', 'a.safetensors.state'));
    writeFileSync(join(folder, 'runs', 'pyro.safetensors'), pyroWeights());
    const { stderr, code } = await air(folder, `report runs/ ${QUICK} -o page.html`);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /runs\/pyro\.safetensors: left out, it is no model of air/);
    const root = checkPage(readFileSync(join(folder, 'page.html'), 'utf8'));
    const rows = all(byId(root, 'runs')).filter(({ name }) => name === 'tr');
    assert.equal(rows.length, 3);
    assert.match(textOf(rows[1]), /^a\.safetensors \d.* 300 –$/);
    assert.match(textOf(rows[2]), /^b\.safetensors\.state \d.* 140 of 300 –$/);
    assert.match(textOf(byId(root, 'run-2-provenance')), /140 of 300, not over/);
  });

  it('with nothing in it, or with a log for several, is refused with a way out', async () => {
    const empty = await air(folder, `report empty ${QUICK}`);
    assert.deepEqual([empty.code, empty.stdout.length], [66, 0]);
    assert.match(empty.stderr, /^air report: empty: no model in this folder: it is empty\n {2}\S/);
    const { code, stderr } = await air(folder, `report runs --metrics m.jsonl ${QUICK}`);
    assert.equal(code, 64);
    assert.match(stderr, /\nair report: --metrics is the log of one run, runs holds 2\n {2}\S/);
  });
});

describe('what files hold', () => {
  it('is text', async () => {
    const name = 'a<b>&amp;.safetensors';
    const checkpoint = decodeCheckpoint(readFileSync(MODEL), MODEL);
    const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    const bytes = encodeCheckpoint({ ...checkpoint, provenance: [EVIL], data: EVIL, backend: EVIL });
    writeFileSync(join(folder, name), sealSafetensors(bytes, sha256));
    writeFileSync(
      join(folder, `${EVIL.replaceAll(/[/ ]/g, '')}.jsonl`),
      line(name, 1, { elbo: 1 }) + line(name, 2, { elbo: EVIL }),
    );
    const root = await report(`${name} ${QUICK}`);
    assert.ok(!all(root).some(({ name: element }) => element === 'script' || element === 'img'));
    assert.deepEqual(
      all(byId(root, 'provenance'))
        .filter(({ name: element }) => element === 'pre')
        .map(({ text }) => text),
      [EVIL],
    );
    assert.equal(all(root).find(({ name: element }) => element === 'h1')?.text, name);
  });
});

/** A file of tensors that no air wrote. */
function pyroWeights(): Uint8Array {
  const tensor: TensorData = { dtype: 'F32', shape: [1], data: new Float32Array(1) };
  return encodeSafetensors(new Map([['rnn.weight_ih', tensor]]), { format: 'pt' });
}
