/** Scenes or latents with labelled digits, as `air probe` takes them. */
import { AirError } from '../../errors.js';
import type { LatentRecord, Scene } from '../../formats/records.js';
import { readStream } from '../../formats/stream.js';
import type { Io } from '../../io/io.js';
import { joinRows, latentRow, pixelRow } from '../../probe/features.js';
import { type Examples, pick } from '../../probe/fit.js';
import type { FeaturesName, TaskName } from '../../probe/names.js';
import { type LabelledDigit, tasks } from '../../probe/tasks.js';

/** `steps` of latents; 0 of pixels. */
export type NamedExamples = Examples & { file: string; steps: number };

/** @throws AirError 'badData' where a digit has no label, or there are no latents where they are asked for */
export async function readExamples(
  file: string,
  { task, features }: { task: TaskName; features: FeaturesName },
  io: Io,
): Promise<NamedExamples> {
  const rows: Float32Array[] = [];
  const classes: number[] = [];
  let steps = 0;
  const events = readStream(io.readBytes(file), {
    name: file,
    ...(features === 'latents' ? { expect: 'latents' as const } : {}),
  });
  for await (const event of events) {
    if (event.type !== 'record') continue;
    const { record } = event;
    classes.push(tasks[task](labelledDigits(record, file)));
    if (features === 'pixels') rows.push(pixelRow(record.image));
    else {
      const latent = record as LatentRecord;
      steps = latent.steps.length;
      rows.push(latentRow(latent));
    }
    if (rows[0].length !== rows[rows.length - 1].length) {
      throw new AirError('badData', `${file}: record ${record.i} has another size than the first`);
    }
  }
  if (rows.length === 0) throw new AirError('badData', `${file}: no scenes to probe`, 'make some with: air gen-data');
  return { file, steps, rows: joinRows(rows), classes: Int32Array.from(classes) };
}

function labelledDigits({ i, objects }: Scene, file: string): LabelledDigit[] {
  return (objects ?? [{ frame: [0, 0, 0, 0] as const }]).map(({ frame, ...rest }) => {
    const label = 'label' in rest ? rest.label : undefined;
    if (label === undefined) {
      throw new AirError('badData', `${file}: record ${i} has no labels of its digits`, 'air gen-data writes them');
    }
    return { label, frame };
  });
}

/** The first four fifths to learn from, the last to choose by. */
export function splitOff(all: NamedExamples): { train: NamedExamples; valid: NamedExamples } {
  const count = all.classes.length;
  const from = count - Math.floor(count / 5);
  if (from === count) {
    throw new AirError(
      'usage',
      `${all.file}: ${count} scenes are too few to hold some out`,
      'give others with --valid',
    );
  }
  const part = (first: number, end: number): NamedExamples => {
    const indices = Array.from({ length: end - first }, (_, i) => first + i);
    return { ...all, ...pick(all, indices) };
  };
  return { train: part(0, from), valid: part(from, count) };
}
