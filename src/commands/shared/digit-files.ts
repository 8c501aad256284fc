/** Digits from the IDX files of a folder: those that come with the package, or others named as they are. */
import { type DigitSet, HELD_ONE_IN, makeDigitSet, takeDigits } from '../../data/digits.js';
import type { Split } from '../../data/splits.js';
import { AirError } from '../../errors.js';
import { decodeIdx } from '../../formats/idx.js';
import type { Io } from '../../io/io.js';

/** Which file of MNIST's two. */
const FILES: { readonly [split in Split]: string } = { train: 'train', valid: 'train', full: 'train', test: 't10k' };

/** The folder of the digits that come with the package. */
export function bundledDigits(): string {
  return decodeURIComponent(new URL('../../../fixtures/mnist', import.meta.url).pathname);
}

/** @throws AirError if the folder holds no digits, or they are damaged */
export async function readDigits(folder: string, split: Split, io: Io): Promise<DigitSet> {
  const read = async (kind: string, rank: number): Promise<Parameters<typeof makeDigitSet>[0]> => {
    const plain = `${folder.replace(/\/+$/, '')}/${FILES[split]}-${kind}-ubyte`;
    for (const name of [plain, `${plain}.gz`]) {
      if (await io.exists(name)) return { name, ...decodeIdx(await io.readFile(name), name, rank) };
    }
    throw new AirError(
      'noInput',
      `${plain}: no such file, nor ${plain.slice(plain.lastIndexOf('/') + 1)}.gz`,
      'a folder of digits holds IDX files of images and labels named as those of MNIST',
    );
  };
  const all = makeDigitSet(await read('images-idx3', 3), await read('labels-idx1', 1));
  const held = Math.floor(all.count / HELD_ONE_IN);
  if (split === 'train') return takeDigits(all, 0, all.count - held);
  if (split !== 'valid') return all;
  if (held > 0) return takeDigits(all, all.count - held, all.count);
  throw new AirError(
    'badData',
    `${folder}: --split valid holds out one training digit in ${HELD_ONE_IN}, here are ${all.count}`,
    'give more digits, or another --split',
  );
}
