/**
 * The choices of a case as one value of fast-check's: drawn as they are asked for, and made plainer as a list of numbers, whatever they
 * stand for. (fc.gen would do the same for values of many kinds; it looks each of them up in a list of all that there ever were.)
 */
import fc from 'fast-check';
import type { Choose } from './choices.js';

type Tape = {
  /** From the first choice on, which is what it was each time. */
  play(): Choose;
  /** What was chosen, the last time. */
  readonly chosen: readonly number[];
};

/** @param fixed  the first choices; those after them are drawn or, if there is nothing to draw from, 0 */
function tapeOf(fixed: readonly number[], random: fc.Random | undefined): Tape {
  let chosen: number[] = [];
  return {
    play() {
      const rest = random?.clone();
      chosen = [];
      return (n) => {
        const known = chosen.length < fixed.length ? fixed[chosen.length] : undefined;
        const choice = known === undefined ? (rest?.nextInt(0, n - 1) ?? 0) : Math.min(known, n - 1);
        chosen.push(choice);
        return choice;
      };
    },
    get chosen() {
      return chosen;
    },
  };
}

/** Shorter, with parts left out, with smaller numbers: what changes most comes first. Each is less, so that there is an end. */
function* plainer(all: readonly number[]): Generator<number[]> {
  const length = 1 + all.findLastIndex((choice) => choice > 0); // zeros follow anyway
  const chosen = all.slice(0, length);
  for (let lost = length; lost > 0; lost >>= 1) yield chosen.slice(0, length - lost);
  for (let size = length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at + size <= length; at += size) {
      yield chosen.toSpliced(at, size);
      const part = chosen.slice(at, at + size);
      if (part.some((choice) => choice > 0)) yield chosen.toSpliced(at, size, ...part.fill(0));
    }
  }
  for (const [at, choice] of chosen.entries()) {
    for (let less = choice >> 1; less > 0; less >>= 1) yield chosen.with(at, choice - less);
    if (choice > 0) yield chosen.with(at, choice - 1);
  }
}

class Tapes extends fc.Arbitrary<Tape> {
  generate(random: fc.Random): fc.Value<Tape> {
    return new fc.Value(tapeOf([], random.clone()), undefined);
  }

  canShrinkWithoutContext(value: unknown): value is Tape {
    return value !== undefined;
  }

  shrink(tape: Tape): fc.Stream<fc.Value<Tape>> {
    const tapes = (function* () {
      for (const fixed of plainer(tape.chosen)) yield new fc.Value(tapeOf(fixed, undefined), undefined);
    })();
    return fc.stream(tapes);
  }
}

export const TAPES: fc.Arbitrary<Tape> = new Tapes();
