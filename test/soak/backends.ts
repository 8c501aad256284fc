/**
 * How far backends differ: the same model on the same images, and the same training.
 *
 *   node .test/soak/backends.js [IMAGES] [STEPS]       1000 images, 100 steps
 *
 * Of latents the largest differences to plain wasm, whose bytes are the same on every machine; of training the log-likelihood of the
 * last batch and all weights, relative.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LatentRecord } from '#air/formats/records.js';
import { decodeSafetensors } from '#air/formats/safetensors.js';
import { airOk, jsonLines, recordsOf } from '../support/air.js';
import { inFolder } from './measure.js';
import { SoakReport } from './report.js';

const [IMAGES, STEPS] = [Number(process.argv[2] ?? 1000), Number(process.argv[3] ?? 100)];
const report = new SoakReport('backends', 'How far backends differ', `node .test/soak/backends.js ${IMAGES} ${STEPS}`);

type Difference = { q: number; p: number; elbo: number; box: number; where: number; counts: number };

function difference(one: LatentRecord[], other: LatentRecord[]): Difference {
  const largest: Difference = { q: 0, p: 0, elbo: 0, box: 0, where: 0, counts: 0 };
  const grow = (name: keyof Difference, a: ArrayLike<number>, b: ArrayLike<number>): void => {
    for (let k = 0; k < a.length; k++) largest[name] = Math.max(largest[name], Math.abs(a[k] - b[k]));
  };
  for (const [k, a] of one.entries()) {
    const b = other[k];
    grow('q', a.q, b.q);
    grow('elbo', [(a.elbo as number) / Math.abs(b.elbo as number)], [Math.sign(b.elbo as number)]);
    if (a.n !== b.n) largest.counts++;
    for (const [step, { p, where, box }] of a.steps.entries()) {
      grow('p', [p], [b.steps[step].p]);
      grow('where', where, b.steps[step].where);
      grow('box', box, b.steps[step].box);
    }
  }
  return largest;
}

/** Of all weights together: the length of the difference over that of the weights. */
function weightsApart(one: string, other: string): number {
  const [a, b] = [one, other].map((file) => decodeSafetensors(readFileSync(file), file).tensors);
  let [squares, of] = [0, 0];
  for (const [name, { data }] of a) {
    for (const [k, value] of (data as Float32Array).entries()) {
      squares += (value - Number(b.get(name)?.data[k])) ** 2;
      of += value ** 2;
    }
  }
  return Math.sqrt(squares / of);
}

const short = (value: number): string => (value === 0 ? '0' : value.toExponential(1));

await inFolder(async (folder) => {
  const all = JSON.parse(String(await airOk(folder, 'backends --json'))) as {
    name: string;
    works: boolean;
    detail: string;
  }[];
  const names = ['wasm', ...all.filter(({ name, works }) => works && name !== 'wasm').map(({ name }) => name)];
  for (const { name, works, detail } of all) report.say(`- ${name}: ${works ? '' : 'not here, '}${detail}`);
  await airOk(folder, `gen-data --split test --count ${IMAGES} --seed 2 -q -o test.air`);
  await airOk(folder, 'gen-data --count 5000 --seed 1 -q -o train.air');
  const [latents, trainings]: string[][][] = [[], []];
  let reference: LatentRecord[] = [];
  for (const name of names) {
    const bytes = await airOk(folder, `infer digits test.air --backend ${name} -q`);
    const records = (await recordsOf(bytes)) as LatentRecord[];
    if (name === 'wasm') reference = records;
    const { q, p, elbo, box, where, counts } = difference(records, reference);
    latents.push([name, short(q), short(p), short(elbo), short(box), short(where), String(counts)]);

    const line = `train train.air --preset small --steps ${STEPS} --sum-from 20 --report-every ${STEPS} --seed 1 --backend ${name}`;
    await airOk(folder, `${line} --metrics ${name}.jsonl -q -o ${name}.safetensors`);
    const elboOf = (backend: string): number => Number(jsonLines(join(folder, `${backend}.jsonl`)).at(-1)?.elbo);
    const [mine, theirs] = [elboOf(name), elboOf('wasm')];
    const apart = weightsApart(join(folder, `${name}.safetensors`), join(folder, 'wasm.safetensors'));
    trainings.push([name, mine.toFixed(4), short(Math.abs(mine / theirs - 1)), short(apart)]);
    process.stderr.write(`${latents.at(-1)?.join(' ')}; ${trainings.at(-1)?.join(' ')}\n`);
  }
  const of = `digits, ${IMAGES.toLocaleString('en')} test scenes, largest difference to wasm`;
  report.say('');
  report.table([of, 'q(n)', 'p', 'ELBO, relative', 'box, px', 'z_where', 'other counts'], latents);
  report.table(
    [`--preset small, ${STEPS} steps of one seed`, 'ELBO of the last batch', 'relative to wasm', 'weights, relative'],
    trainings,
  );
  report.end();
});
