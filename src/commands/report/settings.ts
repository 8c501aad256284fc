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

export function besidePreset({ config, training }: Settings): { preset: PresetName; rows: ShownSetting[] } {
  const own: Values = { ...training, ...config };
  const keys = Object.keys(own);
  const differing = (name: PresetName): number => {
    const values = valuesOf(name);
    return keys.filter((key) => !OF_NO_RECIPE.includes(key) && !isSame(own[key], values[key])).length;
  };
  const preset = PRESET_NAMES.reduce((best, name) => (differing(name) < differing(best) ? name : best));
  const values = valuesOf(preset);
  const rows = keys
    .filter((key) => !(key === 'init' && own.init === ''))
    .map((key) => {
      const isOther = key !== 'canvas' && key !== 'init' && !isSame(own[key], values[key]);
      return {
        name: key === 'canvas' || key === 'init' ? key : `--${flagName(key)}`,
        value: key === 'canvas' ? config.canvas.join(' × ') : key === 'init' ? 'another model' : asTyped(key, own[key]),
        ...(isOther ? { preset: asTyped(key, values[key]) } : {}),
      };
    });
  return { preset, rows };
}
