/** What is scored: latents that are made already, or those that a model makes of images now. */
import { flagName, usage } from '../../cli/command.js';
import type { LatentRecord } from '../../formats/records.js';
import type { Io } from '../../io/io.js';
import type { Scored } from '../../scores/scoreboard.js';
import type { Checkpoint } from '../../train/checkpoint.js';
import type { InferSettings } from '../shared/infer-stream.js';
import type { Overrides } from '../shared/overrides.js';

/** Options that do nothing for latents that are made already. */
const NEED_MODEL = ['samples', 'shifts', 'modelSteps', 'zPresPrior', 'batchSize', 'backend', 'workers', 'seed'];

/** `images`: of stdin or a file; `name` is what they are called in messages. */
type Source = { name: string; latents: AsyncIterable<Uint8Array> } | { name: string; checkpoint: Checkpoint };

/** The words of a command line: `FILE` alone, `MODEL FILE`, or with --model `FILE`. */
export type Words = { model: string | undefined; first: string | undefined; second: string | undefined };

/**
 * A word that stands alone is a model or latents, which its first bytes tell; a model takes images from stdin then, as air infer does.
 *
 * @throws AirError 'usage' if there is a word too many, or an option that needs a model without one; and as `readModel`
 */
export async function openSource({ model, first, second }: Words, given: ReadonlySet<string>, io: Io): Promise<Source> {
  const { arrivingModel, modelFile, readModel } = await import('../shared/model-file.js');
  if (model !== undefined && second !== undefined) {
    throw usage(`one operand too many: '${second}'`, `the model is ${model}, of --model: give one FILE`);
  }
  if (model !== undefined || second !== undefined) {
    const [modelName, name] = model === undefined ? [first as string, second as string] : [model, first ?? '-'];
    return { name, checkpoint: await readModel(modelName, io, name) };
  }
  if (first !== undefined && first !== '-') {
    const { sniffChunks } = await import('../../formats/sniff.js');
    const { kind, chunks } = await sniffChunks(io.readBytes(await modelFile(first, io)));
    if (kind === 'safetensors') return { name: '-', checkpoint: await arrivingModel(chunks, first, io) };
    checkNeedless(given);
    return { name: first, latents: chunks };
  }
  checkNeedless(given);
  return { name: '-', latents: io.readBytes('-') };
}

function checkNeedless(given: ReadonlySet<string>): void {
  const needsModel = NEED_MODEL.find((key) => given.has(key));
  if (needsModel === undefined) return;
  throw usage(`--${flagName(needsModel)} needs a model: latents are made already`, 'air eval MODEL FILE scores scenes');
}

/** What is there to be scored, image by image. */
export async function* scoredOf(
  source: Source,
  options: Omit<InferSettings, 'mode'> & Overrides,
  io: Io,
): AsyncGenerator<Scored> {
  if ('latents' in source) yield* latents(source.latents, source.name);
  else yield* inferred(source, options, io);
}

async function* latents(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<LatentRecord> {
  const { readStream } = await import('../../formats/stream.js');
  for await (const event of readStream(chunks, { name, expect: 'latents' })) {
    if (event.type === 'record') yield event.record;
  }
}

async function* inferred(
  { checkpoint, name }: { checkpoint: Checkpoint; name: string },
  options: Omit<InferSettings, 'mode'> & Overrides,
  io: Io,
): AsyncGenerator<Scored> {
  const { inferStream } = await import('../shared/infer-stream.js');
  const { withOverrides } = await import('../shared/overrides.js');
  const settings = { mode: 'mean' as const, ...options };
  for await (const event of inferStream(withOverrides(checkpoint, options), name, settings, io)) {
    if (event.type === 'batch') yield* event.records;
  }
}
