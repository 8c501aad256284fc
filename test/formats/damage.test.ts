/** Files that were cut or changed on their way, one by one, through what commands read them with. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readScenes } from '#air/formats/scenes.js';
import { readStream } from '#air/formats/stream.js';
import { readInput } from '#air/io/input.js';
import { freshFolder } from '../support/folder.js';
import {
  chunksOf,
  concat,
  drain,
  LATENTS,
  SCENES,
  sampleLatents,
  sampleScenes,
  segmentPieces,
} from '../support/samples.js';

const scenes = segmentPieces(SCENES, sampleScenes());
const latents = segmentPieces(LATENTS, sampleLatents());
/** A name, the events one after the other, and how they are read. */
const STREAMS = [
  ['scenes', scenes, readScenes],
  [
    'latents',
    latents,
    (chunks: AsyncIterable<Uint8Array>, name: string) => readStream(chunks, { name, expect: 'latents' }),
  ],
  [
    'segments of both',
    [...scenes, ...latents],
    (chunks: AsyncIterable<Uint8Array>, name: string) => readStream(chunks, { name }),
  ],
] as const;

/** Every cut, and every bit flipped. */
function* damages(whole: Uint8Array): Generator<{ what: string; bytes: Uint8Array; kept: number }> {
  for (let kept = 0; kept < whole.length; kept++) yield { what: `${kept} bytes`, bytes: whole.subarray(0, kept), kept };
  for (let bit = 0; bit < 8 * whole.length; bit++) {
    const bytes = Uint8Array.from(whole);
    bytes[bit >> 3] ^= 1 << (bit & 7);
    yield { what: `bit ${bit & 7} of byte ${bit >> 3}`, bytes, kept: bit >> 3 };
  }
}

for (const [name, pieces, read] of STREAMS) {
  const whole = concat(pieces);
  const ends = pieces.map((_, k) => concat(pieces.slice(0, k + 1)).length);
  const outcome = (bytes: Uint8Array) => drain<unknown>(read(chunksOf(bytes), 'some.air'));

  test(`${name}: cut or with a bit flipped, what is whole before that is passed on and the rest refused`, async () => {
    const { got: all, error: none } = await outcome(whole);
    assert.deepEqual([all.length, none], [pieces.length, undefined]);
    for (const { what, bytes, kept } of damages(whole)) {
      // a cut behind a segment leaves whole segments: that is what makes `cat` of streams a stream
      if (bytes.length < whole.length && ends.includes(kept) && isEnd(all[ends.indexOf(kept)])) continue;
      const { got, error } = await outcome(bytes);
      assert.ok(error?.message.startsWith('some.air: '), what);
      const before = ends.filter((end) => end <= kept).length;
      assert.deepEqual(got.slice(0, before), all.slice(0, before), what);
    }
  });
}

function isEnd(event: unknown): boolean {
  return (event as { type: string }).type === 'end';
}

test('compressed: cut or with a bit flipped, it is refused, or is what it was', async (t) => {
  const file = join(freshFolder(t), 'some.air.gz');
  const [, pieces] = STREAMS[2];
  const packed = gzipSync(concat(pieces));
  const outcome = (bytes: Uint8Array) => {
    writeFileSync(file, bytes);
    return drain<unknown>(readStream(readInput(file), { name: file }));
  };
  const { got: all } = await outcome(packed);
  assert.equal(all.length, pieces.length);
  let accepted = 0;
  for (const { what, bytes } of damages(packed)) {
    const { got, error } = await outcome(bytes);
    if (error !== undefined) continue;
    assert.equal(bytes.length, packed.length, what);
    assert.deepEqual(got, all, what);
    accepted++;
  }
  // of the header: when it was packed, how well, on which system, whether it is text; and what fills the last byte of the data
  assert.ok(accepted <= 6 * 8 + 8, `${accepted} flipped bits`);
});
