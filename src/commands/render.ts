/** `air render`: a picture of scenes, or of what was inferred from them. */
import { defineCommand, flag, int, list } from '../cli/command.js';
import { AirError } from '../errors.js';
import type { Header, LatentRecord, Scene } from '../formats/records.js';
import { PICTURE_ROWS } from '../render/rows.js';
import { output } from './shared/options.js';

export const render = defineCommand({
  name: 'render',
  summary: 'draw scenes, or what was inferred from them, as a PNG',
  description: `Reads a stream of latents (of air infer) or of scenes and draws the first images of it. Latents: a row of inputs with their
    true counts, where they are known; a row of reconstructions with a box for every object found, red, green, blue in the order of
    steps, and the inferred count, marked if it is wrong; with --rows input both counts stand above the input, the true one
    on the left; with --rows ...,canvas also what the canvas holds after each step, with
    ...,steps P(n) and what each step decoded. Scenes: the images with the true count and the boxes of the ink; of air sample, of
    the windows.

    The stream is read to its end, and nothing is written if it is damaged. Of an endless one (gen-data --count inf) no
    more is read than is drawn.`,
  operands: [{ name: 'FILE', help: 'a stream of latents or scenes', default: '-' }],
  options: {
    rows: list(PICTURE_ROWS, {
      group: 'Picture',
      help: 'what to show of each image',
      defaultText: 'input,reconstruction; of scenes: input',
    }),
    columns: int({ default: 10, min: 1, max: 1000, group: 'Picture', help: 'images side by side' }),
    limit: int({ default: 20, min: 1, group: 'Picture', help: 'at most so many images' }),
    scale: int({ default: 2, min: 1, max: 32, group: 'Picture', help: 'side of a pixel of the images' }),
    onlyErrors: flag({ group: 'Picture', help: 'only images whose inferred count is wrong' }),
    output: output({ help: 'write the PNG here' }),
  },
  examples: [
    { command: 'air infer air.safetensors < scenes.air | air render -o boxes.png', help: 'what was found in each' },
    { command: 'air render latents.air --only-errors --limit 40 -o errors.png', help: 'where the count is wrong' },
    { command: 'air render latents.air --rows input,reconstruction,steps -o steps.png', help: 'step by step' },
    { command: 'air gen-data --count 20 | air render -o scenes.png', help: 'the data' },
  ],
  seeAlso: ['infer', 'gen-data', 'eval'],
  async run({ options, operands }, io) {
    const { columns, limit, scale, onlyErrors } = options;
    const { readStream } = await import('../formats/stream.js');
    const { checkPictureSize, drawPicture } = await import('../render/pictures.js');
    const { isMiscounted } = await import('../render/tags.js');
    const out = await io.openOutput(options.output, 'png');
    const name = operands.FILE;
    const needsLatents = onlyErrors || options.rows?.some((row) => row !== 'input') === true;

    let first: Header | undefined;
    const shown: (Scene | LatentRecord)[] = [];
    let [images, eligible, isEndless, isCut] = [0, 0, false, false];
    const expect = needsLatents ? { expect: 'latents' as const } : {};
    for await (const event of readStream(io.readBytes(name), { name, ...expect })) {
      if (event.type === 'header') {
        first ??= event.header;
        checkSameSizes(first, event.header, name);
        isEndless ||= event.header.count === 'inf';
      }
      if (event.type !== 'record' || first === undefined) continue;
      const { record } = event;
      images++;
      if (onlyErrors && record.count === undefined) throw noTruth(name, record.i);
      if (onlyErrors && !isMiscounted(record)) continue;
      eligible++;
      if (shown.length === limit) continue;
      shown.push(record);
      const [height, width] = first.canvas;
      checkPictureSize(
        width * scale * Math.min(columns, shown.length),
        height * scale * Math.ceil(shown.length / columns),
      );
      isCut = isEndless && shown.length === limit;
      if (isCut) break;
    }
    if (first === undefined || images === 0) throw new AirError('badData', `${name}: there are no images in it`);

    const hasReconstructions = shown.some((record) => 'reconstruction' in record);
    const picture = drawPicture(shown, {
      canvas: first.canvas,
      window: first.window?.shape,
      rows: options.rows ?? (hasReconstructions ? ['input', 'reconstruction'] : ['input']),
      columns,
      scale,
      emptyText: noErrors(images),
    });
    await out.write(picture.toPng());
    await out.finish();
    io.messages.info(summarise(shown.length, isCut ? undefined : eligible, images, onlyErrors));
  },
});

function checkSameSizes(first: Header, header: Header, name: string): void {
  for (const what of ['canvas', 'window'] as const) {
    const [a, b] = [first, header].map((one) => (what === 'canvas' ? one.canvas : one.window?.shape)?.join(' x '));
    if (a !== b && b !== undefined) {
      throw new AirError(
        'badData',
        `${name}: a later segment has a ${what} of ${b}, the first one ${a ?? 'none'}: they do not fit one picture`,
        'draw them one by one',
      );
    }
  }
}

function noTruth(name: string, i: number): AirError {
  return new AirError(
    'badData',
    `${name}: image ${i} has no true count, so --only-errors cannot tell whether it is wrong`,
    'air infer passes the truth on when its input has it, as scenes of air gen-data do',
  );
}

/** `eligible` is undefined if an endless stream was left where enough was seen. */
function summarise(shown: number, eligible: number | undefined, images: number, onlyErrors: boolean): string {
  if (eligible === undefined)
    return `shows the first ${shown} ${onlyErrors ? 'wrong counts' : 'images'} of an endless stream`;
  const of = shown === eligible ? `all ${eligible}` : `the first ${shown} of ${eligible}`;
  if (!onlyErrors) return images === 1 ? 'shows the only image' : `shows ${of} images`;
  return eligible === 0 ? noErrors(images) : `shows ${of} wrong counts, among ${images} images`;
}

function noErrors(images: number): string {
  return `no wrong count among ${images} ${images === 1 ? 'image' : 'images'}`;
}
