/** Pictures to make scenes of: the PNGs of a folder or of the folders in it, or one file of images. */
import type { DigitSet } from '../../data/digits.js';
import { areLightAtTheEdge, centreOnSquares, labelsOfNames, type Sprite } from '../../data/sprites.js';
import { AirError } from '../../errors.js';
import { readIdx } from '../../formats/idx.js';
import { readImages } from '../../formats/images.js';
import type { Io } from '../../io/io.js';

type PngFiles = { files: string[]; labels: Uint16Array | undefined };

/** More are refused before they are held: in pixels, and in images, which take some room beside their pixels. */
const MAX_PIXELS = 2 ** 30;
const MAX_IMAGES = 2 ** 22;
/** Folders, each of which is a label. */
const MAX_FOLDERS = 65536;

const isPng = (name: string): boolean => /^[^.].*\.png$/i.test(name);

/**
 * All *.png in a folder, labelled by their names if these say so; if there is none, those of the folders in it, each folder a label,
 * in the order of their names.
 *
 * @param isInverted take 255 - x
 * @throws AirError 'noInput' if there is none; 'badData' if one is no PNG, damaged, or without ink, or they are too many
 */
export async function readSpriteFolder(folder: string, isInverted: boolean, io: Io): Promise<DigitSet> {
  const { files, labels } = await findPngs(folder, io);
  const sprites = await gather(files, { name: folder, isInverted }, io);
  const blank = sprites.findIndex(({ pixels }) => pixels.every((pixel) => pixel === 0));
  if (blank >= 0) {
    const ground = isInverted ? 'white is the background with --invert' : 'black and transparent are the background';
    throw new AirError('badData', `${files[blank]}: there is nothing in this picture: ${ground}`);
  }
  return toSet(sprites, labels, folder, io);
}

/**
 * The images of one file: IDX, .npy, .npz or PNG. Beside IDX images, a file of labels with their name, `labels` for `images`, is
 * read too.
 *
 * @throws AirError 'badData' if it is none of them or damaged, labels do not fit, or there are too many; 'noInput'
 */
export async function readSpriteFile(file: string, isInverted: boolean, io: Io): Promise<DigitSet> {
  const sprites = await gather([file], { name: file, isInverted }, io);
  return toSet(sprites, await labelsBeside(file, sprites.length, io), file, io);
}

async function findPngs(folder: string, io: Io): Promise<PngFiles> {
  const root = folder.replace(/(?<=.)\/+$/, '');
  const inside = (await io.listFolder(root)) ?? [];
  const here = inside.filter(isPng);
  if (here.length > 0) return { files: here.map((name) => `${root}/${name}`), labels: labelsOfNames(here) };
  const files: string[] = [];
  const labels: number[] = [];
  let label = 0;
  for (const name of (await io.listFolders(root)).filter((one) => !one.startsWith('.'))) {
    const pngs = ((await io.listFolder(`${root}/${name}`)) ?? []).filter(isPng);
    if (pngs.length === 0) continue;
    for (const png of pngs) files.push(`${root}/${name}/${png}`);
    labels.push(...pngs.map(() => label));
    label++;
  }
  if (label > MAX_FOLDERS) {
    throw new AirError('badData', `${folder}: ${label} folders of PNGs, expected at most ${MAX_FOLDERS}`);
  }
  if (files.length === 0) {
    throw new AirError(
      'noInput',
      `${folder}: no digits in this folder`,
      "it should hold PNGs, or folders of PNGs, or IDX files named as MNIST's, such as train-images-idx3-ubyte.gz",
    );
  }
  return { files, labels: Uint16Array.from(labels) };
}

/** All images of some files. Says so if colours are taken as grey. */
async function gather(
  files: readonly string[],
  { name, isInverted }: { name: string; isInverted: boolean },
  io: Io,
): Promise<Sprite[]> {
  const sprites: Sprite[] = [];
  let [held, wasColour] = [0, false];
  for (const file of files) {
    const { height, width, isColour, images } = await readImages(io.readBytes(file), file);
    for await (const pixels of images) {
      held += pixels.length;
      if (held > MAX_PIXELS || sprites.length === MAX_IMAGES) {
        const most = `${MAX_PIXELS} pixels and ${MAX_IMAGES} images`;
        throw new AirError('badData', `${name}: more than ${most}, too many to hold`, 'give fewer or smaller ones');
      }
      if (isInverted) for (let p = 0; p < pixels.length; p++) pixels[p] = 255 - pixels[p];
      sprites.push({ height, width, pixels });
    }
    wasColour ||= isColour;
  }
  if (wasColour) io.messages.info(`${name}: colours are taken as grey`);
  return sprites;
}

function toSet(sprites: readonly Sprite[], labels: DigitSet['labels'], name: string, io: Io): DigitSet {
  const set = centreOnSquares(sprites, labels, name);
  if (areLightAtTheEdge(sprites)) {
    io.messages.warn(
      `${name}: most images are light at their corners, but black is the background: --invert turns them round`,
    );
  }
  return set;
}

/** The labels of IDX images in a file named as they are, as the makers of MNIST do; undefined if there is none. */
async function labelsBeside(file: string, count: number, io: Io): Promise<Uint8Array | undefined> {
  const [, folder, name] = /^(.*\/)?([^/]*)$/s.exec(file) ?? [];
  const plain = name.replace(/\.gz$/, '').replace('images', 'labels').replace('idx3', 'idx1');
  if (!name.includes('images')) return undefined;
  for (const beside of [plain, `${plain}.gz`].map((one) => `${folder ?? ''}${one}`)) {
    if (!(await io.exists(beside))) continue;
    const { shape, data } = await readIdx(io.readBytes(beside), beside, 1);
    if (shape[0] === count) return data;
    throw new AirError(
      'badData',
      `${beside}: expected one label for each of the ${count} images of ${file}, got ${shape[0]}`,
    );
  }
  return undefined;
}
