/** What stands in charts: the numbers that go in, and no others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChartSpec, chartSvg } from '#air/render/chart.js';
import { calibrationChart } from '#air/render/charts/calibration.js';
import { confusionChart } from '#air/render/charts/confusion.js';
import { scanChart } from '#air/render/charts/scan.js';
import { type TrainingRun, trainingCurves } from '#air/render/charts/training-curves.js';
import { bins, matrix, runs, scan } from '../support/chart-data.js';

/** The texts of a chart, in the order of the document. */
async function textsOf(spec: ChartSpec): Promise<string[]> {
  const svg = await chartSvg(spec);
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
}

/** How often a mark of this kind is drawn. */
async function marksOf(spec: ChartSpec, kind: string): Promise<number> {
  const svg = await chartSvg(spec);
  const groups = svg.matchAll(new RegExp(`<g class="mark-${kind} role-mark[^"]*"[^>]*(?<!/)>(.*?)</g>`, 'g'));
  return [...groups].reduce((sum, [, inside]) => sum + (inside.match(/<path /g)?.length ?? 0), 0);
}

test('training curves: a line for each run in each panel, an entry in the legend for each group', async () => {
  const spec = trainingCurves(runs(3), { x: ['steps', 'time'], y: ['elbo', 'accuracy'] });
  assert.equal(await marksOf(spec, 'line'), 2 * 2 * 6);
  const texts = await textsOf(spec);
  assert.equal(texts.filter((text) => text === 'nvil').length, 1);
  assert.equal(texts.filter((text) => text === 'sum over counts').length, 1);
  for (const title of ['training steps', 'training time (s)']) {
    assert.equal(texts.filter((text) => text === title).length, 2, title);
  }
  assert.ok(texts.includes('ELBO of batches (nats per image)') && texts.includes('80 %'));
});

test('training curves: one group needs no legend; time is in the unit that fits', async () => {
  const longer = (factor: number): TrainingRun[] =>
    runs(1)
      .slice(0, 1)
      .map((run) => ({
        ...run,
        points: run.points.map((point) => ({ ...point, seconds: factor * (point.seconds ?? 0) })),
      }));
  assert.ok(!(await textsOf(trainingCurves(longer(1)))).includes('nvil'));
  for (const [factor, unit] of [
    [1, 's'],
    [20, 'min'],
    [1000, 'h'],
  ] as const) {
    const texts = await textsOf(trainingCurves(longer(factor), { x: ['time'] }));
    assert.ok(texts.includes(`training time (${unit})`), `${unit}: ${texts}`);
  }
});

test('training curves: many groups stay apart, by strokes as well', async () => {
  const many = Array.from({ length: 9 }, (_, k) => ({ ...runs(1)[0], group: `group ${k}` }));
  const svg = await chartSvg(trainingCurves(many, { y: ['elbo'] }));
  const looks = [...svg.matchAll(/<path aria-label="[^"]*"[^>]*>/g)].map(
    ([path]) => `${/stroke="([^"]*)"/.exec(path)?.[1]} ${/stroke-dasharray="([^"]*)"/.exec(path)?.[1] ?? ''}`,
  );
  assert.equal(new Set(looks).size, 9, looks.join('; '));
});

test('training curves: first reports far below the others do not flatten them', async () => {
  const [run] = runs(1);
  const plunge = { ...run.points[0], values: { elbo: -90000 } };
  const texts = await textsOf(trainingCurves([{ ...run, points: [plunge, ...run.points.slice(1)] }], { y: ['elbo'] }));
  assert.ok(texts.includes('600') && !texts.some((text) => /^.\d\d,000$/.test(text)), texts.join(' '));
});

test('training curves: what lies below an axis that begins higher is cut off, points on its other edges are not', async () => {
  const points = [0, 600, 605, 610].map((elbo, k) => ({ step: 100 * (k + 1), values: { elbo } }));
  const many = [points, ...Array(9).fill(points.slice(1))].map((some) => ({ group: 'a', name: '', points: some }));
  const panel = { width: 300, height: 200 };
  const svg = await chartSvg(trainingCurves(many, { y: ['elbo'], panel }));
  const clips = [...svg.matchAll(/<clipPath[^>]*><path d="M([-\d]+),([-\d]+)H(\d+)V(\d+)/g)].map(([, ...at]) =>
    at.map(Number),
  );
  assert.ok(clips.length > 0);
  for (const [left, top, right, bottom] of clips) {
    assert.ok(left <= -3 && top <= -3 && right >= panel.width + 3, 'a point of 18 square px has a radius of 2.4');
    assert.equal(bottom, panel.height);
  }
});

test('training curves: an axis has labels where all is one value', async () => {
  const [run] = runs(1);
  const flat = { ...run, points: run.points.map((point) => ({ ...point, values: { accuracy: 0.335 } })) };
  const labels = (await textsOf(trainingCurves([flat], { y: ['accuracy'] }))).filter((text) => text.endsWith(' %'));
  assert.ok(labels.length >= 3, labels.join(', '));
});

test('confusion: images and their share of the row, which is 100 % where all are', async () => {
  const texts = await textsOf(confusionChart([{ name: 'hidden', matrix: [...matrix, [0, 0, 0, 7]] }]));
  for (const [row] of [['3,360'], ['99.7 %'], ['45'], ['1.4 %'], ['7'], ['100 %']]) assert.ok(texts.includes(row), row);
  assert.ok(!texts.includes('hidden'));
  const named = ['one', 'two'].map((name) => ({ name, matrix }));
  assert.ok((await textsOf(confusionChart(named))).includes('two'));
});

test('calibration: a point with its interval for each bin that has images', async () => {
  const spec = calibrationChart([{ name: 'q(n)', bins }]);
  const svg = await chartSvg(spec);
  const label = /aria-label="([^"]*probability[^"]*low[^"]*)"/;
  const rules = [...svg.matchAll(/<line [^>]*aria-label="([^"]*)"/g)].map(([, text]) => text);
  assert.equal(rules.filter((text) => text.includes('high')).length, 7, `${label.exec(svg)?.[1]}`);
});

test('calibration: intervals are those of Wilson', async () => {
  // 8 of 10: 0.4902 to 0.9433, as statsmodels' proportion_confint(8, 10, method='wilson') has it.
  const spec = calibrationChart([
    { name: 'q(n)', bins: [{ from: 0.7, to: 0.8, images: 10, mean_probability: 0.75, accuracy: 0.8 }] },
  ]);
  const [, low, high] = /"low":([\d.]+),"high":([\d.]+)/.exec(JSON.stringify(spec)) ?? [];
  assert.ok(Math.abs(Number(low) - 0.4902) < 1e-4 && Math.abs(Number(high) - 0.9433) < 1e-4, `${low} ${high}`);
});

test('scan: a panel for each step with its objects; what lies beyond the canvas is in no bin', async () => {
  const outside = {
    ...scan,
    centres: [[...scan.centres[0], [-3, 5] as const, [12, 40] as const], ...scan.centres.slice(1)],
  };
  for (const [data, first] of [
    [scan, '3 objects'],
    [outside, '5 objects'],
  ] as const) {
    const spec = scanChart(data);
    const texts = await textsOf(spec);
    for (const text of ['step 1', 'step 2', 'step 3', first, '1 object', '0 objects'])
      assert.ok(texts.includes(text), text);
    // Ten bins along the larger side, 5 px each: the first two centres share one.
    assert.equal(await marksOf(spec, 'rect'), 3);
  }
});
