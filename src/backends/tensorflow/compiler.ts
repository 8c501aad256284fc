/**
 * Compiles functions for TensorFlow: what one does is recorded while it is done op by op, and run as a graph, in one call in place
 * of one per op. What is returned comes of the graph from the first call on, so that it does not depend on how often a function
 * was called before: a run that is resumed goes on to the bit. The second call is recorded again, since of numbers that vary
 * and do not say so nothing is known but that they are others.
 *
 * Where a graph cannot be written or loaded, things go on op by op, as they are without.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {
  type Compilable,
  type Compiler,
  type HostNumbers,
  leavesOf,
  type TensorTree,
  type VaryingNumbers,
  withLeaves,
} from '../../core/ops/compiled.js';
import { tensorOf } from '../../core/ops/tensor-ops.js';
import { AirError } from '../../errors.js';
import type { Graph, TensorflowBackend } from './backend.js';
import { type Node, neededFor, savedModel, TAG } from './graph.js';
import { keyOf, type Recorder, type Recording } from './recorder.js';

/** Graphs that are kept; the one that has not been used for longest makes room. */
const MOST_GRAPHS = 32;

/** A function for given settings and shapes. */
type Variant = {
  /** What it is given at each call, where a recording finds it. */
  numbers: HostNumbers;
  /** What the first call did, until the second has been compared with it. */
  first?: Recording;
  /** The graph, what comes into it beside tensors, and in what structure its outputs are returned. */
  loaded?: { graph: Graph; varying: Recording['varying']; structure: TensorTree };
  isGivenUp: boolean;
};

type AnyFunction = Compilable<object, TensorTree, HostNumbers, TensorTree>;

export class GraphCompiler implements Compiler {
  private readonly backend: TensorflowBackend;
  private readonly recorder: Recorder;
  private readonly folder: string;
  private readonly variants = new WeakMap<object, WeakMap<object, Map<string, Variant>>>();
  /** Those with a graph, the one used last at the end. */
  private readonly inUse = new Set<Variant>();

  /** @param folder where a graph lies for a moment, in a folder of its own */
  constructor(backend: TensorflowBackend, recorder: Recorder, folder = tmpdir()) {
    this.backend = backend;
    this.recorder = recorder;
    this.folder = folder;
  }

  call<S extends object, I extends TensorTree, N extends HostNumbers, O extends TensorTree>(
    run: Compilable<S, I, N, O>,
    settings: S,
    tensors: I,
    numbers: N,
  ): O {
    const leaves = leavesOf(tensors);
    const inputs = leaves.map(({ tensor }) => tensor);
    const variant = this.variantOf(run as unknown as AnyFunction, settings, signatureOf(leaves));
    variant.numbers = numbers;
    if (variant.isGivenUp) return plainly(() => run(settings, tensors, numbers as unknown as VaryingNumbers<N>));
    if (variant.loaded === undefined || variant.first !== undefined) {
      const told = Object.fromEntries(Object.keys(numbers).map((name) => [name, () => variant.numbers[name]]));
      const { result, recording } = this.recorder.record(
        inputs,
        () => plainly(() => run(settings, tensors, told as unknown as VaryingNumbers<N>)),
        (outputs) => leavesOf(outputs).map(({ tensor }) => tensor),
      );
      if (variant.first !== undefined) {
        compare(variant.first, recording);
        delete variant.first;
      } else if (!this.compile(variant, recording, { inputs, result })) return result;
      tf.dispose(leavesOf(result).map(({ tensor }) => tensor));
    }
    return this.replay(variant, inputs) as O;
  }

  private variantOf(run: AnyFunction, settings: object, signature: string): Variant {
    const ofSettings = entryOf(this.variants, run, () => new WeakMap<object, Map<string, Variant>>());
    const bySignature = entryOf(ofSettings, settings, () => new Map<string, Variant>());
    return entryOf(bySignature, signature, (): Variant => ({ numbers: {}, isGivenUp: false }));
  }

