/** The digits to make scenes of: those that come with the package, another set named as they are, or any pictures. */
import { type DigitSet, HELD_ONE_IN, makeDigitSet, splitByLabel, takeDigits } from '../../data/digits.js';
import type { Split } from '../../data/splits.js';
import { AirError } from '../../errors.js';
import { readIdx } from '../../formats/idx.js';
import type { Io } from '../../io/io.js';
import { readSpriteFile, readSpriteFolder } from './sprite-files.js';

/** Which file of MNIST's two. */
const FILES: { readonly [split in Split]: string } = { train: 'train', valid: 'train', full: 'train', test: 't10k' };

/** What a folder of digits as MNIST's holds. Some unpack them with a dot in place of the second dash. */
const MNIST_FILE = /^(train|t10k)-(images|labels)[-.]idx[13]-ubyte(\.gz)?$/;

export type DigitChoice = {
  split: Split;
  /** The pictures are dark on light: take 255 - x. */
  isInverted?: boolean;
};

/** The folder of the digits that come with the package. */
export function bundledDigits(): string {
  return decodeURIComponent(new URL('../../../fixtures/mnist', import.meta.url).pathname);
}

/**
 * The digits of a split. A folder named as MNIST's has files of its own for `test`, and the last twelfth of the others is `valid`; of
 * all else see `splitByLabel`.
 *
 * @param from  a folder of IDX files named as those of MNIST, of PNGs, or of folders of PNGs; or a file of images
 * @throws AirError if there are none in it, none in the split, or they are damaged
 */
export async function readDigits(from: string, { split, isInverted = false }: DigitChoice, io: Io): Promise<DigitSet> {
  const names = await io.listFolder(from);
  if (names?.some((name) => MNIST_FILE.test(name))) return readMnist(from, { split, isInverted }, io);
  const read = names === undefined ? readSpriteFile : readSpriteFolder;
  const all = await read(from, isInverted, io);
  const digits = splitByLabel(all, split);
  const labels = all.labels === undefined ? 'none' : new Set(all.labels).size;
  const about = `images: ${all.count} (${all.height} x ${all.width} px), labels: ${labels}`;
  io.messages.info(`${from}: ${about}, for --split ${split}: ${digits.count}`);
  if (digits.count > 0) return digits;
  throw new AirError(
    'badData',
    `${from}: --split ${split} has one in ${HELD_ONE_IN} images of a label, here is no label with so many`,
    'give more images, or make other scenes of all of them: --split train with another --seed',
  );
}

async function readMnist(folder: string, { split, isInverted }: Required<DigitChoice>, io: Io): Promise<DigitSet> {
  const read = async (kind: string, idx: string): Promise<Parameters<typeof makeDigitSet>[0]> => {
    const start = `${folder.replace(/\/+$/, '')}/${FILES[split]}-${kind}`;
    const plain = `${start}-${idx}-ubyte`;
    for (const name of [plain, `${plain}.gz`, `${start}.${idx}-ubyte`, `${start}.${idx}-ubyte.gz`]) {
      if (await io.exists(name)) return { name, ...(await readIdx(io.readBytes(name), name, Number(idx.slice(-1)))) };
    }
    throw new AirError(
      'noInput',
      `${plain}: no such file, nor ${plain.slice(plain.lastIndexOf('/') + 1)}.gz`,
      'a folder of digits holds IDX files of images and labels named as those of MNIST',
    );
  };
  const all = makeDigitSet(await read('images', 'idx3'), await read('labels', 'idx1'));
  if (isInverted) all.images = all.images.map((pixel) => 255 - pixel);
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
