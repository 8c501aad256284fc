/** The run of an earlier version in fixtures/models, with a finished model and an unfinished state. */
import { copyFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const MODELS = resolve('fixtures/models');

/** As typed for the versions' runs; whatever today's defaults are. */
export const OLDER_OPTIONS =
  '--preset small --steps 300 --batch-size 8 --warmup 20 --anneal-prior-duration 60 --sum-pairs 2 --sum-from 40 --sum-reach 10 ' +
  '--window-size 10 --z-what-size 4 --rnn-hidden-size 12 --embed-net 16 --predict-net 12 --encoder-net 12 --decoder-net 12 ' +
  '--backend wasm --workers 1 --no-provenance --seed 9';

export function copyInto(folder: string, ...names: string[]): void {
  for (const name of names) copyFileSync(join(MODELS, name), join(folder, name));
}
