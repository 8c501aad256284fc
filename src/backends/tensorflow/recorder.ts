/**
 * Watches what a function has TensorFlow do, while it does it, and writes it down as a graph. All ops, ours and those of tfjs,
 * go through two methods of tfjs-node's backend. A tensor that they are given is
 *
 *   an input        that the function was given, or `varying` made
 *   an output       of an op before, or a reshaped or cloned one: tensors that share their data are one
 *   a constant      otherwise: its numbers, as they are now
 *
 * An op on constants alone is not written down, so that what it computes is a constant too, and an op that was there before
 * with the same inputs is not again.
 */
import type * as tf from '@tensorflow/tfjs';
import { now, type Varying } from '../../core/ops/compiled.js';
import { tensorOf } from '../../core/ops/tensor-ops.js';
import { AirError } from '../../errors.js';
import type { TensorflowBackend } from './backend.js';
import type { Node, OpAttr, Output } from './graph.js';

/** What a function did: its nodes in their order, and which outputs of theirs it returned. */
export type Recording = {
  nodes: Node[];
  outputs: Output[];
  /** Where the numbers come from of the inputs beyond those that it was given. */
  varying: (() => number | readonly number[])[];
};

export class Recorder {
  private readonly backend: TensorflowBackend;
  private open: OpenRecording | undefined;

  constructor(backend: TensorflowBackend) {
    this.backend = backend;
  }

  /** A tensor of numbers of the host; what is recorded asks for them again each time. */
  varying(value: Varying<number> | Varying<readonly number[]>): tf.Tensor {
    const tensor = tensorOf(now<number | readonly number[]>(value));
    if (typeof value === 'function') this.open?.addVarying(tensor, value);
    return tensor;
  }

  /** Runs something with the given inputs, and tells what it did; `outputsOf` are the tensors of what it returned. */
  record<T>(
    inputs: readonly tf.Tensor[],
    run: () => T,
    outputsOf: (result: T) => tf.Tensor[],
  ): { result: T; recording: Recording } {
    if (this.open !== undefined) throw new AirError('bug', 'a compiled function calls another');
    const open = new OpenRecording(this.backend);
    for (const input of inputs) open.addInput(input);
    const release = this.watch(open);
    this.open = open;
    try {
      const result = run();
      return { result, recording: open.close(outputsOf(result)) };
    } finally {
      this.open = undefined;
      release();
    }
  }

  /** @returns what ends it */
  private watch(open: OpenRecording): () => void {
    const { backend } = this;
    const { executeSingleOutput, executeMultipleOutputs, readSync } = backend;
    backend.executeSingleOutput = (op, attrs, inputs) => {
      const output = executeSingleOutput.call(backend, op, attrs, inputs);
      open.addOp(op, attrs, inputs, [output]);
      return output;
    };
    backend.executeMultipleOutputs = (op, attrs, inputs, count) => {
      const outputs = executeMultipleOutputs.call(backend, op, attrs, inputs, count);
      open.addOp(op, attrs, inputs, outputs);
      return outputs;
    };
    backend.readSync = () => {
      throw new AirError('bug', 'a compiled function reads a tensor');
    };
    return () => {
      Object.assign(backend, { executeSingleOutput, executeMultipleOutputs, readSync });
    };
  }
}

type Constant = Extract<Node, { kind: 'constant' }>;
type Op = Extract<Node, { kind: 'op' }>;
type Unnamed<T extends Node> = Omit<T, 'name'>;

/** All that a node is, but for its name. */
export function keyOf(node: Unnamed<Constant> | Unnamed<Op>): string {
  if (node.kind === 'op') return `${node.op} ${JSON.stringify(node.attrs)} ${node.inputs}`;
  const { dtype, shape, values } = node.tensor;
  return `${dtype} [${shape}] ${Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('latin1')}`;
}

class OpenRecording {
  private readonly backend: TensorflowBackend;
  private readonly nodes: Node[] = [];
  private readonly varying: Recording['varying'] = [];
  /** Where data come from. */
  private readonly outputs = new Map<object, Output>();
  /** Of nodes, by all that they are. */
  private readonly names = new Map<string, string>();

  constructor(backend: TensorflowBackend) {
    this.backend = backend;
  }

  addInput({ dataId, dtype, shape }: tf.Tensor): void {
    const name = `input${this.nodes.length}`;
    this.nodes.push({ kind: 'input', name, spec: { dtype: this.backend.getDTypeInteger(dtype), shape } });
    this.outputs.set(dataId, `${name}:0`);
  }

  addVarying(tensor: tf.Tensor, value: Recording['varying'][number]): void {
    this.addInput(tensor);
    this.varying.push(value);
  }

  addOp(op: string, attrs: OpAttr[], inputs: readonly tf.TensorInfo[], results: readonly tf.Tensor[]): void {
    if (inputs.every(({ dataId }) => !this.outputs.has(dataId))) return;
    const sources = inputs.map((input) => this.sourceOf(input));
    const name = this.addOnce({ kind: 'op', op, attrs: [...attrs], inputs: sources });
    results.forEach(({ dataId }, i) => {
      this.outputs.set(dataId, `${name}:${i}`);
    });
  }

  close(results: readonly tf.Tensor[]): Recording {
    return { nodes: this.nodes, varying: this.varying, outputs: results.map((result) => this.resultOf(result)) };
  }

  /** An input that is returned as it is, or a constant, becomes the output of an op: fetching wants no inputs. */
  private resultOf(tensor: tf.Tensor): Output {
    const source = this.sourceOf(tensor);
    if (source.startsWith('op')) return source;
    const { TF_ATTR_TYPE } = this.backend.binding;
    const attrs = [{ name: 'T', type: TF_ATTR_TYPE, value: this.backend.getDTypeInteger(tensor.dtype) }];
    return `${this.addOnce({ kind: 'op', op: 'Identity', attrs, inputs: [source] })}:0`;
  }

  private sourceOf({ dataId }: tf.TensorInfo): Output {
    const known = this.outputs.get(dataId);
    if (known !== undefined) return known;
    const { values, id, shape, dtype } = this.backend.tensorMap.get(dataId);
    const tensor = { dtype, shape, values: (values ?? this.backend.binding.tensorDataSync(id)).slice() };
    const source: Output = `${this.addOnce({ kind: 'constant', tensor })}:0`;
    this.outputs.set(dataId, source);
    return source;
  }

  /** @returns the name of this node, or of one before it that is the same */
  private addOnce(node: Unnamed<Constant> | Unnamed<Op>): string {
    const key = keyOf(node);
    const before = this.names.get(key);
    if (before !== undefined) return before;
    const name = `${node.kind}${this.nodes.length}`;
    this.nodes.push({ ...node, name });
    this.names.set(key, name);
    return name;
  }
}
