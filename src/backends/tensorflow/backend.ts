/** What is used of tfjs-node's backend, and of the binding below it. */
import type * as tf from '@tensorflow/tfjs';
import type { AttrTypes, HostTensor, OpAttr } from './graph.js';

/** What the binding says of a tensor that it made. */
export type TensorMetadata = { id: number; shape: number[]; dtype: number };

export type Binding = AttrTypes & {
  TF_FLOAT: number;
  TF_INT32: number;
  tensorDataSync(id: number): HostTensor['values'];
  /** Loads the graph of a SavedModel with variables or without. @returns its number */
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(model: number): void;
  /** Names are those of outputs of nodes, NAME:0, joined by commas. */
  runSavedModel(model: number, inputs: readonly number[], inputNames: string, outputNames: string): TensorMetadata[];
};

/** A graph that TensorFlow has loaded. */
export type Graph = {
  model: number;
  /** Ops in it, beside inputs and constants. */
  ops: number;
  /** Outputs of nodes, NAME:0, joined by commas. */
  inputNames: string;
  outputNames: string;
};

export type TensorflowBackend = tf.KernelBackend & {
  binding: Binding;
  /** What holds the data of tensors: numbers of the host that no op has asked for yet, or the number of a tensor. */
  tensorMap: { get(data: object): { values: HostTensor['values'] | null; id: number; shape: number[]; dtype: number } };
  getDTypeInteger(dtype: tf.DataType): number;
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  createOutputTensor(metadata: TensorMetadata): tf.Tensor;
  executeSingleOutput(name: string, attrs: OpAttr[], inputs: readonly tf.TensorInfo[]): tf.Tensor;
  executeMultipleOutputs(name: string, attrs: OpAttr[], inputs: readonly tf.TensorInfo[], count: number): tf.Tensor[];
  /** Ours: runs a whole graph in one call. The caller disposes what it returns. */
  runGraph(graph: Graph, inputs: readonly tf.TensorInfo[]): tf.Tensor[];
};
