/** `air view`: what is in a file: a stream as JSON lines, for eyes, jq and languages without msgpack; a model as text. */
import { countOrInf, defineCommand, flag, usage } from '../../cli/command.js';
import type { Io } from '../../io/io.js';
import { writtenAs } from '../../io/output-kinds.js';
import { escapeControls } from '../../io/printable.js';
import { output } from '../shared/options.js';

/** Options that say what of a stream is printed. */
const OF_STREAMS = ['head', 'limit', 'images'];

export const view = defineCommand({
  name: 'view',
  summary: 'what is in a file: a stream as JSON lines, a model as text',
  description: `Reads a stream of scenes or latents and prints every record as one line of JSON. Pixels (image, reconstruction,
    window) are left out unless --images is given; latent vectors are arrays of numbers. JSON has no infinite numbers: the
    evidence of a count that has none (-Infinity) is null. --fields says what every field means: types, units, ranges.

    With --head prints the first header instead: kind, canvas size, seed, model, and the command lines that made the
    stream.

    Of a model, or the .state of a run that is not over, prints how far it was trained and on what, its settings beside those of the
    preset that it is nearest to, its weights with shapes and norms, and the command lines that made it; with --json all of it as
    JSON. "digits" is the model that comes along.`,
  operands: [{ name: 'FILE', help: 'a stream of scenes or latents, or a model', default: '-' }],
  options: {
    fields: flag({ help: 'print what the fields of streams mean, and read nothing' }),
    head: flag({ help: 'print the header of the stream and stop' }),
    limit: countOrInf({ default: Number.POSITIVE_INFINITY, help: 'stop after so many records' }),
    images: flag({ help: 'print pixels too, row by row, in base64' }),
    output: output({ help: 'where the lines go' }),
    json: flag({ group: 'Output', help: 'print a model, or the fields, as JSON; records always are' }),
  },
  examples: [
    { command: 'air view --fields', help: 'what do box, p, where and evidence mean?' },
    { command: 'air view --head scenes.air', help: 'what is this, and what made it?' },
    { command: 'air view --limit 3 scenes.air', help: 'the first three records' },
    {
      command: "air view seen.air | jq -c 'select(.n != .count) | [.i, .n, .count, .q]'",
      help: 'images that were counted wrongly',
    },
    { command: 'air view digits', help: 'a model: how it was trained, and its weights' },
    { command: 'air view air.safetensors.state --json | jq .step', help: 'how far a run has come' },
  ],
  seeAlso: ['gen-data', 'infer', 'render', 'check', 'report'],
  async run({ options, operands, given }, io) {
    if (options.head && options.images) throw usage('--head and --images exclude each other');
    if (options.fields) {
      const useless = OF_STREAMS.find((key) => given.has(key));
      if (useless !== undefined) throw usage(`--fields and --${useless} exclude each other`);
      const { fieldsJson, fieldsText } = await import('./fields.js');
      return printAs(options, io, (kind) => (kind === 'json' ? fieldsJson() : fieldsText()));
    }
    if (options.output !== undefined) await io.checkOutput(options.output); // before what is in FILE says what it will hold
    const { sniffChunks } = await import('../../formats/sniff.js');
    const { arrivingKnownModel, modelFile } = await import('../shared/model-file.js');
    const { kind, chunks } = await sniffChunks(io.readBytes(await modelFile(operands.FILE, io)));
    if (kind === 'safetensors') {
      const useless = OF_STREAMS.find((key) => given.has(key));
      if (useless !== undefined) throw usage(`--${useless} is for streams, ${operands.FILE} is none`, 'leave it out');
      const { modelJson, modelText } = await import('./model.js');
      const known = await arrivingKnownModel(chunks, operands.FILE, io);
      return printAs(options, io, (as) => (as === 'json' ? modelJson : modelText)(operands.FILE, known));
    }
    const { linesOf } = await import('./records.js');
    const out = await io.openOutput(options.output, 'lines');
    for await (const line of linesOf(chunks, operands.FILE, options)) await out.write(line);
    await out.finish();
  },
});

/** Text, unless --json or the name of the output asks for JSON. */
async function printAs(
  { output: file, json }: { output: string | undefined; json: boolean },
  io: Io,
  make: (kind: 'text' | 'json') => string,
): Promise<void> {
  const kind = writtenAs<'text' | 'json'>(file, json ? ['json'] : ['text', 'json']);
  const out = await io.openOutput(file, kind);
  await out.write(make(kind).split('\n').map(escapeControls).join('\n'));
  await out.finish();
}
