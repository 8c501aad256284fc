/** The parts of a model that its weights belong to, for figures that are told part by part. */
import type { Params } from './ops/weights.js';

/** Parts of a model, by how the names of their weights begin; what begins otherwise is of the last. */
export const MODEL_PARTS = [
  { part: 'encoder', prefix: 'encode.' },
  { part: 'decoder', prefix: 'decode.' },
  { part: 'lstm', prefix: 'rnn.' },
  { part: 'head', prefix: 'predict.' },
  { part: 'embedding', prefix: 'embed' },
  { part: 'start', prefix: '' },
] as const;

export type ModelPart = (typeof MODEL_PARTS)[number]['part'] | 'all';

/** Of each part that a model has, and of all together: the mean over its parameters of their variances, and how many they are. */
export function byPart(
  variances: { readonly [weight: string]: number },
  params: Params,
): { [part in ModelPart]?: { variance: number; parameters: number } } {
  const partOf = (name: string) => MODEL_PARTS.find(({ prefix }) => name.startsWith(prefix))?.part;
  const parts = [...MODEL_PARTS.map(({ part }) => part), 'all'] as const;
  const entries = parts.flatMap((part) => {
    const names = Object.keys(variances).filter((name) => part === 'all' || partOf(name) === part);
    const parameters = names.reduce((sum, name) => sum + params[name].size, 0);
    const total = names.reduce((sum, name) => sum + variances[name], 0);
    return names.length === 0 ? [] : [[part, { variance: total / parameters, parameters }]];
  });
  return Object.fromEntries(entries);
}
