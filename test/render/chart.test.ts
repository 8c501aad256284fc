/** Charts as pictures: the same bytes for the same spec, of the right size, with nothing cut. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Resvg } from '@resvg/resvg-wasm';
import { PNG } from 'pngjs';
import { type ChartSpec, chartPng, chartSize, chartSvg, resizeChart } from '#air/render/chart.js';
import { readFont } from '#air/render/chart-assets.js';
import { chartTextWidth } from '#air/render/chart-text.js';
import { calibrationChart } from '#air/render/charts/calibration.js';
import { confusionChart } from '#air/render/charts/confusion.js';
import { scanChart } from '#air/render/charts/scan.js';
import { trainingCurves } from '#air/render/charts/training-curves.js';
import { bins, matrix, runs, scan } from '../support/chart-data.js';

const CHARTS: { [name: string]: ChartSpec } = {
  training: trainingCurves(runs(3), { x: ['steps', 'time'], title: 'estimators' }),
  one: trainingCurves(runs(1).slice(0, 1)),
  nothing: trainingCurves([{ group: 'a', name: 'a', points: [] }]),
  confusion: confusionChart([{ name: 'a', matrix }]),
  confusions: confusionChart(['a', 'b', 'c', 'd'].map((name) => ({ name, matrix }))),
  calibration: calibrationChart([{ name: 'q(n)', bins }]),
  calibrations: calibrationChart(['q(n)', 'evidence'].map((name) => ({ name, bins }))),
  scan: scanChart(scan),
};

test('the same spec gives the same bytes, whatever was drawn before', async () => {
  const first = new Map<string, string>();
  for (const [name, spec] of Object.entries(CHARTS)) first.set(name, await chartSvg(spec));
  for (const [name, spec] of Object.entries(CHARTS).reverse()) {
    const again = await chartSvg(spec);
    assert.equal(again, first.get(name), name);
    assert.deepEqual(await chartPng(again), await chartPng(again), name);
  }
});

test('a PNG has the size of the chart, at two pixels to one or as asked for', async () => {
  const svg = await chartSvg(CHARTS.confusion);
  const { width, height } = chartSize(svg);
  assert.ok(width > 200 && height > 150, `${width} x ${height}`);
  for (const scale of [1, 2, 3]) {
    const png = PNG.sync.read(Buffer.from(await chartPng(svg, scale)));
    assert.deepEqual([png.width, png.height], [scale * width, scale * height]);
  }
  const png = PNG.sync.read(Buffer.from(await chartPng(svg)));
  assert.deepEqual([png.width, png.height], [2 * width, 2 * height]);
});

test('a chart that is resized keeps its shape and what is in it', async () => {
  const svg = await chartSvg(CHARTS.scan);
  const { width, height } = chartSize(svg);
  const wide = resizeChart(svg, 2 * width);
  assert.deepEqual(chartSize(wide), { width: 2 * width, height: 2 * height });
  const [a, b] = [await chartPng(wide, 1), await chartPng(svg, 2)].map((bytes) => PNG.sync.read(Buffer.from(bytes)));
  assert.deepEqual(a.data, b.data);
});

test('nothing reaches the edge of the picture: no label is cut, on white', async () => {
  for (const [name, spec] of Object.entries(CHARTS)) {
    const { width, height, data } = PNG.sync.read(Buffer.from(await chartPng(await chartSvg(spec), 1)));
    const margin = 4;
    let ink = 0;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const pixel = data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4);
        const isWhite = pixel.every((value) => value === 255);
        if (!isWhite) ink++;
        const isEdge = x < margin || y < margin || x >= width - margin || y >= height - margin;
        assert.ok(isWhite || !isEdge, `${name}: ink at ${x}, ${y} of ${width} x ${height}`);
      }
    }
    assert.ok(ink > 500, `${name}: ${ink} pixels`);
  }
});

test('text is laid out by the widths that the font has', async () => {
  await chartPng(await chartSvg(CHARTS.nothing)); // the rasteriser runs
  const font = { fontBuffers: [await readFont()], defaultFontFamily: 'DejaVu Sans' };
  /** Ink between two bars, so that space around letters counts. */
  const drawn = (text: string): number => {
    const escaped = `|${text}|`.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    const head = '<svg xmlns="http://www.w3.org/2000/svg" width="9999" height="300">';
    const resvg = new Resvg(
      `${head}<text xml:space="preserve" x="50" y="200" font-size="100">${escaped}</text></svg>`,
      { font },
    );
    return resvg.innerBBox()?.width ?? 0;
  };
  const bars = drawn('');
  for (const text of [
    'ELBO of batches (nats per image)',
    '0123456789.,%<>=&',
    'nvil, sums of 32 WMij',
    '~{}^_`@#$!?;:*+/',
  ]) {
    const [found, expected] = [chartTextWidth(text, 100), drawn(text) - bars];
    // Pairs of letters may be moved together: 2 %.
    assert.ok(Math.abs(found / expected - 1) < 0.02, `${text}: ${found}, drawn ${expected}`);
  }
  for (const text of ['≥', 'é', 'ж', '…']) assert.ok(chartTextWidth(text, 100) > 0.7 * (drawn(text) - bars), text);
});
