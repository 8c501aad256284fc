/** The models that an operand names: one, or all of a folder, and of runs that are not over their states. */
import { AirError } from '../../errors.js';
import type { Io } from '../../io/io.js';
import type { Checkpoint } from '../../train/checkpoint.js';
import { modelFile, readKnownModel } from '../shared/model-file.js';

export type NamedModel = { name: string; file: string; checkpoint: Checkpoint; bytes: number; digest: string };

/** @throws AirError 'noInput', 'badData' as `readModel`; 'noInput' if a folder holds no model */
export async function readModels(operand: string, io: Io): Promise<{ folder?: string; models: NamedModel[] }> {
  const names = await io.listFolder(operand);
  if (names === undefined) return { models: [await readNamed(operand, operand, io)] };
  const finished = names.filter((name) => /^[^.].*\.safetensors$/.test(name));
  const under = names.filter(
    (name) => /^[^.].*\.safetensors\.state$/.test(name) && !finished.includes(name.slice(0, -6)),
  );
  const folder = operand.replace(/(?<=.)\/+$/, '');
  const models: NamedModel[] = [];
  for (const name of [...finished, ...under].sort()) {
    const file = `${folder === '/' ? '' : folder}/${name}`;
    if (await isOurs(file, io)) models.push(await readNamed(file, name, io));
    else io.messages.warn(`${file}: left out, it is no model of air`);
  }
  if (models.length > 0) return { folder, models };
  throw new AirError(
    'noInput',
    `${operand}: no model in this folder: ${names.length === 0 ? 'it is empty' : 'no *.safetensors of air'}`,
    'air train -o FILE.safetensors makes one; air report digits shows the one that comes along',
  );
}

async function readNamed(operand: string, name: string, io: Io): Promise<NamedModel> {
  const file = await modelFile(operand, io);
  return { name, file, ...(await readKnownModel(operand, io)) };
}

/** Whether it is air that wrote it, whole or not: weights of other programs are called the same. */
async function isOurs(file: string, io: Io): Promise<boolean> {
  const { readSafetensors } = await import('../../formats/safetensors-stream.js');
  const { isOfAir } = await import('../../train/checkpoint-header.js');
  try {
    return await readSafetensors(io.readBytes(file), { name: file, newHash: io.newHash }, ({ header }) =>
      isOfAir(header),
    );
  } catch {
    return true; // what is wrong with it is told by whoever reads it
  }
}
