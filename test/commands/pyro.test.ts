/**
 * `air import` and `air export` against the class AIR of Pyro's example: it loads what is exported, strictly; what it saves goes
 * in and out unchanged; and with the same weights and latents both say the same. Needs a Python with torch, safetensors and
 * msgpack, named by AIR_TORCH, and without PYRO_AIR (the class is in no package) takes a class that stands in for it, which
 * is held against recorded numbers of Pyro's own first.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { LatentRecord } from '#air/formats/records.js';
import { decodeSafetensors } from '#air/formats/safetensors.js';
import { air, airOk, recordsOf } from '../support/air.js';
import { assertCloseOverall } from '../support/assert-close.js';
import { bitsOf, PYRO } from '../support/state-dict.js';

const python = process.env.AIR_TORCH;
const skip = python === undefined ? 'AIR_TORCH names no Python with PyTorch' : false;
const isPyros = (process.env.PYRO_AIR ?? '') !== '';

const SCENES = 24;
const TOLERANCE = 1e-4;

/** What Python says of latents with the weights of a file. */
type Replayed = {
  q: number[][];
  elbo: number[];
  terms: { [name: string]: number };
  bound: number;
  /** Step by step, [B, 3] and [B, Z]. */
  where_scale: number[][][];
  what_scale: number[][][];
};

type Made = {
  /** How the class is called. */
  call: string;
  /** What `air import` has to be told. */
  told: string;
  canvas: number;
  prior: { kind: 'geometric' | 'trials'; rarity: number };
};

const NETS = 'encoder_net=[24], decoder_net=[24], predict_net=[24], bl_predict_net=[24]';

const MADE: { [name: string]: Made } = {
  'of the recipe that its authors give': {
    call: `AIR(num_steps=3, x_size=50, window_size=12, z_what_size=8, rnn_hidden_size=16, ${NETS}, decoder_output_bias=-2, decoder_output_use_sigmoid=True, scale_prior_sd=0.2)`,
    told: '--decoder-output sigmoid --decoder-output-bias=-2 --z-pres-prior 0.01',
    canvas: 50,
    prior: { kind: 'geometric', rarity: 0.01 },
  },
  'of its bare defaults': {
    call: 'AIR(num_steps=3, x_size=50, window_size=28, z_what_size=50, rnn_hidden_size=32, encoder_net=[200], decoder_net=[200])',
    told: '',
    canvas: 50,
    prior: { kind: 'geometric', rarity: 0.5 },
  },
  'with everything another way': {
    call: 'AIR(num_steps=4, x_size=40, window_size=10, z_what_size=5, rnn_hidden_size=12, encoder_net=[16, 14], decoder_net=[14, 16], predict_net=[11, 9], embed_net=[20, 18], bl_predict_net=[7, 6], non_linearity="Softplus", decoder_output_bias=0.25, baseline_scalar=10, scale_prior_mean=2.5, scale_prior_sd=0.3, pos_prior_mean=0.1, pos_prior_sd=0.7, likelihood_sd=0.5)',
    told: '--model-steps 4 --activation softplus --decoder-output-bias 0.25 --likelihood-sd 0.5 --count-prior trials --z-pres-prior 0.3 --baseline-scalar 10',
    canvas: 40,
    prior: { kind: 'trials', rarity: 0.3 },
  },
};

/** `AIR(a=1, b=[2])` as { a: '1', b: '[2]' }, without the priors, which stand among the weights. */
function argumentsOf(call: string): { [name: string]: string } {
  const pairs = [...call.slice('AIR('.length, -1).matchAll(/(\w+)=(\[[^\]]*\]|[^,]+)/g)];
  return Object.fromEntries(
    pairs.map(([, name, value]) => [name, value]).filter(([name]) => !name.includes('_prior_')),
  );
}

