/** A confusion matrix of counts: a row for each true count, a column for each inferred one, shaded by their share of the row. */
import type { ChartSpec } from '../chart.js';
import { REFERENCE, SEQUENTIAL } from './theme.js';

/** [truth][inferred], images; rows of one length. */
export type Confusion = { name: string; matrix: readonly (readonly number[])[] };

const CELL = 64;

/** @returns a spec for `chartSvg`, with a panel for each matrix; names are left out where there is one matrix */
export function confusionChart(
  matrices: readonly Confusion[],
  { title }: { title?: string | undefined } = {},
): ChartSpec {
  return {
    ...(title === undefined ? {} : { title }),
    columns: 3,
    concat: matrices.map(({ name, matrix }) => ({
      ...(matrices.length > 1 ? { title: name } : {}),
      width: CELL * (matrix[0]?.length ?? 1),
      height: CELL * matrix.length,
      data: { values: cellsOf(matrix) },
      encoding: {
        x: {
          field: 'inferred',
          type: 'ordinal',
          title: 'inferred count',
          axis: { labelAngle: 0, ticks: false, domain: false },
        },
        y: { field: 'truth', type: 'ordinal', title: 'true count', axis: { ticks: false, domain: false } },
      },
      layer: [
        {
          mark: { type: 'rect', stroke: 'white', strokeWidth: 2 },
          encoding: {
            color: {
              field: 'share',
              type: 'quantitative',
              scale: { range: [...SEQUENTIAL], domain: [0, 1] },
              legend: null,
            },
          },
        },
        {
          mark: { type: 'text', fontSize: 14, dy: -7 },
          encoding: { text: { field: 'images', type: 'quantitative', format: ',' }, color: ON_SHADE },
        },
        {
          mark: { type: 'text', fontSize: 11, dy: 11 },
          encoding: { text: { field: 'percent', type: 'nominal' }, color: ON_SHADE },
        },
      ],
    })),
    resolve: { scale: { x: 'independent', y: 'independent' } },
  } as ChartSpec;
}

/** Text that can be read on the cell's shade; of cells without images, hardly there. */
const ON_SHADE = {
  condition: [
    { test: 'datum.images === 0', value: REFERENCE },
    { test: 'datum.share > 0.55', value: 'white' },
  ],
  value: '#222222',
};

function cellsOf(matrix: Confusion['matrix']) {
  return matrix.flatMap((row, truth) => {
    const total = row.reduce((sum, images) => sum + images, 0);
    return row.map((images, inferred) => {
      const share = total === 0 ? 0 : images / total;
      return { truth, inferred, images, share, percent: images === 0 ? '' : percentOf(share) };
    });
  });
}

/** Neither all nor nothing where it is not. */
function percentOf(share: number): string {
  if (share === 1) return '100 %';
  const percent = 100 * share;
  return percent < 0.05 ? '<0.1 %' : percent >= 99.95 ? '>99.9 %' : `${percent.toFixed(1)} %`;
}
