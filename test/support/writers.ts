/** The commands that write a file, small; what it reads is made by `prepareWriters`. OUT is the file. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { airOk } from './air.js';

export const WRITERS: { readonly [name: string]: string } = {
  'gen-data': 'gen-data --count 100 -q -o OUT',
  train: 'train scenes.air --preset small --steps 2 -b 8 --backend wasm --workers 1 -q -o OUT',
  infer: 'infer m.safetensors scenes.air --backend wasm --workers 1 -q -o OUT',
  sample: 'sample m.safetensors --count 50 --backend wasm -q -o OUT',
  render: 'render latents.air -q -o OUT.png',
  plot: 'plot calibration latents.air -q -o OUT.svg',
  eval: 'eval latents.air --json -q -o OUT',
  view: 'view latents.air -q -o OUT',
  table: 'table a=scores.json -q -o OUT',
  report: 'report m.safetensors --scenes scenes.air -q -o OUT.html',
  probe:
    'probe sum latents.air latents.air --labels 10 --draws 1 --steps 20 --widths 8 --weight-decays 0 --backend wasm -q -o OUT',
  export: 'export scenes.air -q -o OUT.npz',
};

/** The name that a command writes under. */
export function outputOf(line: string): string {
  return line.split(' ').at(-1) as string;
}

export async function prepareWriters(folder: string): Promise<void> {
  await airOk(folder, 'gen-data --count 60 --seed 1 --split test -q -o scenes.air');
  await airOk(folder, 'train scenes.air --preset small --steps 3 --backend wasm --workers 1 -q -o m.safetensors');
  await airOk(folder, 'infer m.safetensors scenes.air --backend wasm --workers 1 -q -o latents.air');
  writeFileSync(join(folder, 'scores.json'), await airOk(folder, 'eval latents.air --json -q'));
}
