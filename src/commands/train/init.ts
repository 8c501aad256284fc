/** Beginning with the weights of another model, under another recipe or on other data, in place of the seed's initial values. */

import type { HostTensors } from '../../core/ops/weights.js';
import { AirError } from '../../errors.js';
import type { Io } from '../../io/io.js';
import type { Learner } from '../../train/learner.js';
import { weightGroups } from '../../train/weight-groups.js';
import { readKnownModel } from '../shared/model-file.js';

/** A model to begin with; its digest tells it from others. */
export type Init = { file: string; digest: string; params: HostTensors };

/** @throws AirError as `readModel` */
export async function readInit(file: string, io: Io): Promise<Init> {
  const { checkpoint, digest } = await readKnownModel(file, io);
  return { file, digest, params: checkpoint.params };
}

/**
 * Puts its weights in place of the learner's. What an estimator has beside the model (a baseline) comes along if it is there and
 * fits, and begins anew otherwise.
 *
 * @throws AirError 'badData' if a weight of the model is not there, or of another shape
 */
export async function beginWith(learner: Learner, { file, params }: Init, io: Io): Promise<void> {
  const values = await learner.read('params');
  for (const { name: group, specs } of weightGroups(learner.settings)) {
    const fresh: string[] = [];
    for (const { name, shape } of specs) {
      const found = params.get(name);
      if (found?.shape.join() === shape.join()) {
        values.set(name, found);
      } else if (group === 'model') {
        const got = found ? `[${found.shape}]` : 'nothing';
        throw new AirError(
          'badData',
          `${file}: expected weights ${name} of [${shape}] for this recipe, got ${got}`,
          'give the sizes of its nets, or the --config, that it was trained with',
        );
      } else {
        fresh.push(name);
      }
    }
    if (fresh.length > 0) io.messages.info(`${file}: has no such ${group}, it begins anew`);
  }
  learner.write('params', values);
}
