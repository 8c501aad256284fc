/** The example of the README under "As a library" does what the command line does, and prints nothing else. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { encodePng } from '#air/formats/png.js';
import type { LatentRecord } from '#air/formats/records.js';
import { airOk, recordsOf } from './support/air.js';
import { freshFolder } from './support/folder.js';

/** Of the README, or what is meant for it as long as that has none. */
function exampleText(): string {
  const found = /^## As a library$[\s\S]*?^```js\n([\s\S]*?)^```$/m.exec(readFileSync('README.md', 'utf8'));
  return found?.[1] ?? readFileSync('test/support/library-example.mjs', 'utf8');
}

test('the example counts a stream and a PNG as air infer does', async (t) => {
  const folder = freshFolder(t);
  // in the package itself, so that its own name leads to it
  const script = join('.test', 'library-example.run.mjs');
  writeFileSync(script, exampleText());
  await airOk(folder, 'gen-data --count 6 --split test --seed 3 -q -o scenes.air');
  const latents = (await recordsOf(
    await airOk(folder, 'infer digits scenes.air --no-elbo --backend wasm --workers 1 -q'),
  )) as LatentRecord[];
  writeFileSync(join(folder, 'one.png'), encodePng({ width: 50, height: 50, channels: 1, pixels: latents[1].image }));
  const run = (file: string) => promisify(execFile)(process.execPath, [script, join(folder, file)]);
  const expected = latents.map(({ n, q, steps }) => {
    const boxes = steps.slice(0, n).map(({ box }) => `[${box.map(Math.round).join(', ')}]`);
    return `${n} objects, sure to ${q[n].toFixed(3)}: ${boxes.join(' ')}`;
  });
  assert.deepEqual(await run('scenes.air'), { stdout: `${expected.join('\n')}\n`, stderr: '' });
  assert.deepEqual(await run('one.png'), { stdout: `${expected[1]}\n`, stderr: '' });
  assert.ok(new Set(latents.map(({ n }) => n)).size > 1, 'not all of one count');
});

test('a model that was changed, and images of another size, are refused in words', async () => {
  const library = await import('#air/index.js');
  const bytes = readFileSync(library.SHIPPED_MODELS.digits);
  bytes[bytes.length - 1] ^= 1;
  assert.throws(() => library.loadModel(bytes, 'changed'), /^AirError: changed: the digest does not match/);
  bytes[bytes.length - 1] ^= 1;
  await library.startBackend('wasm');
  const model = library.loadModel(bytes);
  const batch = library.joinImages([new Uint8Array(900)]);
  await assert.rejects(
    library.infer(model, batch, [0], { mode: 'mean', samples: 0, seed: 0 }),
    /^AirError: 900 pixels an image, expected 50 x 50$/,
  );
});
