/**
 * Some of the weights, or all: whoever has a share of them keeps what the optimiser remembers of them, and moves them. Every
 * number is moved by itself, so that shares of several threads make up the step of one, bit for bit.
 */
import * as tf from '@tensorflow/tfjs';
import { accumulate } from '../core/ops/accumulate.js';
import { compiled } from '../core/ops/compiled.js';
import { type HostTensors, type NamedTensors, named } from '../core/ops/weights.js';
import type { Settings } from './config.js';
import type { Moments, Optimiser } from './optimisers/optimiser.js';
import { optimisers } from './optimisers/optimisers.js';
import type { StepPlan } from './plan.js';
import { type GroupName, weightGroups } from './weight-groups.js';

/** Euclidean norms of a gradient, by group of weights. */
export type Norms = { readonly [group in GroupName]?: number };

/** Squared norms of a gradient, by weight. */
export type Squares = { readonly [name: string]: number };

/** Some tensors by name. */
export function pick(tensors: NamedTensors, names: readonly string[]): NamedTensors {
  return Object.fromEntries(names.map((name) => [name, tensors[name]]));
}

/** Gradients of the parts of a batch, summed in their order. Consumes them. */
export function sumOf(parts: readonly NamedTensors[]): NamedTensors {
  let sum: NamedTensors | undefined;
  for (const part of parts) sum = accumulate(sum, part);
  return sum as NamedTensors;
}

/** In the order of the tensors. */
const squared = compiled((_: object, tensors: NamedTensors) =>
  tf.stack(Object.values(tensors).map((tensor) => tf.sum(tf.square(tensor)))),
);

const NO_SETTINGS = {};

/** The squared norm of each tensor. */
export async function squaresOf(gradients: NamedTensors): Promise<Squares> {
  const names = Object.keys(gradients);
  const squares = squared(NO_SETTINGS, gradients, {});
  const values = await squares.data();
  squares.dispose();
  return Object.fromEntries(names.map((name, i) => [name, values[i]]));
}

/** Norms of groups of weights, of the squares of all of them. */
export function normsOf(settings: Settings, squares: Squares): Norms {
  const norms = weightGroups(settings).map(({ name, specs }) => [
    name,
    Math.sqrt(specs.reduce((sum, spec) => sum + squares[spec.name], 0)),
  ]);
  return Object.fromEntries(norms);
}

export class Share {
  private readonly settings: Settings;
  private readonly groups: readonly { name: GroupName; names: readonly string[] }[];
  private readonly optimiser: Optimiser;
  /** Of each group. */
  private moments: Moments[];

  /** @param weights those that are in it; they stay the caller's */
  constructor(settings: Settings, weights: NamedTensors) {
    this.settings = settings;
    this.groups = weightGroups(settings)
      .map(({ name, specs }) => ({ name, names: specs.map((spec) => spec.name).filter((each) => each in weights) }))
      .filter(({ names }) => names.length > 0);
    this.optimiser = optimisers[settings.training.optimiser];
    this.moments = this.groups.map(({ names }) => this.optimiser.start(pick(weights, names)));
  }

  /** What the optimiser remembers of each. */
  get momentNames(): readonly string[] {
    return this.optimiser.moments;
  }

  /**
   * One step of the optimiser. Consumes weights and gradients: they are disposed, or live on as the result.
   *
   * @param norms of the whole gradient, where it may have to be clipped
   */
  move(given: { weights: NamedTensors; gradients: NamedTensors }, plan: StepPlan, norms: Norms): NamedTensors {
    const { training } = this.settings;
    const next: NamedTensors = {};
    this.moments = this.groups.map(({ name, names }, g) => {
      const norm = norms[name] ?? 0;
      const isLong = training.clipNorm > 0 && norm > training.clipNorm;
      const ofGroup = pick(given.gradients, names);
      const gradients = isLong ? shorten(ofGroup, training.clipNorm / norm) : ofGroup;
      const pace = { step: plan.step, rate: plan.rates[name] };
      const moved = this.optimiser.step(
        { weights: pick(given.weights, names), gradients },
        this.moments[g],
        pace,
        training,
      );
      Object.assign(next, moved.weights);
      return moved.moments;
    });
    return next;
  }

  /** One of the moments, on the host. @param shapes those of the weights */
  async read(moment: string, shapes: NamedTensors): Promise<HostTensors> {
    const host: HostTensors = new Map();
    for (const [g, { names }] of this.groups.entries()) {
      const flat = (await this.moments[g][moment].data()) as Float32Array;
      let start = 0;
      for (const name of names) {
        const { shape, size } = shapes[name];
        host.set(name, { shape, values: flat.slice(start, start + size) });
        start += size;
      }
    }
    return host;
  }

  /** Replaces one of the moments, by that of all weights in it, or more. */
  write(moment: string, values: HostTensors): void {
    for (const [g, { names }] of this.groups.entries()) {
      const flat = new Float32Array(this.moments[g][moment].size);
      let start = 0;
      for (const name of names) {
        const numbers = values.get(name)?.values as Float32Array;
        flat.set(numbers, start);
        start += numbers.length;
      }
      this.moments[g][moment].dispose();
      this.moments[g][moment] = tf.tensor1d(flat);
    }
  }

  dispose(): void {
    tf.dispose(this.moments);
  }
}

/** Gradients times a number; consumes them. */
function shorten(gradients: NamedTensors, factor: number): NamedTensors {
  const names = Object.keys(gradients);
  const shorter = names.map((name) => tf.mul(gradients[name], factor));
  tf.dispose(gradients);
  return named(names, shorter);
}
