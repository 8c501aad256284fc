/** Images of a file, read as every command reads them that takes images: whatever the format, in chunks of any size. */
import assert from 'node:assert/strict';
import { readImages } from '#air/formats/images.js';
import { NAME, type Reader } from '../cases.js';
import type { Choices } from '../choices.js';
import { pieces } from '../pieces.js';

export type Pictures = { height: number; width: number; count: number; images: Uint8Array[] };

/** The reader of images of one format. Says only what `holds` says: some formats hold more than images. */
export const readPictures: Pick<Reader<Pictures>, 'read' | 'check' | 'same'> = {
  async read(bytes: Uint8Array, c: Choices): Promise<Pictures> {
    const { height, width, count, images } = await readImages(pieces(bytes, c), NAME);
    const held: Uint8Array[] = [];
    for await (const image of images) held.push(image);
    return { height, width, count, images: held };
  },
  check({ height, width, count, images }) {
    assert.equal(images.length, count);
    assert.ok(height >= 1 && height <= 2048 && width >= 1 && width <= 2048, `${height} x ${width}`);
    for (const image of images) assert.equal(image.length, height * width);
  },
  same: assert.deepEqual,
};

/** So many images of this size, one after the other. */
export function picturesOf([count, height, width]: readonly number[], data: Uint8Array): Pictures {
  const size = height * width;
  return {
    height,
    width,
    count,
    images: Array.from({ length: count }, (_, k) => data.slice(k * size, (k + 1) * size)),
  };
}
