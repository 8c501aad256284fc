/**
 * A reliability diagram: of the images of which a model is so sure, how many does it count right? On the diagonal its probabilities
 * can be taken at their word; below, it is too sure of itself. Under it, how many images there are.
 */
import type { ReliabilityBin } from '../../scores/calibration.js';
import type { ChartSpec } from '../chart.js';
import { groupEncoding } from './groups.js';
import { REFERENCE } from './theme.js';

export type Reliability = { name: string; bins: readonly ReliabilityBin[] };

const SIDE = 340;
/** Standard deviations of an interval that holds 95 %. */
const Z = 1.96;

/** @returns a spec for `chartSvg` */
export function calibrationChart(
  curves: readonly Reliability[],
  { title }: { title?: string | undefined } = {},
): ChartSpec {
  const points = curves.flatMap(({ name, bins }) =>
    bins.flatMap(({ images, mean_probability: probability, accuracy }) => {
      if (probability === null || accuracy === null) return [];
      const [low, high] = wilson(accuracy, images);
      return [{ group: name, probability, accuracy, low, high, images }];
    }),
  );
  const least = Math.min(1, ...points.map(({ probability, accuracy }) => Math.min(probability, accuracy)));
  const from = Math.max(0, Math.floor(10 * least - 0.5) / 10); // no point lies on the axis; intervals may leave the picture
  const domain: [number, number] = [Math.min(from, 0.9), 1];
  const most = Math.max(1, ...points.map(({ images }) => images));
  const decades = Array.from({ length: Math.ceil(Math.log10(most)) + 1 }, (_, k) => 10 ** k);
  const groups = curves.map(({ name }) => name);
  const encoding = groupEncoding(groups, SIDE, 'circle');
  const x = { field: 'probability', type: 'quantitative', scale: { domain, nice: false, zero: false } };
  return {
    ...(title === undefined ? {} : { title }),
    spacing: 16,
    vconcat: [
      {
        width: SIDE,
        height: SIDE,
        layer: [
          {
            data: { values: domain.map((value) => ({ probability: value, accuracy: value })) },
            mark: { type: 'line', color: REFERENCE, strokeDash: [4, 4], strokeWidth: 1 },
            encoding: { x, y: { field: 'accuracy', type: 'quantitative' } },
          },
          {
            data: { values: points },
            mark: { type: 'rule', strokeWidth: 1.2, clip: true },
            encoding: { x, y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' }, ...encoding },
          },
          {
            data: { values: points },
            mark: { type: 'point', size: 45, filled: true, opacity: 1 },
            encoding: {
              x: { ...x, title: null, axis: { labels: false, ticks: false, grid: true } },
              y: {
                field: 'accuracy',
                type: 'quantitative',
                title: 'share counted right, with 95 % intervals',
                scale: { domain, nice: false, zero: false },
              },
              ...encoding,
            },
          },
        ],
      },
      {
        width: SIDE,
        height: 70,
        data: { values: points },
        mark: { type: 'point', filled: true, size: 45, opacity: 1 },
        encoding: {
          x: { ...x, title: 'how sure the model is of the count: its top probability, mean of a bin' },
          y: {
            field: 'images',
            type: 'quantitative',
            title: 'images',
            scale: { type: 'log', domain: [1, Math.max(10, ...decades)] },
            axis: { values: decades, format: '~s' },
          },
          ...encoding,
        },
      },
    ],
  } as ChartSpec;
}

/** Where the true share lies, 95 %, if `share` of so many images were right (Wilson 1927): never beyond 0..1, unlike the plain one. */
function wilson(share: number, images: number): [number, number] {
  const spread = (Z * Math.sqrt((share * (1 - share)) / images + (Z / (2 * images)) ** 2)) / (1 + Z ** 2 / images);
  const middle = (share + Z ** 2 / (2 * images)) / (1 + Z ** 2 / images);
  return [Math.max(0, middle - spread), Math.min(1, middle + spread)];
}
