/**
 * Scenes with known truth: a few digits, resized and placed at random on an empty canvas. By default this is the
 * procedure of Pyro's multi_mnist.py (n uniform on the allowed counts; s ~ N(1.3, 0.1), side int(28 / s); offsets
 * uniform integers in [0, canvas - side); all redrawn, with the same n, while a summed pixel exceeds 255).
 *
 * Scene i is a function of (seed, i, options, digits) only. Its random numbers, in this order: the count; then for each
 * digit, until a whole scene is accepted: which one, s (again while it does not fit), rows above it, columns left of it.
 * Stratified counts and backgrounds, which come when the digits are in their places, have random numbers of their own: the
 * digits of a scene are the same before every background.
 */
import type { Box } from '../core/latent.js';
import { Draws } from '../core/rng.js';
import { AirError } from '../errors.js';
import { BACKGROUND_DEFAULTS, type Background, type BackgroundSettings } from './background.js';
import type { DigitSet } from './digits.js';
import type { Overlap } from './overlap.js';
import { PAINT_BACKGROUND } from './paint-background.js';
import { Resizer, type Resizes } from './resize.js';
import { stratifiedCount } from './strata.js';

export type SceneOptions = {
  /** Side of the square canvas, px. */
  canvas: number;
  /** The numbers of digits a scene may have, each as likely. */
  objects: readonly number[];
  /** Each as frequent: see strata.ts. */
  isStratified: boolean;
  /** A digit of side d becomes one of side int(d / s), s ~ N(scaleMean, scaleSd^2). */
  scaleMean: number;
  scaleSd: number;
  overlap: Overlap;
  background: Background;
} & BackgroundSettings;

/** What Pyro's AIR example is trained on. */
export const PYRO_SCENES: SceneOptions = {
  canvas: 50,
  objects: [0, 1, 2],
  isStratified: false,
  scaleMean: 1.3,
  scaleSd: 0.1,
  overlap: 'saturate',
  background: 'none',
  ...BACKGROUND_DEFAULTS,
};

/**
 * One digit as it was placed: `frame` is its resized image, `ink` the box of the non-zero pixels (0 x 0 without ink). No label if
 * the digits have none.
 */
export type PlacedDigit = { label?: number; frame: Box; ink: Box };

/** `image` is row-major [canvas, canvas]. */
export type ComposedScene = { i: number; image: Uint8Array; count: number; objects: PlacedDigit[] };

/** So many redraws, and the options are taken to be impossible. */
const MAX_REDRAWS = 100_000;

/** Composes scenes from one set of digits, keeping tables and buffers between scenes. */
export class SceneComposer {
  private readonly digits: DigitSet;
  private readonly options: SceneOptions;
  private readonly resizer: Resizes;

  /**
   * @param resizer of images of the digits' size
   * @throws AirError 'usage' if there is nothing to choose from.
   */
  constructor(digits: DigitSet, options: SceneOptions, resizer: Resizes = new Resizer(digits.height, digits.width)) {
    if (options.objects.length === 0) throw new AirError('usage', 'no number of objects to choose from');
    this.digits = digits;
    this.options = options;
    this.resizer = resizer;
  }

  /**
   * Scene `i`. Its pixels go into `image` [canvas, canvas] if one is lent, whatever is in it; otherwise into a new array.
   * @throws AirError 'usage' if the options ask for what does not fit on the canvas.
   */
  compose(seed: number, i: number, image = new Uint8Array(this.options.canvas ** 2)): ComposedScene {
    const draws = new Draws(seed, 'scenes', i);
    const { objects: counts, isStratified, background } = this.options;
    const count = isStratified ? stratifiedCount(counts, seed, i) : counts[draws.integer(counts.length)];
    for (let redraws = 0; redraws < MAX_REDRAWS; redraws++) {
      image.fill(0);
      const objects: PlacedDigit[] = [];
      while (objects.length < count && this.place(draws, image, objects));
      if (objects.length < count) continue;
      PAINT_BACKGROUND[background](image, this.options.canvas, this.options, new Draws(seed, 'backgrounds', i));
      return { i, image, count, objects };
    }
    const { canvas, overlap } = this.options;
    throw new AirError(
      'usage',
      `scene ${i}: found no room for ${count} objects on a canvas of ${canvas} x ${canvas} in ${MAX_REDRAWS} tries (overlap: ${overlap})`,
      'ask for fewer or smaller objects, a larger canvas, or --overlap any',
    );
  }

  /** Draws one more digit and places it; false if the overlap rule forbids it there. */
  private place(draws: Draws, image: Uint8Array, objects: PlacedDigit[]): boolean {
    const { digits, resizer, options } = this;
    const which = draws.integer(digits.count);
    const side = this.drawSide(draws);
    const room = Math.max(options.canvas - side, 1);
    const top = draws.integer(room);
    const left = draws.integer(room);
    resizer.resize(digits.images, which * digits.height * digits.width, side, side);
    const { ink } = resizer;
    const hasInk = ink.right > ink.left;
    const inkBox: Box = hasInk
      ? [left + ink.left, top + ink.top, ink.right - ink.left, ink.bottom - ink.top]
      : [left, top, 0, 0];
    if (options.overlap === 'boxes' && objects.some((other) => boxesOverlap(other.ink, inkBox))) return false;
    if (!this.addInk(image, left, top, side)) return false;
    const label = digits.labels === undefined ? {} : { label: digits.labels[which] };
    objects.push({ ...label, frame: [left, top, side, side], ink: inkBox });
    return true;
  }

  private drawSide(draws: Draws): number {
    const { canvas, scaleMean, scaleSd } = this.options;
    for (let redraws = 0; redraws < MAX_REDRAWS; redraws++) {
      const side = Math.trunc(this.digits.width / (scaleMean + scaleSd * draws.normal()));
      if (side >= 1 && side <= canvas) return side;
    }
    throw new AirError(
      'usage',
      `a scale of ${scaleMean} +- ${scaleSd} never gives digits that fit on a canvas of ${canvas} x ${canvas}`,
      'digits of side d become int(d / scale) pixels wide: change --scale-mean or --canvas',
    );
  }

  /** Adds the resized digit to the canvas; false, leaving it half added, if the overlap rule forbids it. */
  private addInk(image: Uint8Array, left: number, top: number, side: number): boolean {
    const { pixels, ink } = this.resizer;
    const { canvas, overlap } = this.options;
    const isSumLimited = overlap === 'saturate';
    const isInkExclusive = overlap === 'ink';
    for (let y = ink.top; y < ink.bottom; y++) {
      let from = y * side + ink.left;
      let to = (top + y) * canvas + left + ink.left;
      for (let x = ink.left; x < ink.right; x++, from++, to++) {
        const sum = image[to] + pixels[from];
        if (sum > 255 && isSumLimited) return false;
        if (isInkExclusive && image[to] > 0 && pixels[from] > 0) return false;
        image[to] = Math.min(sum, 255);
      }
    }
    return true;
  }
}

/** Do two boxes share more than an edge? */
function boxesOverlap(a: Box, b: Box): boolean {
  return a[0] < b[0] + b[2] && b[0] < a[0] + a[2] && a[1] < b[1] + b[3] && b[1] < a[1] + a[3];
}
