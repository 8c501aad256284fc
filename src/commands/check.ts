/** `air check`: are these files whole? */
import { defineCommand } from '../cli/command.js';
import { AirError } from '../errors.js';
import { isRead } from '../io/failures.js';
import type { Io } from '../io/io.js';
import { printable } from '../io/printable.js';
import { output } from './shared/options.js';

export const check = defineCommand({
  name: 'check',
  summary: 'are these files whole? prints the bad ones',
  description: `Reads every file to its end: streams (every record, end marker, checksum), checkpoints (layout, settings, finite weights, digest), and images
    (IDX, .npy, .npz, PNG; compressed or not; of an .npz the array x alone). Prints one line for each bad file, with the reason, and exits with 1
    if there is one. -v lists the good ones on stderr.`,
  operands: [{ name: 'FILE', help: 'streams, checkpoints or images; - is stdin', required: true, many: true }],
  options: { output: output({ help: 'where the lines go' }) },
  examples: [
    { command: 'air check scenes.air seen.air air.safetensors', help: 'were these copied whole?' },
    { command: 'air check -q *.air | cut -d: -f1', help: 'names of the bad ones, for a script' },
  ],
  seeAlso: ['view'],
  async run({ options, operands }, io) {
    const lines = await io.openOutput(options.output, 'text');
    let [bad, seen] = [0, 0];
    let isHeard = true; // once nobody reads, the answer is known: only a bad file has a line
    for (const file of operands.FILE) {
      if (!isHeard) break;
      seen++;
      try {
        io.messages.detail(`${file}: whole: ${await inspect(file, io)}`);
      } catch (error) {
        if (!(error instanceof AirError) || (error.kind !== 'badData' && error.kind !== 'noInput')) throw error;
        bad++;
        isHeard = await isRead(lines.write(`${printable(error.message)}\n`));
      }
    }
    await isRead(lines.finish());
    const all = operands.FILE.length;
    if (bad > 0) throw new AirError('answerIsNo', `${bad} of ${seen === all ? all : `the first ${seen}`} bad`);
    io.messages.info(all === 1 ? 'whole' : `all ${all} whole`);
  },
});

/** What the file holds. @throws AirError badData, noInput */
async function inspect(file: string, io: Io): Promise<string> {
  const { isImageKind, readImages, sniffChunks } = await import('../formats/images.js');
  const { kind, chunks } = await sniffChunks(io.readBytes(file));
  if (kind === 'safetensors') return inspectTensors(chunks, file, io);
  if (kind === 'idx') {
    const { openIdx } = await import('../formats/idx.js'); // not readImages: labels are IDX files too
    const { shape, elements } = await openIdx(chunks, file);
    for await (const _ of elements);
    return `IDX, ${shape.join('x')}`;
  }
  if (kind === 'png') {
    const { checkPng } = await import('../formats/png-check.js'); // not readImages: a picture may be larger than images
    const { height, width } = await checkPng(chunks, file);
    return `1 image of ${height}x${width}`;
  }
  if (isImageKind(kind)) {
    const { height, width, images } = await readImages(chunks, file);
    let count = 0;
    for await (const _ of images) count++;
    return `${count} ${count === 1 ? 'image' : 'images'} of ${height}x${width}`;
  }
  return inspectStream(chunks, file);
}

async function inspectStream(chunks: AsyncIterable<Uint8Array>, file: string): Promise<string> {
  const { readStream } = await import('../formats/stream.js');
  const counts = new Map<string, number>();
  let segments = 0;
  let kind = '';
  for await (const event of readStream(chunks, { name: file })) {
    if (event.type === 'header') {
      segments++;
      kind = event.header.air;
      counts.set(kind, counts.get(kind) ?? 0);
    } else if (event.type === 'record') {
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
  }
  const records = [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
  return segments === 1 ? records : `${records} in ${segments} segments`;
}

async function inspectTensors(chunks: AsyncIterable<Uint8Array>, file: string, io: Io): Promise<string> {
  const { readSafetensors } = await import('../formats/safetensors-stream.js');
  const { checkCheckpoint } = await import('../train/checkpoint.js');
  const { isOfAir } = await import('../train/checkpoint-header.js');
  return readSafetensors(chunks, { name: file, newHash: io.newHash }, async (opened) => {
    const { header, pieces } = opened;
    if (isOfAir(header)) await checkCheckpoint(opened, file);
    else for await (const _ of pieces);
    return `${header.places.size} tensors${header.digest ? '' : '; no digest, only the layout could be checked'}`;
  });
}
