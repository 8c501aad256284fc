/** Digits from the IDX files of a folder: those that come with the package, or others named as they are. */
import { type DigitSet, makeDigitSet } from '../../data/digits.js';
import { AirError } from '../../errors.js';
import { decodeIdx } from '../../formats/idx.js';
import type { Io } from '../../io/io.js';

const SPLIT_FILES = { train: 'train', test: 't10k' } as const;

/** The folder of the digits that come with the package. */
export function bundledDigits(): string {
  return decodeURIComponent(new URL('../../../fixtures/mnist', import.meta.url).pathname);
}

/** @throws AirError if the folder holds no digits, or they are damaged */
export async function readDigits(folder: string, split: keyof typeof SPLIT_FILES, io: Io): Promise<DigitSet> {
  const read = async (kind: string, rank: number): Promise<Parameters<typeof makeDigitSet>[0]> => {
    const plain = `${folder.replace(/\/+$/, '')}/${SPLIT_FILES[split]}-${kind}-ubyte`;
    for (const name of [plain, `${plain}.gz`]) {
      if (await io.exists(name)) return { name, ...decodeIdx(await io.readFile(name), name, rank) };
    }
    throw new AirError(
      'noInput',
      `${plain}: no such file, nor ${plain.slice(plain.lastIndexOf('/') + 1)}.gz`,
      'a folder of digits holds IDX files of images and labels named as those of MNIST',
    );
  };
  return makeDigitSet(await read('images-idx3', 3), await read('labels-idx1', 1));
}