describe(isPyros ? "Pyro's own class" : 'a class that stands in for that of Pyro', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'air-pyro-'));
  after(() => rmSync(folder, { recursive: true }));
  const run = (line: string) => airOk(folder, line);
  const ask = (...args: string[]) => {
    const argv = ['-W', 'ignore', 'test/python/pyro_air.py', ...args];
    return JSON.parse(execFileSync(python as string, argv, { encoding: 'utf8', maxBuffer: 1 << 28 }));
  };
  before(async () => {
    for (const side of [40, 50])
      await run(`gen-data --count ${SCENES} --canvas ${side} --seed 4 -q -o scenes-${side}.air`);
  });

  /**
   * Exports a model, and checks that the class says of latents drawn by air what air says of them.
   *
   * @param made `call` undefined: the class called as the export says
   */
  async function compareNumbers(
    model: string,
    { call: known, canvas, prior }: { call: string | undefined } & Pick<Made, 'canvas' | 'prior'>,
  ): Promise<void> {
    const { stderr, code } = await air(folder, `export ${model} -o out.safetensors`);
    assert.equal(code, 0, String(stderr));
    const call = /AIR\(.*\)$/m.exec(String(stderr))?.[0];
    assert.ok(call, String(stderr));
    if (known !== undefined) assert.deepEqual(argumentsOf(call), { ...argumentsOf(call), ...argumentsOf(known) });
    const scenes = `scenes-${canvas}.air --backend wasm --seed 6 -q`;
    await run(`infer ${model} ${scenes} --mode sample -o latents.air`);
    const seen = (await recordsOf(readFileSync(join(folder, 'latents.air')))) as LatentRecord[];
    const scores = JSON.parse(String(await run(`eval --model ${model} ${scenes} --json`)));
    const [weights, latents] = ['out.safetensors', 'latents.air'].map((name) => join(folder, name));
    const rarity = String(prior.rarity);
    const said: Replayed = ask('replay', known ?? call, weights, latents, '--prior', prior.kind, '--rarity', rarity);

    assert.equal(said.q.length, SCENES);
    for (const [b, { q, elbo, steps }] of seen.entries()) {
      assertCloseOverall(q, said.q[b], TOLERANCE, `q(n) of image ${b}`);
      assertCloseOverall(elbo as number, said.elbo[b], TOLERANCE, `ELBO of image ${b}`);
      for (const [t, { whereScale, whatScale }] of steps.entries()) {
        assertCloseOverall(whereScale, said.where_scale[t][b], TOLERANCE, `scale of z_where ${t} of image ${b}`);
        assertCloseOverall(whatScale, said.what_scale[t][b], TOLERANCE, `scale of z_what ${t} of image ${b}`);
      }
    }
    assert.deepEqual(Object.keys(scores.terms).sort(), [...Object.keys(said.terms), 'bound'].sort());
    for (const [name, value] of Object.entries({ ...said.terms, bound: said.bound })) {
      assertCloseOverall(scores.terms[name], value, TOLERANCE, name);
    }
  }

  it('says what was recorded of Pyro', () => {
    const said = ask('oracle', PYRO.file);
    for (const side of ['guide', 'model']) {
      const sites = [...PYRO.tensors.keys()].filter((name) => name.startsWith(`${side}.log_prob.`));
      assert.ok(sites.length >= 9);
      for (const name of sites) {
        // of a step: z_pres.0 here, z_pres_0 there
        const site = name.slice(`${side}.log_prob.`.length).replace('.', '_');
        assertCloseOverall(said[side][site], PYRO.tensors.get(name)?.data as Float32Array, 1e-5, name, 1);
      }
    }
  });

  for (const [name, made] of Object.entries(MADE)) {
    it(`new weights ${name}: in and out they stay the same, and say the same`, async () => {
      const [before, after] = ['pyro.safetensors', 'out.safetensors'].map((one) => join(folder, one));
      ask('new', made.call, before, '--seed', '5');
      await run(`import pyro.safetensors -q -o m.safetensors ${made.told}`.trim());
      await compareNumbers('m.safetensors', made);
      const [was, is] = [before, after].map((file) => decodeSafetensors(readFileSync(file), file).tensors);
      assert.deepEqual([...is.keys()].sort(), [...was.keys()].sort());
      for (const [tensor, { shape, data }] of was) {
        assert.deepEqual(is.get(tensor)?.shape, shape, tensor);
        assert.deepEqual(bitsOf(is.get(tensor)?.data), bitsOf(data), tensor);
      }
    });
  }

  it('loads what was trained here, and says the same', async () => {
    await run('gen-data --count 500 --seed 8 -q -o train.air');
    const recipe =
      '--preset small --estimator nvil --sum-pairs 0 --steps 60 --warmup 5 --learning-rate 5e-3 --backend wasm';
    for (const [embedding, guess] of [
      ['none', 0.01],
      ['32', 0.2],
    ] as const) {
      const line = `train train.air --guide-input image --embed-net ${embedding} ${recipe} --z-pres-prior ${guess} --anneal-prior none`;
      await run(`${line} -q -o trained-${embedding}.safetensors`);
      await compareNumbers(`trained-${embedding}.safetensors`, {
        call: undefined,
        canvas: 50,
        prior: { kind: 'geometric', rarity: guess },
      });
    }
  });
});
