import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePng } from '#air/formats/png.js';
import { axisTicks, drawPlot, renderPlots } from '#air/render/plot.js';
import { lineColor, RULE } from '#air/render/theme.js';
import { boundsOf, pixelsOf } from './pixels.js';

const texts = (low: number, high: number, count: number): string[] =>
  axisTicks(low, high, count).map(({ text }) => text);

test('ticks are round numbers inside the range', () => {
  assert.deepEqual(texts(0, 1, 5), ['0.0', '0.2', '0.4', '0.6', '0.8', '1.0']);
  assert.deepEqual(texts(0, 1500, 5), ['0', '500', '1000', '1500']);
  assert.deepEqual(texts(-130, 640, 4), ['0', '200', '400', '600']);
  assert.deepEqual(texts(0, 200000, 4), ['0', '50k', '100k', '150k', '200k']);
  assert.deepEqual(texts(0.95, 0.99, 4), ['0.95', '0.96', '0.97', '0.98', '0.99']);
  assert.deepEqual(texts(-1, 1, 2), ['-1', '0', '1']);
});

test('a line goes from corner to corner of its axes', () => {
  const plot = drawPlot({
    title: 'accuracy',
    xLabel: 'step',
    series: [
      {
        name: 'one',
        points: [
          [0, 0],
          [100, 1],
        ],
      },
    ],
  });
  const line = boundsOf(pixelsOf(plot, lineColor(0)));
  const rules = boundsOf(pixelsOf(plot, RULE));
  assert.ok(Math.abs(line.x - rules.x) <= 2 && Math.abs(line.width - rules.width) <= 4);
  assert.ok(Math.abs(line.y - rules.y) <= 2);
});

test('points that are not finite leave a gap, and no data is no failure', () => {
  const points = [0, 1, 2, 3, 4].map((x): [number, number] => [x, x === 2 ? Number.NaN : 1]);
  const options = { title: 'gap', xLabel: 'step', yRange: [0, 2] as const };
  const [whole, gap] = [points.map(([x]): [number, number] => [x, 1]), points].map((own) => {
    const plot = drawPlot({ ...options, series: [{ name: 'a', points: own }] });
    return pixelsOf(plot, lineColor(0)).length;
  });
  assert.ok(gap > 0.4 * whole && gap < 0.6 * whole, `${gap} of ${whole}`);
  assert.equal(pixelsOf(drawPlot({ ...options, series: [] }), lineColor(0)).length, 0);
});

test('several plots make one picture, one below the other', async () => {
  const plot = { title: 'a', xLabel: 'step', series: [], width: 300, height: 120 };
  const { width, height } = await decodePng(renderPlots([plot, { ...plot, width: 200 }, plot]), 'test');
  assert.deepEqual([width, height], [300, 360]);
});
