/**
 * What a fuzzed file is made of: choices, one after the other. Every choice is a number below another one, and the smaller it is the
 * plainer the file, so that an engine that makes choices smaller makes a failing file plainer.
 */

/** 0 .. n - 1 */
export type Choose = (n: number) => number;

/** Where sizes and counts go wrong: about the powers of two, the limits of this program, and beyond what a number holds. */
const ODD_WHOLES = [
  ...[
    0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 31, 32, 33, 127, 128, 129, 255, 256, 257, 999, 1000, 2047, 2048, 2049, 4095,
    4096,
  ],
  ...[
    32767,
    32768,
    65535,
    65536,
    65537,
    2 ** 20,
    2 ** 24,
    2 ** 24 + 1,
    2 ** 25,
    2 ** 26,
    2 ** 30,
    2 ** 31 - 1,
    2 ** 31,
  ],
  ...[2 ** 32 - 2, 2 ** 32 - 1, 2 ** 32, 2 ** 33, 1e12, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 2 ** 64],
];
/** Not -0: msgpackr writes it as 0, and so it comes back. */
const ODD_NUMBERS = [
  ...[0, 1, -1, 0.5, -0.5, 1.5, 1e-45, 1e-300, -1e-300, 1e30, 3.5e38, 1e300, -1e300, 2 ** 53, -(2 ** 53), 255, 256],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MAX_VALUE, Number.MIN_VALUE],
];
const ODD_TEXTS = [
  ...[
    '',
    ' ',
    'x',
    'true',
    'null',
    'NaN',
    '0',
    '-1',
    '1e999',
    '[]',
    '{}',
    '__proto__',
    'constructor',
    'prototype',
    'toString',
  ],
  ...[
    'hasOwnProperty',
    'length',
    '../../../etc/passwd',
    '/dev/zero',
    'a\nb',
    'a\r\nb',
    '\u001b[2J\u001b[1;1H',
    '\u0000',
    '\u007f',
  ],
  ...[
    '\u0085',
    '\u2028',
    '\u202egnp',
    '\ud800',
    '\udc00x',
    '\ufeff',
    'é',
    '😀',
    '%s%n',
    '<script>',
    "'",
    '"',
    '\\',
    'x'.repeat(300),
  ],
  'y'.repeat(5000),
];

export class Choices {
  /** How many things in the file are not as they should be. */
  lies = 0;
  private readonly choose: Choose;
  /** Whether values come in other encodings than the usual ones. */
  readonly isVaried: boolean;
  /** Of so many things one is a lie; 0: none is. */
  private readonly rarity: number;
  /** How many things are true before the next lie. */
  private gap: number;
  private hasCopies = false;

  constructor(choose: Choose) {
    this.choose = choose;
    this.isVaried = this.once(4);
    this.rarity = this.pick([0, 1000, 300, 80, 20, 4]);
    this.gap = this.nextGap();
  }

  below(n: number): number {
    return n <= 1 ? 0 : this.choose(n);
  }

  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** The first is the plainest. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  /** Once in so many times. */
  once(times: number): boolean {
    return this.below(times) === times - 1;
  }

  list<T>(most: number, make: (k: number) => T): T[] {
    return Array.from({ length: this.below(most + 1) }, (_, k) => make(k));
  }

  /** Whether this is the place for a lie. */
  isLie(): boolean {
    if (this.gap-- > 0) return false;
    this.gap = this.nextGap();
    this.lies++;
    return true;
  }

  /** Chosen once for all the things in between; 0 is the end of lies. */
  private nextGap(): number {
    const gap = this.rarity === 0 ? 0 : this.below(2 * this.rarity + 1);
    return gap === 0 ? Number.POSITIVE_INFINITY : gap - 1;
  }

  /** The truth or, in its place, a lie. */
  or<T>(truth: T, lie: () => T): T {
    return this.isLie() ? lie() : truth;
  }

  /** A whole number, or another one that fits into as many bits. */
  whole(truth: number, bits: 8 | 16 | 32 | 64 = 32): number {
    return this.or(truth, () => {
      const near = this.pick([
        truth + 1,
        truth - 1,
        2 * truth,
        truth + 256,
        undefined,
        undefined,
        undefined,
        undefined,
      ]);
      const other = near ?? this.oddWhole();
      return bits === 64 ? Math.max(0, other) : Math.min(2 ** bits - 1, Math.max(0, other));
    });
  }

  oddWhole(): number {
    return this.once(3) ? this.below(2 ** this.between(1, 31)) : this.pick(ODD_WHOLES);
  }

  oddNumber(): number {
    return this.once(3) ? this.oddWhole() : this.pick(ODD_NUMBERS);
  }

  oddText(): string {
    return this.pick(ODD_TEXTS);
  }

  /** A number as files have them: a few digits, or all that there are. */
  number(): number {
    return this.pick([this.below(1000) / 8, -(1 + this.below(1000)) / 10, this.below(2 ** 30) / 3e7]);
  }

  /** So many copies of something, once in a file: copies of copies would fill the memory. */
  copies(count: number): number {
    const left = this.hasCopies ? 0 : count;
    this.hasCopies = true;
    return left;
  }

  /** Noise, in one choice; zeros at its plainest. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    let state = this.below(2 ** 31);
    if (state === 0) return bytes;
    for (let i = 0; i < length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      bytes[i] = state >>> 11;
    }
    return bytes;
  }
}
