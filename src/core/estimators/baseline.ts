/**
 * Baselines: the return that is expected of each step of a drawn count, before it is drawn. Each is a network of its own,
 * beside guide and model, which it watches without a gradient into them.
 */
import * as tf from '@tensorflow/tfjs';
import type { BaselineName, EstimatorSettings, ModelConfig } from '../config.js';
import { initialState, startOf } from '../guide.js';
import { backThroughView, guideInputs } from '../guide-input.js';
import type { Model } from '../model.js';
import { LinearTape, type MlpPass, mlp, mlpGrad, mlpSpecs, mlpWeightGrad } from '../ops/linear.js';
import { type LstmStep, type LstmStepBack, lstmCell, lstmCellGrad, lstmSpecs, openLstm } from '../ops/lstm.js';
import type { NamedTensors, ParamSpec } from '../ops/weights.js';
import type { Unrolled } from '../unroll.js';
import { wheres } from '../where.js';

export type Baseline = {
  specs(config: ModelConfig): ParamSpec[];
  /** What it expects along a pass; undefined: nothing. */
  expect(model: Model, pass: Unrolled): Expected | undefined;
};

export type Expected = {
  /** [B, N] */
  values: tf.Tensor2D;
  /** Gradients of its weights by name, from those by the values [B, N]. */
  backward(dValues: tf.Tensor2D): NamedTensors;
};

/** Weights of the baseline have names that begin so, as in Pyro's example. */
const PREFIX = 'bl_';
const MLP = `${PREFIX}mlp`;

/** What its LSTM begins with, where initial states are trained. */
const STARTS = ['bl_h_init', 'bl_c_init'];

const none: Baseline = { specs: () => [], expect: () => undefined };

/**
 * A second LSTM, as in Pyro's example: it sees what the guide sees (through an embedding of its own), and the object before.
 * Its output is multiplied by `baselineScalar`, since returns are in the hundreds of nats.
 */
function lstm({ baselineScalar, blPredictNet }: EstimatorSettings): Baseline {
  return {
    specs(config) {
      const { rnnHiddenSize: hidden, zWhere, zWhatSize } = config;
      const input = guideInputs[config.guideInput];
      return [
        ...input.specs(config, PREFIX),
        ...lstmSpecs('bl_rnn', input.size(config) + wheres[zWhere].size + zWhatSize + 1, hidden),
        ...mlpSpecs('bl_predict', hidden, [...blPredictNet, 1]),
        ...(config.initialState === 'trained' ? STARTS : []).map((name) => ({ name, shape: [1, hidden], bound: 0 })),
      ];
    },

    expect(model, { images, steps }) {
      const { config, params } = model;
      const input = guideInputs[config.guideInput];
      const view = input.view(model, images, PREFIX);
      const net = openLstm(params, 'bl_rnn', view.constant);
      const batch = images.shape[0];
      const before = [
        initialState(model, batch),
        ...steps.map(({ where, what, zPres }) => ({ zWhere: where.sample, zWhat: what.sample, zPres })),
      ];
      const canvases = [tf.zeros<tf.Rank.R3>(images.shape), ...steps.map(({ canvas }) => canvas)];
      const [h, c] = STARTS.map((name) => startOf(params, name, [batch, config.rnnHiddenSize]));
      let memory = { h, c };
      const passes: { memory: LstmStep; head: MlpPass }[] = [];
      for (let t = 0; t < steps.length; t++) {
        const seen = view.constant === undefined ? [view.observe(canvases[t])] : [];
        const step = lstmCell(net, [...seen, before[t].zWhere, before[t].zWhat, before[t].zPres], memory);
        memory = step;
        passes.push({ memory: step, head: mlp(params, 'bl_predict', step.h, { hidden: config.activation }) });
      }
      const outputs = passes.map(({ head }) => head.y);
      return {
        values: tf.mul(tf.concat(outputs, 1), baselineScalar) as tf.Tensor2D,
        backward(dValues) {
          const tape = new LinearTape();
          const dOutputs = tf.split(tf.mul(dValues, baselineScalar), steps.length, 1) as tf.Tensor2D[];
          const [dSeen, dPres]: tf.Tensor2D[][] = [[], []];
          const sizes = view.constant === undefined ? [input.size(config)] : [];
          let later: LstmStepBack | undefined;
          for (let t = steps.length - 1; t >= 0; t--) {
            const dh = mlpGrad(params, passes[t].head, dOutputs[t], tape);
            const d = { dhs: later ? [dh, later.dh] : [dh], dc: later?.dc, sizes };
            const back = lstmCellGrad(passes[t].memory, d, tape);
            dSeen.unshift(...back.dParts);
            dPres.unshift(back.dPre);
            later = back;
          }
          backThroughView(view, net, { dSeen, dPres }, tape);
          const { dh, dc } = later as LstmStepBack;
          if (config.initialState !== 'trained') return tape.gradients();
          return { ...tape.gradients(), bl_h_init: tf.sum(dh, 0, true), bl_c_init: tf.sum(dc, 0, true) };
        },
      };
    },
  };
}

/**
 * A perceptron, as in A. Kosiorek's implementation: it sees the image and all latents of the pass at once, and expects the same of
 * every step. Of z_pres it sees the probabilities: were it to see the drawn ones, gradients would be biased.
 */
function perceptron({ baselineScalar, blPredictNet }: EstimatorSettings): Baseline {
  return {
    specs({ canvas, modelSteps, zWhere, zWhatSize }) {
      const inputs = canvas[0] * canvas[1] + modelSteps * (wheres[zWhere].size + zWhatSize + 1);
      return mlpSpecs(MLP, inputs, [...blPredictNet, 1]);
    },

    expect({ config, params }, { images, steps, outcome }) {
      const [batch, modelSteps] = outcome.zPresLogits.shape;
      const latents = steps.flatMap(({ where, what }) => [where.sample, what.sample]);
      const seen = [tf.reshape(images, [batch, -1]), ...latents, tf.sigmoid(outcome.zPresLogits)] as tf.Tensor2D[];
      const pass = mlp(params, MLP, tf.concat(seen, 1), { hidden: config.activation });
      return {
        values: tf.mul(tf.mul(pass.y, tf.ones([1, modelSteps])), baselineScalar) as tf.Tensor2D,
        backward(dValues) {
          const tape = new LinearTape();
          const dOutput = tf.mul(tf.sum(dValues, 1, true), baselineScalar) as tf.Tensor2D;
          mlpWeightGrad(params, pass, dOutput, tape);
          return tape.gradients();
        },
      };
    },
  };
}

const baselines: { readonly [name in BaselineName]: (settings: EstimatorSettings) => Baseline } = {
  lstm,
  mlp: perceptron,
  none: () => none,
};

/** The one that the settings name. */
export function makeBaseline(settings: EstimatorSettings): Baseline {
  return baselines[settings.baseline](settings);
}
