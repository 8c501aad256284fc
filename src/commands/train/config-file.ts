/** All settings of a run as a JSON file: what --print-config writes, and --config reads. Keys are flags in snake_case. */

import type { OptionTable } from '../../cli/command.js';
import { parseJson } from '../../core/json.js';
import { camelCase, snakeCase } from '../../core/names.js';
import { AirError } from '../../errors.js';
import type { Settings } from '../../train/config.js';
import { seed } from '../shared/options.js';
import { modelOptions, trainingOptions } from './options.js';

const OPTIONS: OptionTable = { ...trainingOptions, ...modelOptions, seed };

/** Every setting that has an option. */
export function formatConfig({ config, training }: Settings): string {
  const settings: { [key: string]: unknown } = { ...training, ...config };
  const entries = Object.keys(OPTIONS).flatMap((key) => (key in settings ? [[snakeCase(key), settings[key]]] : []));
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`;
}

/**
 * The settings that a file has, by key; any of them may be missing.
 *
 * @param name of the file, for messages
 * @throws AirError 'badData' if it is no JSON object, or has a setting that there is not, or a value that it cannot have
 */
export function parseConfig(text: string, name: string): { [key: string]: unknown } {
  const refuse = (what: string): AirError =>
    new AirError('badData', `${name}: ${what}`, 'air train --print-config shows what such a file looks like');
  let given: unknown;
  try {
    given = parseJson(text);
  } catch (cause) {
    throw refuse(`no JSON: ${(cause as Error).message}`);
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw refuse('expected a JSON object');
  const entries = Object.entries(given).map(([key, value]) => {
    const option = key === snakeCase(camelCase(key)) ? OPTIONS[camelCase(key)] : undefined;
    if (option === undefined || !Object.hasOwn(OPTIONS, camelCase(key))) throw refuse(`there is no setting ${key}`);
    const parsed = option.parse(typeof value === 'string' ? value : asText(option.format, value));
    if (JSON.stringify(parsed) !== JSON.stringify(value)) {
      throw refuse(`${key}: expected ${option.expects}, got ${JSON.stringify(value)}`);
    }
    return [camelCase(key), parsed];
  });
  return Object.fromEntries(entries);
}

/** As it would be typed; what cannot be typed is no value. */
function asText(format: (value: unknown) => string, value: unknown): string {
  try {
    return format(value);
  } catch {
    return '';
  }
}
