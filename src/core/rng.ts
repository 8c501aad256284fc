/**
 * Random numbers as a pure function of where they are used: (seed, stream, a, b) names a sequence, and every sequence
 * can be drawn without drawing any other. So scene i, or the noise of training step t for image j, is the same
 * whatever the batch size, shard, number of workers, or number of interruptions.
 *
 * Philox4x32-10, a counter-based generator: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
 */

/** What a sequence is for. Two streams never share numbers; the ids are part of the reproducibility promise. */
export const STREAMS = {
  scenes: 1,
  initialValues: 2,
  shuffle: 3,
  trainNoise: 4,
  inferNoise: 5,
  prior: 6,
  bench: 7,
  sums: 8,
  counts: 9,
  sumsOfThree: 10,
  backgrounds: 11,
  strata: 12,
  probe: 13,
} as const;

export type StreamName = keyof typeof STREAMS;

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** High 32 bits of the 64-bit product of two unsigned 32-bit integers, as an int32. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) | 0;
}

/** Four random words for a 128-bit counter and a 64-bit key, all uint32. Writes them to `out[0..3]`. */
export function philox4x32(
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
  out: Uint32Array,
): void {
  let [x0, x1, x2, x3, key0, key1] = [c0 | 0, c1 | 0, c2 | 0, c3 | 0, k0 | 0, k1 | 0];
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, x0);
    const low0 = Math.imul(MULTIPLIER_0, x0);
    const high1 = multiplyHigh(MULTIPLIER_1, x2);
    const low1 = Math.imul(MULTIPLIER_1, x2);
    x0 = high1 ^ x1 ^ key0;
    x1 = low1;
    x2 = high0 ^ x3 ^ key1;
    x3 = low0;
    key0 = (key0 + WEYL_0) | 0;
    key1 = (key1 + WEYL_1) | 0;
  }
  out[0] = x0;
  out[1] = x1;
  out[2] = x2;
  out[3] = x3;
}

/** One sequence of draws, named by (seed, stream, a, b). Cheap to make: one per scene, image or parameter. */
export class Draws {
  private readonly words = new Uint32Array(4);
  private readonly seed: number;
  private readonly stream: number;
  private readonly a: number;
  private readonly b: number;
  private block = 0;
  private next = 4;
  private spareNormal: number | undefined;

  /** @param seed any uint32  @param a below 2^53, say a step  @param b uint32, say an index */
  constructor(seed: number, stream: StreamName, a = 0, b = 0) {
    this.seed = seed;
    this.stream = STREAMS[stream];
    this.a = a;
    this.b = b;
  }

  /** Uniform in 0 .. 2^32 - 1. */
  uint32(): number {
    if (this.next === 4) {
      philox4x32(this.block++, this.a, this.b, Math.floor(this.a / 0x100000000), this.seed, this.stream, this.words);
      this.next = 0;
    }
    return this.words[this.next++];
  }

  /** Uniform in [0, 1), a multiple of 2^-32. */
  uniform(): number {
    return this.uint32() / 0x100000000;
  }

  /** Uniform in 0 .. n - 1, without bias (rejection). */
  integer(n: number): number {
    const limit = 0x100000000 - (0x100000000 % n);
    for (;;) {
      const word = this.uint32();
      if (word < limit) return word % n;
    }
  }

  /** Standard normal (Box-Muller; both of a pair are used). */
  normal(): number {
    if (this.spareNormal !== undefined) {
      const spare = this.spareNormal;
      this.spareNormal = undefined;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Fills `out` with standard normals and returns it. */
  fillNormal(out: Float32Array): Float32Array {
    for (let i = 0; i < out.length; i++) out[i] = this.normal();
    return out;
  }

  /** A random permutation of 0 .. n - 1 (Fisher-Yates). */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const kept = order[i];
      order[i] = order[j];
      order[j] = kept;
    }
    return order;
  }
}
