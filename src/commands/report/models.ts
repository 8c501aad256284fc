/** The models that an operand names: one, or all of a folder, and of runs that are not over their states. */
import { AirError } from '../../errors.js';
import type { Io } from '../../io/io.js';
import type { Checkpoint } from '../../train/checkpoint.js';
import { checkedModel, modelFile } from '../shared/model-file.js';

export type NamedModel = { name: string; file: string; checkpoint: Checkpoint; bytes: number; digest: string };

/** @throws AirError 'noInput', 'badData' as `readCheckpoint`; 'noInput' if a folder holds no model */
export async function readModels(operand: string, io: Io): Promise<{ folder?: string; models: NamedModel[] }> {
  const names = await io.listFolder(operand);
  if (names === undefined) {
    const file = await modelFile(operand, io);
    return { models: [await asModel(await io.readFile(file), { name: operand, file }, io)] };
  }
  const finished = names.filter((name) => /^[^.].*\.safetensors$/.test(name));
  const under = names.filter(
    (name) => /^[^.].*\.safetensors\.state$/.test(name) && !finished.includes(name.slice(0, -6)),
  );
  const folder = operand.replace(/(?<=.)\/+$/, '');
  const models: NamedModel[] = [];
  for (const name of [...finished, ...under].sort()) {
    const file = `${folder === '/' ? '' : folder}/${name}`;
    const bytes = await io.readFile(file);
    if (await isOurs(bytes, file)) models.push(await asModel(bytes, { name, file }, io));
    else io.messages.warn(`${file}: left out, it is no model of air`);
  }
  if (models.length > 0) return { folder, models };
  throw new AirError(
    'noInput',
    `${operand}: no model in this folder: ${names.length === 0 ? 'it is empty' : 'no *.safetensors of air'}`,
    'air train -o FILE.safetensors makes one; air report digits shows the one that comes along',
  );
}

async function asModel(bytes: Uint8Array, { name, file }: { name: string; file: string }, io: Io): Promise<NamedModel> {
  const checkpoint = await checkedModel(bytes, file, io);
  return { name, file, checkpoint, bytes: bytes.length, digest: io.sha256(bytes) };
}

/** Whether it is air that wrote it, whole or not: weights of other programs are called the same. */
async function isOurs(bytes: Uint8Array, file: string): Promise<boolean> {
  const { decodeSafetensors } = await import('../../formats/safetensors.js');
  try {
    return decodeSafetensors(bytes, file).metadata.format === 'air';
  } catch {
    return true; // what is wrong with it is told by whoever reads it
  }
}
