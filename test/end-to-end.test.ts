/** The whole pipeline on real MNIST, in little: from digits to a score and a picture, as a person would type it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { decodePng } from '#air/formats/png.js';
import { ended } from './support/child.js';
import { freshFolder } from './support/folder.js';

const PIPELINE = `
air() { ${JSON.stringify(process.execPath)} ${JSON.stringify(resolve('bin/air.js'))} "$@"; }
air gen-data --count 6000 -q | air train --preset small --steps 500 --backend wasm -q -o air.safetensors
air gen-data --split test --count 600 --seed 2 -q | air infer air.safetensors --backend wasm -q -o latents.air
air render latents.air --limit 10 -q -o boxes.png
air check air.safetensors latents.air -q
air eval latents.air --json
`;

test('scenes are made, learnt from, explained, drawn and scored', async (t) => {
  const folder = freshFolder(t);
  const child = spawn('bash', ['--norc', '-eu', '-o', 'pipefail', '-c', PIPELINE], { cwd: folder });
  const { code, stdout, stderr } = await ended(child, '');
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');

  const scores = JSON.parse(String(stdout));
  assert.equal(scores.images, 600);
  // a third of the scenes has one object: whoever does not count gets .33, who cannot tell one from two .67
  assert.ok(scores.count_accuracy > 0.85, `count accuracy ${scores.count_accuracy}`);
  assert.ok(scores.mean_iou > 0.4, `boxes ${scores.mean_iou}`);
  const [none] = scores.confusion;
  assert.ok(none[0] > 0.9 * none.reduce((a: number, b: number) => a + b), 'empty scenes are seen to be empty');
  // a blank canvas explains a scene of two digits to about 450 nats, on average over 0, 1 and 2 to no more than 460
  assert.ok(scores.elbo > 520, `ELBO ${scores.elbo}`);

  const picture = await decodePng(readFileSync(join(folder, 'boxes.png')), 'boxes.png');
  assert.ok(picture.width >= 10 * 50 && picture.height >= 2 * 50, `${picture.width} x ${picture.height}`);
  assert.ok(new Set(picture.pixels).size > 50, 'with shades in it');
});
