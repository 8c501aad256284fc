/** Reading checkpoints from files, for every command that takes a MODEL. */
import type { Model } from '../../core/model.js';
import { AirError } from '../../errors.js';
import type { Io } from '../../io/io.js';
import { SHIPPED_MODELS } from '../../shipped.js';
import type { Checkpoint } from '../../train/checkpoint.js';

/** The file that an operand names: itself, or a model of the package where there is no file of that name. */
export async function modelFile(operand: string, io: Io): Promise<string> {
  const shipped = Object.entries(SHIPPED_MODELS).find(([name]) => name === operand)?.[1];
  if (shipped === undefined || (await io.exists(operand))) return operand;
  return decodeURIComponent(shipped.pathname);
}

/**
 * Reads a model, or the state of a run that is not over; `digits` is the one that comes with the package. Of what is no model, no
 * more is read than shows it.
 *
 * @param after  the operand that follows it, which may be the model: of two operands the wrong one may come first
 * @throws AirError 'noInput' if there is no such file; 'badData' if it is no checkpoint of air, or damaged
 */
export async function readModel(file: string, io: Io, after?: string): Promise<Checkpoint> {
  return arrivingModel(io.readBytes(await modelFile(file, io)), file, io, after);
}

/** A model, and what its file is known by: how many bytes it has, and their sha256. */
export type KnownModel = { checkpoint: Checkpoint; bytes: number; digest: string };

/** The same of a file that is known by its bytes. */
export async function readKnownModel(file: string, io: Io): Promise<KnownModel> {
  return arrivingKnownModel(io.readBytes(await modelFile(file, io)), file, io);
}

/** The same of its bytes as they arrive. */
export async function arrivingKnownModel(chunks: AsyncIterable<Uint8Array>, name: string, io: Io): Promise<KnownModel> {
  const hash = io.newHash();
  let bytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  const checkpoint = await arrivingModel(counted(), name, io);
  return { checkpoint, bytes, digest: hash.digest() };
}

/** A model of its bytes as they arrive. */
export async function arrivingModel(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  io: Io,
  after?: string,
): Promise<Checkpoint> {
  const { KIND_NAMES, sniffChunks } = await import('../../formats/sniff.js');
  const { readSafetensors } = await import('../../formats/safetensors-stream.js');
  const { readCheckpoint } = await import('../../train/checkpoint.js');
  const { kind, chunks: all } = await sniffChunks(chunks);
  if (kind !== 'safetensors' && kind !== 'unknown') {
    await all.return();
    throw new AirError(
      'badData',
      `${name}: expected a model, this is ${KIND_NAMES[kind]}`,
      after !== undefined && (await isModel(after, io))
        ? `the model comes first: ${after} ${name}`
        : 'a model is what air train makes',
    );
  }
  return readSafetensors(all, { name, newHash: io.newHash }, (opened) => readCheckpoint(opened, name));
}

/** Whether a file looks like a model; what cannot be read does not, and stdin is not looked at. */
async function isModel(operand: string, io: Io): Promise<boolean> {
  if (operand === '-') return false;
  const { sniffChunks } = await import('../../formats/sniff.js');
  try {
    const { kind, chunks } = await sniffChunks(io.readBytes(await modelFile(operand, io)));
    await chunks.return();
    return kind === 'safetensors';
  } catch {
    return false;
  }
}

/** A model ready to run on the backend that is started. */
export async function loadModel(checkpoint: Checkpoint): Promise<Model> {
  const { modelOf } = await import('../../train/model-of.js');
  return modelOf(checkpoint);
}
