/** The figures of `air variance` in print. */
import type { EstimatorName } from '../../core/config.js';
import type { ModelPart } from '../../core/model-parts.js';
import type { ByPart, Figures } from './measure.js';

const TITLES: { readonly [part in ModelPart]: string } = {
  ...{ encoder: 'encoder', decoder: 'decoder', lstm: 'LSTM', head: 'head', embedding: 'embedding' },
  ...{ start: 'start', all: 'all' },
};

export function varianceTable(all: Figures): string {
  const { images, draws, baselines, parameters } = all;
  const parts = Object.keys(parameters) as ModelPart[];
  const row = (name: string, cell: (part: ModelPart) => string) =>
    name.padEnd(22) + parts.map((part) => cell(part).padStart(11)).join('');
  const titleOf = (name: EstimatorName): string => {
    if (name === 'iwae') return `iwae, K = ${all.iwae_samples}`;
    return baselines[name] === undefined ? name : `${name}, ${baselines[name]}`;
  };
  const rows = (figures: Figures['variance'], text: (value: number) => string) =>
    (Object.entries(figures) as [EstimatorName, ByPart][]).map(([name, ofParts]) =>
      row(titleOf(name), (part) => text(ofParts[part] as number)),
    );
  const { enumerate: _, ...others } = all.times_enumerate;
  return [
    `variance of the gradient per parameter: ${images} images, ${draws} draws`,
    '',
    row('', (part) => TITLES[part]),
    row('parameters', (part) => String(parameters[part])),
    ...rows(all.variance, (value) => value.toExponential(2)),
    '',
    'times that of enumerate',
    ...rows(others, (value) => value.toPrecision(3)),
    '',
  ].join('\n');
}
