/** Streams: fields of other kinds, lost, doubled and in other encodings, in segments whose checksums are right. */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import type { Box } from '#air/core/latent.js';
import type { Header, LatentRecord, Scene, SceneObject } from '#air/formats/records.js';
import { readStream, StreamWriter } from '#air/formats/stream.js';
import { Scoreboard } from '#air/scores/scoreboard.js';
import { checkScores } from '#air/scores/scores-json.js';
import { chunksOf, concat } from '../../support/samples.js';
import { type Made, NAME, type Reader } from '../cases.js';
import type { Choices } from '../choices.js';
import { packTree } from '../msgpack-bytes.js';
import { pieces } from '../pieces.js';
import { type Tree, treeOf, twisted } from '../trees.js';

export type Segment = { header: Header; records: (Scene | LatentRecord)[] };

function headerOf(c: Choices): Header {
  const canvas: [number, number] = [1 + c.below(4), 1 + c.below(4)];
  const isLatents = c.once(2);
  const where = isLatents && c.once(3) ? { where: { dtype: 'float32' as const, shape: [4] as [number] } } : {};
  const about = isLatents
    ? {
        window: { dtype: 'uint8' as const, shape: [2, 2] as [number, number] },
        what: { dtype: 'float32' as const, shape: [2] as [number] },
        ...where,
      }
    : { seed: c.below(1000), objects: [0, 1, 2] };
  const known = c.once(2) ? { model: { preset: 'small', step: 20 }, provenance: ['air gen-data', 'air infer é'] } : {};
  return {
    air: isLatents ? 'latents' : 'scenes',
    version: 1,
    canvas,
    image: { dtype: 'uint8', shape: canvas },
    ...about,
    ...known,
  };
}

function boxOf(c: Choices): Box {
  return [c.number(), c.number(), Math.abs(c.number()), Math.abs(c.number())];
}

function sceneOf(c: Choices, { image }: Header): Scene {
  const objects = c.list(
    3,
    (): SceneObject => ({ ...(c.once(2) ? { label: c.below(10) } : {}), frame: boxOf(c), ink: boxOf(c) }),
  );
  const truth = c.pick([{ count: objects.length, objects }, { count: objects.length }, {}]);
  return { i: c.pick([c.below(1000), 2 ** 32, 2 ** 40]), image: c.bytes(image.shape[0] * image.shape[1]), ...truth };
}

function floats(c: Choices, size: number): Float32Array {
  return Float32Array.from({ length: size }, () => c.number());
}

function latentOf(c: Choices, header: Header): LatentRecord {
  const steps = c.list(3, () => ({
    box: boxOf(c),
    p: c.below(1001) / 1000,
    where: floats(c, header.where?.shape[0] ?? 3),
    whereScale: floats(c, header.where?.shape[0] ?? 3).map(Math.abs),
    what: floats(c, 2),
    whatScale: floats(c, 2).map(Math.abs),
    ...(c.once(2) ? { window: c.bytes(4) } : {}),
  }));
  const n = c.below(steps.length + 1);
  const q = Array.from({ length: steps.length + 1 }, (_, k) => (k === n ? 1 : 0));
  const drawn = c.once(2) ? { elbo: c.number(), evidence: q.map((one) => Math.log(one)), nEvidence: n } : {};
  const scene = sceneOf(c, header);
  return { ...scene, n, q, ...drawn, steps, ...(c.once(2) ? { reconstruction: scene.image } : {}) };
}

const bytesOf = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** A record as it is on the wire, written out by the format's description. */
function wireOf(record: Scene | LatentRecord): Tree {
  if (!('steps' in record)) return treeOf(record);
  const { nEvidence, steps, ...others } = record;
  const wire = steps.map(({ where, whereScale, what, whatScale, ...rest }) => ({
    ...rest,
    ...{ where: bytesOf(where), where_scale: bytesOf(whereScale), what: bytesOf(what), what_scale: bytesOf(whatScale) },
  }));
  return treeOf({ ...others, n_evidence: nEvidence, steps: wire });
}

function segmentBytes(c: Choices, { header, records }: Segment): Uint8Array {
  const values = [treeOf(header), ...records.map(wireOf)];
  if (c.isLie()) values.splice(c.below(values.length + 1), c.below(2), c.pick(values));
  const body = concat(values.map((value) => packTree(c, twisted(c, value))));
  const end = { end: true, records: c.whole(values.length - 1), crc32: c.whole(crc32(body)) };
  return c.or(concat([body, packTree(c, c.once(2) ? treeOf(end) : twisted(c, treeOf(end)))]), () => body);
}

export function makeStream(c: Choices): Made<Segment[]> {
  const segments = Array.from({ length: 1 + c.below(3) }, (): Segment => {
    const header = headerOf(c);
    const make = header.air === 'scenes' ? sceneOf : latentOf;
    return { header, records: c.list(3, () => make(c, header)) };
  });
  return { bytes: concat(segments.map((segment) => segmentBytes(c, segment))), holds: segments };
}

export async function readSegments(chunks: AsyncIterable<Uint8Array>): Promise<Segment[]> {
  const segments: Segment[] = [];
  for await (const event of readStream(chunks, { name: NAME })) {
    if (event.type === 'header') segments.push({ header: event.header, records: [] });
    else if (event.type === 'record') segments.at(-1)?.records.push(event.record);
  }
  return segments;
}

/** What was read can be written, and is the same when it is read again; and scored, and the scores can be read. */
export async function checkSegments(segments: Segment[]): Promise<void> {
  for (const { header, records } of segments) {
    const writer = new StreamWriter(header);
    const bytes = concat([writer.header(), ...records.map((record) => writer.record(record)), writer.end()]);
    assert.deepEqual(await readSegments(chunksOf(bytes)), [{ header, records }]);
    for (const record of records) if ('steps' in record) checkLatent(record);
  }
  const board = new Scoreboard();
  for (const { records } of segments) for (const record of records) if ('steps' in record) board.add(record);
  const text = JSON.stringify(board.scores);
  assert.ok('scores' in checkScores(JSON.parse(text)), text);
}

function checkLatent({ n, q, steps }: LatentRecord): void {
  assert.ok(n <= steps.length);
  for (const p of [...q, ...steps.map((step) => step.p)])
    assert.ok(p >= -1e-3 && p <= 1 + 1e-3, `a probability of ${p}`);
}

export const stream: Reader<Segment[]> = {
  name: 'stream',
  make: makeStream,
  read: (bytes, c) => readSegments(pieces(bytes, c)),
  check: checkSegments,
  same: assert.deepEqual,
};
