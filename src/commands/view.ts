/** `air view`: a stream as JSON lines, for eyes, jq and languages without msgpack. */
import { countOrInf, defineCommand, flag, usage } from '../cli/command.js';
import { shortest } from '../core/float32.js';
import { output } from './shared/options.js';

export const view = defineCommand({
  name: 'view',
  summary: 'print a stream as JSON lines, one for each scene or latent',
  description: `Reads a stream of scenes or latents and prints every record as one line of JSON. Pixels (image, reconstruction,
    window) are left out unless --images is given; latent vectors are arrays of numbers. JSON has no infinite numbers: the
    evidence of a count that has none (-Infinity) is null.

    With --head prints the first header instead: kind, canvas size, seed, model, and the command lines that made the
    stream.`,
  operands: [{ name: 'FILE', help: 'a stream of scenes or latents', default: '-' }],
  options: {
    head: flag({ help: 'print the header of the stream and stop' }),
    limit: countOrInf({ default: Number.POSITIVE_INFINITY, help: 'stop after so many records' }),
    images: flag({ help: 'print pixels too, row by row, in base64' }),
    output: output({ help: 'where the lines go' }),
  },
  examples: [
    { command: 'air view --head scenes.air', help: 'what is this, and what made it?' },
    { command: 'air view --limit 3 scenes.air', help: 'the first three records' },
    {
      command: "air view seen.air | jq -c 'select(.n != .count) | [.i, .n, .count, .q]'",
      help: 'images that were counted wrongly',
    },
  ],
  seeAlso: ['gen-data', 'infer', 'render', 'check'],
  async run({ options, operands }, io) {
    if (options.head && options.images) throw usage('--head and --images exclude each other');
    const { snakeCase } = await import('../core/names.js');
    const { readStream } = await import('../formats/stream.js');
    const lines = await io.openOutput(options.output, 'lines');
    let left = options.head ? 1 : options.limit;
    if (left > 0) {
      for await (const event of readStream(io.readBytes(operands.FILE), { name: operands.FILE })) {
        if (event.type !== (options.head ? 'header' : 'record')) continue;
        const text =
          event.type === 'header'
            ? JSON.stringify(
                event.header,
                toJson((key) => key, { withPixels: false }),
              )
            : JSON.stringify(event.record, toJson(snakeCase, { withPixels: options.images }));
        await lines.write(`${text}\n`);
        left--;
        if (left === 0) break;
      }
    }
    await lines.finish();
  },
});

type Replacer = (key: string, value: unknown) => unknown;

/** How values stand in JSON: keys renamed, vectors as numbers, pixels in base64 or left out. */
function toJson(rename: (key: string) => string, { withPixels }: { withPixels: boolean }): Replacer {
  return (_key, value) => {
    if (value instanceof Uint8Array) return withPixels ? Buffer.from(value).toString('base64') : undefined;
    if (value instanceof Float32Array) return Array.from(value, shortest);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [rename(key), inner]));
  };
}
