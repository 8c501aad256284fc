/** Sums of the gradients of parts of a batch, all weights in one go. */
import * as tf from '@tensorflow/tfjs';
import { defineOp, listed, numbered } from './op.js';
import { type NamedTensors, named } from './weights.js';

/** sum0, part0, sum1, part1, ... */
const accumulateOp = defineOp<NamedTensors, Record<string, never>, tf.Tensor[]>({
  name: 'AirAccumulate',
  composite: (ops, inputs) => {
    const parts = listed<tf.Tensor>(inputs, 'part');
    return listed<tf.Tensor>(inputs, 'sum').map((sum, i) => ops.add(sum, parts[i]));
  },
});

/** Adds `part` to `sum`, name by name, and consumes both. An undefined sum is nothing yet. */
export function accumulate(sum: NamedTensors | undefined, part: NamedTensors): NamedTensors {
  if (sum === undefined) return part;
  const names = Object.keys(part);
  const sums = names.map((name) => sum[name]);
  const inputs = { ...numbered('sum', sums), ...numbered('part', Object.values(part)) };
  const totals = accumulateOp(inputs, {});
  tf.dispose(Object.values(inputs));
  return named(names, totals);
}