  /** @returns whether there is a graph now */
  private compile(
    variant: Variant,
    recording: Recording,
    { inputs, result }: { inputs: readonly tf.Tensor[]; result: TensorTree },
  ): boolean {
    const graph = this.load(recording, inputs);
    variant.isGivenUp = graph === undefined;
    if (graph === undefined) return false;
    variant.first = recording;
    variant.loaded = { graph, varying: recording.varying, structure: result };
    this.inUse.add(variant);
    if (this.inUse.size > MOST_GRAPHS) this.forget([...this.inUse][0]);
    return true;
  }

  /** Loads a graph and tries it. @returns undefined where TensorFlow, or the disk, does not want it */
  private load({ nodes, outputs, varying }: Recording, inputs: readonly tf.Tensor[]): Graph | undefined {
    const needed = neededFor(outputs, nodes);
    const { binding } = this.backend;
    let folder: string | undefined;
    let model: number | undefined;
    try {
      folder = mkdtempSync(join(this.folder, 'air-graph-'));
      writeFileSync(join(folder, 'saved_model.pb'), savedModel(needed, binding));
      model = binding.loadSavedModel(folder, TAG);
      const graph: Graph = {
        model,
        ops: needed.filter(({ kind }) => kind === 'op').length,
        inputNames: needed
          .filter(({ kind }) => kind === 'input')
          .map(({ name }) => `${name}:0`)
          .join(),
        outputNames: outputs.join(),
      };
      tf.dispose(this.run(graph, varying, inputs));
      return graph;
    } catch {
      if (model !== undefined) binding.deleteSavedModel(model);
      return undefined;
    } finally {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    }
  }

  private replay(variant: Variant, inputs: readonly tf.Tensor[]): TensorTree {
    const { graph, varying, structure } = variant.loaded as NonNullable<Variant['loaded']>;
    this.inUse.delete(variant);
    this.inUse.add(variant);
    return withLeaves(structure, this.run(graph, varying, inputs));
  }

  private run(graph: Graph, varying: Recording['varying'], inputs: readonly tf.Tensor[]): tf.Tensor[] {
    const more = varying.map((value) => tensorOf(value()));
    const outputs = this.backend.runGraph(graph, [...inputs, ...more]);
    tf.dispose(more);
    return outputs;
  }

  /** Its next call begins again. */
  private forget(variant: Variant): void {
    this.backend.binding.deleteSavedModel((variant.loaded as NonNullable<Variant['loaded']>).graph.model);
    delete variant.loaded;
    delete variant.first;
    this.inUse.delete(variant);
  }
}

/** In a scope of its own, as what is compiled is run where nothing is recorded. */
function plainly<T extends TensorTree>(run: () => T): T {
  return tf.tidy(() => run() as tf.TensorContainer) as T;
}

/** What it takes for two calls to be of one variant: the same places, types and shapes, and the same tensors twice. */
function signatureOf(leaves: ReturnType<typeof leavesOf>): string {
  const data = leaves.map(({ tensor }) => tensor.dataId);
  return leaves
    .map(({ path, tensor: { dtype, shape, dataId } }) => `${path} ${dtype} [${shape}] ${data.indexOf(dataId)}`)
    .join('\n');
}

/** The entry of a key, made where there is none. */
function entryOf<K, V>(map: { get(key: K): V | undefined; set(key: K, value: V): unknown }, key: K, make: () => V): V {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}

/**
 * That a function did the same twice.
 *
 * @throws AirError 'bug' if it computed with other numbers: one that varies has to come as a tensor, or as `Varying`
 */
function compare(first: Recording, second: Recording): void {
  const [once, again] = [first, second].map(({ nodes, outputs }) => [...nodes.map(described), outputs.join()]);
  const at = once.findIndex((line, i) => line !== again[i]);
  if (at < 0 && once.length === again.length) return;
  const { nodes } = second;
  const name = nodes[at]?.name;
  const user = nodes.find((node) => node.kind === 'op' && node.inputs.some((input) => input.startsWith(`${name}:`)));
  const what = user?.kind === 'op' ? `${name}, which ${user.name} (${user.op}) takes` : (name ?? 'the end');
  throw new AirError('bug', `a compiled function does not do the same twice: see ${what}`);
}

function described(node: Node): string {
  const { name, ...rest } = node;
  return `${name} ${node.kind === 'input' ? JSON.stringify(rest) : keyOf(node)}`;
}
