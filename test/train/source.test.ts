/** Training images: every one of them once per epoch, and the same ones at the same step however one got there. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { splitImages } from '#air/core/images.js';
import { AirError } from '#air/errors.js';
import type { Header, Scene } from '#air/formats/records.js';
import type { StreamEvent } from '#air/formats/stream.js';
import { openSource, type SceneSource } from '#air/train/source.js';

const HEADER: Header = {
  air: 'scenes',
  version: 1,
  canvas: [2, 3],
  image: { dtype: 'uint8', shape: [2, 3] },
  provenance: ['air gen-data --seed 1'],
};

/** Six pixels that spell i. */
function image(i: number): Uint8Array {
  return Uint8Array.from(String(i).padStart(6, '0'), Number);
}

const numberOf = (pixels: Uint8Array) => Number(pixels.join(''));

/** Segments of images, each with a header of its own; tells how far it was read. */
class Stream implements AsyncIterable<StreamEvent<Scene>> {
  recordsRead = 0;
  private readonly segments: { header: Header; images: Iterable<Uint8Array> }[];

  constructor(...segments: { header: Header; images: Iterable<Uint8Array> }[]) {
    this.segments = segments;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StreamEvent<Scene>> {
    let i = 0;
    for (const { header, images } of this.segments) {
      yield { type: 'header', header };
      for (const pixels of images) {
        this.recordsRead++;
        yield { type: 'record', record: { i: i++, image: pixels } };
      }
      yield { type: 'end' };
    }
  }
}

function finite(count: number, header = HEADER): Stream {
  return new Stream({ header, images: Array.from({ length: count }, (_, i) => image(i)) });
}

function endless(header: Header = { ...HEADER, count: 'inf' }): Stream {
  function* images(): Generator<Uint8Array> {
    for (let i = 0; ; i++) yield image(i);
  }
  return new Stream({ header, images: images() });
}

function newHash(): { update(bytes: Uint8Array): void; digest(): string } {
  const hash = createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') };
}

function open(events: AsyncIterable<StreamEvent<Scene>>, changes: { seed?: number; limit?: number } = {}) {
  return openSource(events, { name: 'data.air', seed: 1, newHash, ...changes });
}

/** The numbers of the images of a step. */
async function numbersAt(source: SceneSource, step: number, batchSize: number): Promise<number[]> {
  const batch = await source.batch(step, batchSize);
  assert.equal(batch.size, batchSize);
  return splitImages(batch).map(numberOf);
}

async function firstNumbers(source: SceneSource, steps: number, batchSize: number): Promise<number[]> {
  const all: number[] = [];
  for (let step = 1; step <= steps; step++) all.push(...(await numbersAt(source, step, batchSize)));
  return all;
}

const ascending = (values: number[]) => values.toSorted((a, b) => a - b);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

describe('a finite stream', () => {
  for (const [count, batchSize] of [
    [3, 128],
    [1, 5],
    [10, 4],
    [12, 4],
    [7, 7],
  ]) {
    it(`of ${count} images gives each once per epoch, in batches of ${batchSize}`, async () => {
      const epochs = batchSize * 2; // steps enough that epochs come out whole
      const numbers = await firstNumbers(await open(finite(count)), count * 2, batchSize);
      assert.equal(numbers.length, epochs * count);
      for (let e = 0; e < epochs; e++) {
        assert.deepEqual(ascending(numbers.slice(e * count, (e + 1) * count)), upTo(count), `epoch ${e}`);
      }
    });
  }

  it('is shuffled anew in each epoch, as the seed says', async () => {
    const numbers = await firstNumbers(await open(finite(50)), 3, 50);
    const epochs = [0, 1, 2].map((e) => numbers.slice(50 * e, 50 * (e + 1)).join());
    assert.equal(new Set([...epochs, upTo(50).join()]).size, 4);
    assert.deepEqual(await firstNumbers(await open(finite(50)), 3, 50), numbers);
    assert.notDeepEqual(await firstNumbers(await open(finite(50), { seed: 2 }), 3, 50), numbers);
  });

  it('gives a step the same images when it starts there', async () => {
    const numbers = await firstNumbers(await open(finite(10)), 9, 4);
    for (const step of [2, 5, 9]) {
      assert.deepEqual(await numbersAt(await open(finite(10)), step, 4), numbers.slice(4 * (step - 1), 4 * step));
    }
  });

  it('is told apart by its pixels, not by how it was made', async () => {
    const digestOf = async (stream: Stream) => (await open(stream)).digest;
    const digest = await digestOf(finite(5));
    assert.equal(
      digest,
      createHash('sha256')
        .update(Buffer.concat(upTo(5).map(image)))
        .digest('hex'),
    );
    assert.equal(await digestOf(finite(5, { ...HEADER, provenance: [], seed: 4 })), digest);
    assert.notEqual(await digestOf(finite(6)), digest);
  });

  it('says what it holds', async () => {
    const { canvas, count, provenance } = await open(finite(5));
    assert.deepEqual({ canvas, count, provenance }, { canvas: [2, 3], count: 5, provenance: HEADER.provenance });
    const { provenance: none } = await open(finite(5, { ...HEADER, provenance: undefined }));
    assert.deepEqual(none, []);
  });

  it('may come in segments', async () => {
    const two = new Stream(
      { header: HEADER, images: [image(0), image(1)] },
      { header: { ...HEADER, seed: 2 }, images: [image(2)] },
    );
    assert.deepEqual(ascending(await firstNumbers(await open(two), 1, 3)), [0, 1, 2]);
  });

  it('is cut to its first images if so many are enough', async () => {
    const stream = finite(1000);
    const source = await open(stream, { limit: 4 });
    assert.equal(source.count, 4);
    assert.deepEqual(ascending(await numbersAt(source, 1, 4)), [0, 1, 2, 3]);
    assert.equal(stream.recordsRead, 4, 'and not read further');
  });
});

describe('an endless stream', () => {
  it('gives step t the scenes [(t-1) B, t B)', async () => {
    const source = await open(endless());
    assert.equal(source.count, Number.POSITIVE_INFINITY);
    assert.deepEqual(await firstNumbers(source, 5, 3), upTo(15));
  });

  it('gives a later step the same scenes when it starts there', async () => {
    const source = await open(endless());
    assert.deepEqual(await numbersAt(source, 40, 3), [117, 118, 119]);
    assert.deepEqual(await numbersAt(source, 41, 3), [120, 121, 122]);
  });

  it('is read no further than it is used', async () => {
    const stream = endless();
    const source = await open(stream);
    assert.equal(stream.recordsRead, 0);
    await source.batch(1, 3);
    assert.equal(stream.recordsRead, 3);
  });

  it('is told apart by its header, but for the command lines', async () => {
    const digestOf = async (changes: Partial<Header>) =>
      (await open(endless({ ...HEADER, count: 'inf', ...changes }))).digest;
    const digest = await digestOf({});
    assert.equal(await digestOf({ provenance: ['another'] }), digest);
    assert.notEqual(await digestOf({ seed: 3 }), digest);
  });

  it('that ends is damaged', async () => {
    const stream = finite(4, { ...HEADER, count: 'inf' });
    const source = await open(stream);
    await source.batch(1, 3);
    await assert.rejects(
      source.batch(2, 3),
      (error) =>
        error instanceof AirError && error.kind === 'badData' && /data\.air: .*ended after image 4/.test(error.message),
    );
  });

  it('is finite for who wants its first images only', async () => {
    const source = await open(endless(), { limit: 6 });
    assert.equal(source.count, 6);
    assert.deepEqual(ascending(await firstNumbers(source, 2, 3)), upTo(6));
  });
});

describe('refused', () => {
  const isBadData = (message: RegExp) => (error: unknown) =>
    error instanceof AirError && error.kind === 'badData' && message.test(error.message);

  it('is a stream without images', async () => {
    await assert.rejects(open(new Stream()), isBadData(/^data\.air: no images$/));
    await assert.rejects(open(finite(0)), isBadData(/^data\.air: no images, only a header$/));
  });

  it('are images of different sizes', async () => {
    const mixed = new Stream(
      { header: HEADER, images: [image(0)] },
      { header: { ...HEADER, canvas: [3, 3] }, images: [new Uint8Array(9)] },
    );
    await assert.rejects(open(mixed), isBadData(/^data\.air: images of different sizes: 2 x 3, then 3 x 3 px$/));
  });

  it('is damage, as the stream reports it', async () => {
    async function* damaged(): AsyncGenerator<StreamEvent<Scene>> {
      yield { type: 'header', header: HEADER };
      yield { type: 'record', record: { i: 0, image: image(0) } };
      throw new AirError('badData', 'data.air: input ended inside segment 1');
    }
    await assert.rejects(open(damaged()), isBadData(/input ended inside segment 1/));
  });
});
