/**
 * TensorFlow's own ops by their names, run straight through the binding of tfjs-node: half the cost of an op of tfjs, and
 * some that tfjs does not have. Each method but `addAll`, `whereLess` and `concat` of one tensor is one op of TensorFlow;
 * constants are none. All work on float32 unless said otherwise.
 */
import * as tf from '@tensorflow/tfjs';
import type { Varying } from '../../core/ops/compiled.js';
import type { Operand, TensorOps } from '../../core/ops/tensor-ops.js';
import type { TensorflowBackend } from './backend.js';
import type { OpAttr } from './graph.js';
import type { Recorder } from './recorder.js';

/** Attributes of an op beside the type of its numbers. */
type Attrs = { [name: string]: boolean | string | number };

/** Tensors of any rank; what their axes are, core says where it defines the op. */
type Inputs = { readonly [name: string]: tf.Tensor & { readonly shape: number[] } };

/** Computes the results of an op from its inputs, inside `tidy`. */
export type TensorflowKernel = (ops: TensorflowOps, inputs: Inputs, attrs: tf.NamedAttrMap) => tf.Tensor | tf.Tensor[];

export class TensorflowOps implements TensorOps {
  private readonly backend: TensorflowBackend;
  private readonly recorder: Recorder;
  private readonly floats: OpAttr;

  constructor(backend: TensorflowBackend, recorder: Recorder) {
    this.backend = backend;
    this.recorder = recorder;
    const { TF_ATTR_TYPE, TF_FLOAT } = backend.binding;
    this.floats = { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT };
  }

  /** An op with one output. */
  run(name: string, inputs: readonly Operand[], attrs: Attrs = {}): tf.Tensor {
    const tensors = inputs.map((input) => (typeof input === 'number' ? tf.scalar(input) : input));
    return this.backend.executeSingleOutput(name, this.attributes(attrs), tensors);
  }

  private attributes(attrs: Attrs): OpAttr[] {
    const { TF_ATTR_BOOL, TF_ATTR_STRING, TF_ATTR_FLOAT } = this.backend.binding;
    const typeOf = (value: boolean | string | number) => {
      if (typeof value === 'boolean') return TF_ATTR_BOOL;
      return typeof value === 'string' ? TF_ATTR_STRING : TF_ATTR_FLOAT;
    };
    return [this.floats, ...Object.entries(attrs).map(([name, value]) => ({ name, type: typeOf(value), value }))];
  }

  /** An attribute that names the type of an index tensor: int32. */
  private indices(name: string): OpAttr {
    const { TF_ATTR_TYPE, TF_INT32 } = this.backend.binding;
    return { name, type: TF_ATTR_TYPE, value: TF_INT32 };
  }

  private count(name: string, value: number): OpAttr {
    return { name, type: this.backend.binding.TF_ATTR_INT, value };
  }

  varying = (value: Varying<number> | Varying<readonly number[]>) => this.recorder.varying(value);
  add = (a: Operand, b: Operand) => this.run('AddV2', [a, b]);
  sub = (a: Operand, b: Operand) => this.run('Sub', [a, b]);
  mul = (a: Operand, b: Operand) => this.run('Mul', [a, b]);
  div = (a: Operand, b: Operand) => this.run('RealDiv', [a, b]);
  squaredDifference = (a: Operand, b: Operand) => this.run('SquaredDifference', [a, b]);
  maximum = (a: Operand, b: Operand) => this.run('Maximum', [a, b]);
  neg = (x: tf.Tensor) => this.run('Neg', [x]);
  square = (x: tf.Tensor) => this.run('Square', [x]);
  sqrt = (x: tf.Tensor) => this.run('Sqrt', [x]);
  exp = (x: tf.Tensor) => this.run('Exp', [x]);
  log = (x: tf.Tensor) => this.run('Log', [x]);
  softplus = (x: tf.Tensor) => this.run('Softplus', [x]);
  sigmoid = (x: tf.Tensor) => this.run('Sigmoid', [x]);
  tanh = (x: tf.Tensor) => this.run('Tanh', [x]);
  relu = (x: tf.Tensor) => this.run('Relu', [x]);
  sigmoidGrad = (dy: tf.Tensor, y: tf.Tensor) => this.run('SigmoidGrad', [y, dy]);
  tanhGrad = (dy: tf.Tensor, y: tf.Tensor) => this.run('TanhGrad', [y, dy]);
  reluGrad = (dy: tf.Tensor, y: tf.Tensor) => this.run('ReluGrad', [dy, y]);
  addBias = (x: tf.Tensor, bias: tf.Tensor) => this.run('BiasAdd', [x, bias]);
  biasGrad = (dy: tf.Tensor) => this.run('BiasAddGrad', [dy]);

  whereLess(x: Operand, limit: Operand, a: Operand, b: Operand): tf.Tensor {
    return this.run('SelectV2', [this.run('Less', [x, limit]), a, b]);
  }

  addAll(tensors: readonly tf.Tensor[]): tf.Tensor {
    if (tensors.length === 1) return tensors[0];
    const attrs = [this.floats, this.count('N', tensors.length)];
    return this.backend.executeSingleOutput('AddN', attrs, [...tensors]);
  }

  matMul(a: tf.Tensor, b: tf.Tensor, transposeA = false, transposeB = false): tf.Tensor {
    return this.run('MatMul', [a, b], { transpose_a: transposeA, transpose_b: transposeB });
  }

  sum(x: tf.Tensor, axis: number, keepDims = false): tf.Tensor {
    const attrs = [...this.attributes({ keep_dims: keepDims }), this.indices('Tidx')];
    return this.backend.executeSingleOutput('Sum', attrs, [x, tf.scalar(axis, 'int32')]);
  }

  reshape(x: tf.Tensor, shape: readonly number[]): tf.Tensor {
    if (shape.length === x.rank && shape.every((side, i) => side === x.shape[i])) return x.clone();
    const inputs = [x, tf.tensor1d([...shape], 'int32')];
    return this.backend.executeSingleOutput('Reshape', [this.floats, this.indices('Tshape')], inputs);
  }

  concat(tensors: readonly tf.Tensor[], axis: number): tf.Tensor {
    if (tensors.length === 1) return tensors[0].clone();
    const attrs = [this.floats, this.count('N', tensors.length), this.indices('Tidx')];
    return this.backend.executeSingleOutput('ConcatV2', attrs, [...tensors, tf.scalar(axis, 'int32')]);
  }

  split(x: tf.Tensor, sizes: readonly number[], axis: number): tf.Tensor[] {
    const attrs = [this.floats, this.count('num_split', sizes.length), this.indices('Tlen')];
    const inputs = [x, tf.tensor1d([...sizes], 'int32'), tf.scalar(axis, 'int32')];
    return this.backend.executeMultipleOutputs('SplitV', attrs, inputs, sizes.length);
  }

  /** Zeros around: [before, after] for each axis. */
  pad(x: tf.Tensor, paddings: readonly (readonly [number, number])[]): tf.Tensor {
    const inputs = [x, tf.tensor2d(paddings.flat(), [paddings.length, 2], 'int32')];
    return this.backend.executeSingleOutput('Pad', [this.floats, this.indices('Tpaddings')], inputs);
  }

  slice(x: tf.Tensor, begin: readonly number[], size: readonly number[]): tf.Tensor {
    const inputs = [x, tf.tensor1d([...begin], 'int32'), tf.tensor1d([...size], 'int32')];
    return this.backend.executeSingleOutput('Slice', [this.floats, this.indices('Index')], inputs);
  }
}
