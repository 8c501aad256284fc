/**
 * The questions that a probe learns to answer, after Eslami et al. 2016, section 4.1: what the digits of a scene add up to, and
 * whether they are in ascending order. The paper does not say which order: here it is from left to right, by the middles of the
 * frames, which is a property of the image, whatever the order in which a model finds digits; equal digits do not ascend.
 */
import type { Box } from '../core/latent.js';
import type { TaskName } from './names.js';

/** A digit as it is known: what it shows, and where. */
export type LabelledDigit = { label: number; frame: Box };

/** The class of a scene, from 0. */
export type Task = (digits: readonly LabelledDigit[]) => number;

const middle = ({ frame: [x, , width] }: LabelledDigit): number => x + width / 2;

export const tasks: { readonly [name in TaskName]: Task } = {
  sum: (digits) => digits.reduce((sum, { label }) => sum + label, 0),
  ascending(digits) {
    const labels = [...digits].sort((a, b) => middle(a) - middle(b)).map(({ label }) => label);
    return labels.every((label, i) => i === 0 || label > labels[i - 1]) ? 1 : 0;
  },
};
