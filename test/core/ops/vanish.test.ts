/** Gradients that are worth nothing are 0, so that nothing on the way back leaves the normal numbers. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { geometricLogProbs } from '#air/core/count.js';
import { enumeratedElboGradOp } from '#air/core/ops/elbo.js';
import { WORTH_NOTHING } from '#air/core/ops/vanish.js';
import { onEachBackend, read } from '../../support/backends.js';
import { normals } from '../../support/random.js';

onEachBackend(() => {
  it('of counts that are out of the question there is no gradient at all, of others what there was', async () => {
    const B = 40;
    // sure of none, one, two or three objects, more and more so
    const logits = Array.from({ length: B }, (_, b) => {
      const size = 2 + 6 * Math.floor(b / 4);
      return [0, 1, 2].map((t) => (t < b % 4 ? size : -size));
    });
    const given = {
      zPresLogits: tf.tensor2d(logits),
      logLik: tf.tensor2d(normals(4 * B, 300), [B, 4]),
      whereKl: tf.tensor2d(normals(3 * B, 10), [B, 3]),
      whatKl: tf.tensor2d(normals(3 * B, 10), [B, 3]),
      countWeights: undefined,
    };
    const scale = -1 / 64;
    const out = await Promise.all(
      enumeratedElboGradOp(given, { logPrior: geometricLogProbs(1e-6, 3), scale }).map((tensor) => read(tensor)),
    );
    const all = out.flatMap((values) => [...values]);
    assert.deepEqual(
      all.filter((x) => x !== 0 && Math.abs(x) < WORTH_NOTHING),
      [],
    );
    const [, dLogLik] = out;
    let vanished = 0;
    for (const [b, row] of logits.entries()) {
      const p = row.map((logit) => 1 / (1 + Math.exp(-logit)));
      const notP = row.map((logit) => 1 / (1 + Math.exp(logit)));
      const q = [notP[0], p[0] * notP[1], p[0] * p[1] * notP[2], p[0] * p[1] * p[2]];
      for (const [n, each] of q.entries()) {
        const expected = each * scale;
        const actual = dLogLik[4 * b + n];
        if (Math.abs(expected) < WORTH_NOTHING / 2) {
          assert.equal(Math.abs(actual), 0);
          vanished++;
        } else if (Math.abs(expected) > 2 * WORTH_NOTHING) {
          assert.ok(Math.abs(actual / expected - 1) < 1e-4, `${actual}, not ${expected}`);
        }
      }
    }
    assert.ok(vanished > 20, `${vanished} of ${4 * B} vanish`);
  });
});
