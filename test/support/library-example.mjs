import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { infer, joinImages, loadModel, readScenes, SHIPPED_MODELS, startBackend } from 'air';

await startBackend('wasm'); // as --backend
const model = loadModel(await readFile(SHIPPED_MODELS.digits)); // or a file that air train wrote

const images = [];
for await (const event of readScenes(createReadStream(process.argv[2]), process.argv[2])) {
  if (event.type === 'record') images.push(event.record.image); // [50, 50] of uint8; a PNG holds one, a stream many
}
const batch = joinImages(images);
const latents = await infer(model, batch, [...images.keys()], { mode: 'mean', samples: 0, seed: 0 });
for (const { n, q, steps } of latents) {
  const boxes = steps.slice(0, n).map(({ box }) => `[${box.map(Math.round).join(', ')}]`); // x, y, w, h in px
  console.log(`${n} objects, sure to ${q[n].toFixed(3)}: ${boxes.join(' ')}`);
}
