/**
 * Same seed and input, same numbers: on every machine, whatever the number of threads, the size of batches and the shards.
 *
 * DIGESTS are of what wasm computed where this was written, on a Xeon with AVX-512 and Node 20. They are of numbers alone: the form of
 * files may change.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { arch, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { decodeSafetensors } from '#air/formats/safetensors.js';
import { airOk, recordsOf } from '../support/air.js';

const DIGESTS = {
  scenes: '525f0339ed163495',
  'weights after 30 steps, enumerate': 'ff7c575be8cb33ae',
  'weights after 30 steps, nvil': 'c78ec86bdfad528f',
  latents: '999892cac246f097',
  'drawn scenes': '29268250e52acef8',
};

const folder = mkdtempSync(join(tmpdir(), 'air-test-'));
const run = (line: string, input?: Uint8Array) => airOk(folder, line, input);
const train = (estimator: string, workers: number, output: string) =>
  run(
    // three parts a step; no sums of images, which a model makes once it counts
    `train scenes.air --preset small --steps 30 --batch-size 66 --warmup 5 --estimator ${estimator} --seed 3 --backend wasm ` +
      `--workers ${workers} -q -o ${output}`,
  );
const INFER = 'infer enumerate-1.safetensors - --mode sample --samples 2 --seed 4 --backend wasm --no-provenance -q';
const latentsOf = (scenes: Uint8Array, options = '') => run(`${INFER} ${options}`.trim(), scenes);
const scenes = () => readFileSync(join(folder, 'scenes.air'));

function checkDigest(what: keyof typeof DIGESTS, text: string | Uint8Array): void {
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 16);
  assert.equal(
    digest,
    DIGESTS[what],
    `${what} differ from those of other machines, here on ${arch()}, ${cpus()[0]?.model}, Node ${process.version}. If nothing that ` +
      'computes was changed, this machine rounds in another way, and the promise that wasm gives the same bytes everywhere is ' +
      'broken: please report it with this line. If something was, it was meant to change numbers, and older models train to others ' +
      'now, which CHANGELOG has to say: put the new digest here',
  );
}

/** Names and numbers of all weights. */
function weightsOf(file: string): Uint8Array {
  const { tensors } = decodeSafetensors(readFileSync(join(folder, file)), file);
  const parts = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.concat(
    parts.flatMap(([name, { data }]) => [
      Buffer.from(name),
      Buffer.from(data.buffer, data.byteOffset, data.byteLength),
    ]),
  );
}

/** Numbers and pixels of all records, as text. */
const numbersOf = async (stream: Uint8Array): Promise<string> => String(await run('view - --images', stream));

before(async () => {
  await run('gen-data --count 150 --seed 1 --no-provenance -q -o scenes.air');
  await train('enumerate', 1, 'enumerate-1.safetensors');
});
after(() => rmSync(folder, { recursive: true }));

describe('on this machine as on others', () => {
  it('are scenes', async () => {
    checkDigest('scenes', await numbersOf(scenes()));
  });

  it('are weights, by one thread, two and three', async () => {
    checkDigest('weights after 30 steps, enumerate', weightsOf('enumerate-1.safetensors'));
    for (const workers of [2, 3]) {
      await train('enumerate', workers, `enumerate-${workers}.safetensors`);
      assert.deepEqual(weightsOf(`enumerate-${workers}.safetensors`), weightsOf('enumerate-1.safetensors'));
    }
    await train('nvil', 2, 'nvil-2.safetensors');
    checkDigest('weights after 30 steps, nvil', weightsOf('nvil-2.safetensors'));
  });

  it('are latents', async () => {
    checkDigest('latents', await numbersOf(await latentsOf(scenes())));
  });

  it('are scenes drawn by a model', async () => {
    const line = 'sample enumerate-1.safetensors --count 20 --objects 2 --seed 5 --backend wasm --no-provenance -q';
    checkDigest('drawn scenes', await numbersOf(await run(line)));
  });
});

describe('the same latents', () => {
  it('come from any number of threads and any size of batches', async () => {
    const whole = await latentsOf(scenes());
    for (const options of ['--workers 1 --batch-size 7', '--workers 3 --batch-size 16']) {
      assert.ok((await latentsOf(scenes(), options)).equals(whole), options);
    }
  });

  it('come from shards, each by itself and joined by cat', async () => {
    const whole = await recordsOf(await latentsOf(scenes()));
    const shards: Buffer[] = [];
    for (const k of [1, 2, 3])
      shards.push(await run(`gen-data --count 150 --seed 1 --shard ${k}/3 --no-provenance -q`));
    const each: Awaited<ReturnType<typeof recordsOf>> = [];
    for (const shard of shards) each.push(...(await recordsOf(await latentsOf(shard))));
    assert.deepEqual(each, whole);
    assert.deepEqual(await recordsOf(await latentsOf(Buffer.concat(shards))), whole);
  });
});

describe('the same scores', () => {
  it('come from any number of threads and any size of batches', async () => {
    const line = 'eval --model enumerate-1.safetensors scenes.air --samples 2 --backend wasm --json -q';
    const whole = String(await run(line));
    assert.equal(String(await run(`${line} --workers 3 --batch-size 16`)), whole);
  });
});
