/** The settings of a run beside those of the preset that it is nearest to: no file says which preset it began with. */
import { flagName } from '../../cli/command.js';
import { PRESET_NAMES, PRESETS, type PresetName } from '../../presets.js';
import type { ShownSetting } from '../../render/html/run.js';
import type { Settings } from '../../train/config.js';
import { asTyped } from '../train/options.js';

/** The images tell the canvas, and no recipe is another by its seed. */
const OF_NO_RECIPE = ['canvas', 'seed', 'init'];

type Values = { readonly [key: string]: unknown };

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function valuesOf(name: PresetName): Values {
  return { ...PRESETS[name].model, ...PRESETS[name].training };
}

/** `differing`: by the names of the settings, what they are and what the preset has. */
export type BesidePreset = {
  preset: PresetName;
  rows: ShownSetting[];
  differing: { [key: string]: { value: unknown; preset: unknown } };
};

export function besidePreset({ config, training }: Settings): BesidePreset {
  const own: Values = { ...training, ...config };
  const keys = Object.keys(own);
  const distance = (name: PresetName): number => {
    const values = valuesOf(name);
    return keys.filter((key) => !OF_NO_RECIPE.includes(key) && !isSame(own[key], values[key])).length;
  };
  const preset = PRESET_NAMES.reduce((best, name) => (distance(name) < distance(best) ? name : best));
  const values = valuesOf(preset);
  const isOther = (key: string): boolean => key !== 'canvas' && key !== 'init' && !isSame(own[key], values[key]);
  const rows = keys
    .filter((key) => !(key === 'init' && own.init === ''))
    .map((key) => ({
      name: key === 'canvas' || key === 'init' ? key : `--${flagName(key)}`,
      value: key === 'canvas' ? config.canvas.join(' × ') : key === 'init' ? 'another model' : asTyped(key, own[key]),
      ...(isOther(key) ? { preset: asTyped(key, values[key]) } : {}),
    }));
  const differing = keys.filter(isOther).map((key) => [key, { value: own[key], preset: values[key] }]);
  return { preset, rows, differing: Object.fromEntries(differing) };
}
