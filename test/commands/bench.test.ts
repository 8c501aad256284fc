/** `air bench` from the command line, in little: what it reports and that its numbers fit together. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

function bench(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const little = ['--preset', 'small', '--repeats', '1', '--warmup', '0', '--backend', 'wasm', '--batch-size', '2,3'];
  return spawnSync(process.execPath, ['bin/air.js', 'bench', ...little, ...args], { encoding: 'utf8' });
}

/** Every number in it, by its path. */
function numbers(value: unknown, path = ''): [path: string, number: number][] {
  if (typeof value === 'number') return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => numbers(inner, `${path}.${key}`));
}

test('as JSON: every figure is there, positive, and agrees with the others', () => {
  const { status, stdout, stderr } = bench('--json', '--steps', '4', '--workers', '1');
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  const figures = JSON.parse(stdout);
  const { training, inference, memory } = figures;
  assert.equal(figures.backend.name, 'wasm');
  assert.equal(figures.preset, 'small');
  for (const [path, number] of numbers(figures)) {
    // What is a difference of two times may come out as nothing, or less, on a busy machine.
    if (/beyond_node|backward|outside|load|profile/.test(path)) assert.ok(Number.isFinite(number), path);
    else assert.ok(number > 0, `${path}: ${number}`);
  }
  const [two, three] = training as { [name: string]: unknown }[];
  assert.deepEqual([two.batch_size, two.sub_batch, two.workers], [2, 2, 1]);
  assert.deepEqual([three.batch_size, three.sub_batch, three.workers], [3, 3, 1]);
  assert.equal(three.kernels, two.kernels);
  assert.equal(three.multiply_adds, 1.5 * Number(two.multiply_adds));
  for (const { step_ms, products_ms, step_per_products, inputs_ms, forward_ms, adam_ms, ...one } of training) {
    assert.equal(step_per_products, step_ms.median / products_ms.median, 'one repeat: the ratio of the medians');
    for (const { low, median, high } of [step_ms, inputs_ms, forward_ms, adam_ms]) {
      assert.ok(low === median && median === high, 'one repeat has no spread');
    }
    const calls = one.profile.reduce((sum: number, use: { calls: number }) => sum + use.calls, 0);
    assert.equal(calls, one.kernels);
  }
  assert.equal(inference.batch_size, 256);
  const passMs = (1000 * inference.batch_size) / inference.pass_images_per_second.median;
  assert.ok(Math.abs(inference.pass_per_products * inference.products_ms.median - passMs) < 1e-6 * passMs);
  assert.ok(inference.infer_images_per_second.median > 0);
  assert.ok(figures.scenes_per_second.median > 0 && figures.startup.help_ms.median > 0);
  assert.ok(figures.peak_rss_bytes >= figures.peak_rss_of_training_bytes);
  assert.equal(memory.at(-1).step, 4);
  for (const { rss_bytes, wasm_heap_bytes } of memory) {
    assert.ok(wasm_heap_bytes < rss_bytes && rss_bytes <= figures.peak_rss_bytes);
  }
});

test('at the weights of a trained model, beside those it would begin with', () => {
  const { status, stdout, stderr } = bench('--json', '--model', 'digits');
  assert.equal(status, 0, stderr);
  const { training, preset, model } = JSON.parse(stdout);
  assert.deepEqual([preset, model], [undefined, 'digits']);
  const [{ step_ms, late, warm_steps, cold_ms }] = training;
  assert.equal(late.per_fresh, late.step_ms.median / step_ms.median);
  assert.deepEqual([warm_steps, cold_ms], [1, undefined], 'without warm-up');
});

test('as a table', () => {
  const { status, stdout, stderr } = bench('-v', '--steps', '2');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^wasm: WebAssembly .*; preset small\n/);
  for (const batch of [2, 3]) {
    assert.match(
      stdout,
      new RegExp(`^training step, batch ${batch}, 1 thread +[\\d.]+ ms +[\\d.]+ \\.\\. [\\d.]+$`, 'm'),
    );
    assert.match(stdout, new RegExp(`^kernels of a step of ${batch}, this thread alone +calls +ms$`, 'm'));
  }
  assert.match(stdout, /^ {2}step \/ products +[\d.]+$/m);
  assert.match(stdout, /^gen-data +\d+ scenes\/s/m);
  assert.match(stdout, /^ *after step +tensors +in tensors +wasm heap +resident$/m);
  assert.ok(stdout.split('\n').every((line) => line.length <= 100));
  assert.match(stderr, /^air bench: making scenes\nair bench: training steps of 2 images\n/);
});

test('a batch size that is none', () => {
  for (const size of ['0', '64,', '1.5', '70000', '']) {
    const { status, stderr } = bench(`--batch-size=${size}`);
    assert.equal(status, 64, stderr);
    assert.match(stderr, /^air bench: --batch-size/);
  }
});
