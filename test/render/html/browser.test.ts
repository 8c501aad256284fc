/**
 * Pages as a browser shows them: nothing fails to load, nothing is wider than the screen, and the page of a training comes up to date.
 * Needs a Chromium, named by AIR_CHROMIUM; without it these tests are skipped. Pictures of all pages are left in build/pages.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { airOk } from '../../support/air.js';
import { Browser, type OpenPage, type View } from '../../support/browser.js';
import { ended, startAir } from '../../support/child.js';

const program = process.env.AIR_CHROMIUM;
const skip = program === undefined ? 'AIR_CHROMIUM names no browser' : false;
const PICTURES = resolve('build/pages');

const VIEWS: { readonly [name: string]: View } = {
  'wide-light': { width: 1400, height: 900, dark: false },
  'wide-dark': { width: 1400, height: 900, dark: true },
  'narrow-light': { width: 390, height: 844, dark: false, scale: 2 },
  'narrow-dark': { width: 390, height: 844, dark: true, scale: 2 },
};

/** Whatever stands out at the right, but for what scrolls by itself. */
const TOO_WIDE = `[...document.querySelectorAll('body *')]
  .filter((one) => !one.closest('.scroll') && one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map((one) => one.outerHTML.slice(0, 80))`;

describe('in a browser', { skip, timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'air-pages-'));
  let browser: Browser;
  before(async () => {
    mkdirSync(PICTURES, { recursive: true });
    browser = new Browser(program as string);
    await airOk(folder, 'gen-data --count 2000 -q -o train.air');
    await airOk(folder, 'gen-data --split valid --count 300 --seed 1 -q -o valid.air');
  });
  after(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  const open = (file: string, view: View): Promise<OpenPage> =>
    browser.open(pathToFileURL(join(folder, file)).href, view);

  /** Looks at a page in every way, and leaves pictures of it. */
  async function look(file: string, name: string): Promise<void> {
    for (const [how, view] of Object.entries(VIEWS)) {
      const page = await open(file, view);
      await page.screenshot(join(PICTURES, `${name}-${how}.png`));
      const tooWide = await page.evaluate<string[]>(TOO_WIDE);
      const width = await page.evaluate<number>('document.documentElement.scrollWidth');
      const broken = await page.evaluate<string[]>(
        '[...document.images].filter((one) => one.complete && one.naturalWidth === 0).map((one) => one.src)',
      );
      await page.close();
      assert.deepEqual(
        { problems: page.problems, tooWide, width, broken },
        { problems: [], tooWide: [], width: view.width, broken: [] },
        how,
      );
    }
  }

  it('a report of a model is whole, wide and narrow, light and dark', async () => {
    await airOk(folder, 'report digits -q -o digits.html');
    await look('digits.html', 'digits');
  });

  it('a report of several runs is', async () => {
    const run =
      'train train.air --valid valid.air --preset small --steps 120 --valid-every 20 --report-every 10 --backend wasm -q';
    mkdirSync(join(folder, 'runs'));
    for (const [name, more] of [
      ['sums', ''],
      ['a-run-with-quite-a-long-name-of-its-own', ' --sum-pairs 0 --learning-rate 1e-3 --seed 1'],
    ]) {
      await airOk(folder, `${run} --metrics runs/${name}.jsonl -o runs/${name}.safetensors${more}`);
    }
    await airOk(folder, 'report runs --scenes valid.air -q -o runs.html');
    await look('runs.html', 'runs');
  });

  it('a training can be watched: the page comes up to date, keeps its place, and stands still at the end', async () => {
    const options =
      '--preset small --steps 100000 --report-every 5 --valid-every 50 --preview-every 10 --backend wasm -q';
    const child = startAir(
      `train train.air --valid valid.air --previews shown -o m.safetensors ${options}`.split(' '),
      folder,
    );
    const ending = ended(child, '');
    const file = join(folder, 'shown', 'index.html');
    const has = (part: string) => existsSync(file) && readFileSync(file, 'utf8').includes(part);
    while (!has('id="earlier"') && child.exitCode === null) await setTimeout(100);
    await look('shown/index.html', 'training');

    const page = await open('shown/index.html', { width: 1400, height: 500, dark: false });
    const slide = `const slider = document.getElementById('earlier'); slider.value = 0; slider.dispatchEvent(new Event('input')); scrollTo(0, 300)`;
    await page.evaluate(slide);
    const seen = () =>
      page.evaluate<[string, number]>(`[document.getElementById('earlier-picture').src.slice(-15), scrollY]`);
    assert.deepEqual(await seen(), ['step-000010.png', 300]);
    const stepOf = () => page.evaluate<number>(`document.querySelector('progress').value`);
    const first = await stepOf();
    do await page.reloaded();
    while ((await stepOf()) === first);
    assert.deepEqual(await seen(), ['step-000010.png', 300], 'where it was');

    child.kill('SIGINT');
    assert.equal((await ending).code, 130);
    await page.reloaded();
    const state = await page.evaluate<string>(`document.getElementById('state').textContent`);
    assert.match(state, /^Stopped after step/);
    const again = await Promise.race([page.reloaded().then(() => 'loaded again'), setTimeout(7000, 'still')]);
    assert.equal(again, 'still');
    assert.deepEqual(page.problems, []);
    await page.close();
    await look('shown/index.html', 'stopped');
  });
});
