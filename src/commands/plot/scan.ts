/** A stream of latents as heat maps of where each step looks. */
import { usage } from '../../cli/command.js';
import { AirError } from '../../errors.js';
import { readStream } from '../../formats/stream.js';
import { type Scan, scanChart } from '../../render/charts/scan.js';
import type { Plot } from './plot.js';

export const plotScan: Plot = async (files, { title }, io) => {
  if (files.length > 1) {
    throw usage(
      `scan draws one stream, these are ${files.length}`,
      'streams one after the other are one: cat A B | air plot scan',
    );
  }
  const [{ file: name }] = files;
  let canvas: Scan['canvas'] | undefined;
  let images = 0;
  const centres: [number, number][][] = [];
  for await (const event of readStream(io.readBytes(name), { name, expect: 'latents' })) {
    if (event.type === 'header') {
      const { canvas: own } = event.header;
      canvas ??= own;
      if (own.join() !== canvas.join()) {
        const [a, b] = [canvas, own].map((size) => size.join(' x '));
        throw new AirError(
          'badData',
          `${name}: a later segment has a canvas of ${b}, the first one ${a}`,
          'plot them one by one',
        );
      }
    }
    if (event.type !== 'record') continue;
    images++;
    const { steps, n } = event.record;
    while (centres.length < steps.length) centres.push([]);
    steps.slice(0, n).forEach(({ box: [x, y, w, h] }, t) => {
      centres[t].push([x + w / 2, y + h / 2]);
    });
  }
  if (canvas === undefined || images === 0) throw new AirError('badData', `${name}: there are no images in it`);
  return scanChart({ canvas, centres }, { title });
};
