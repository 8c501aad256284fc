/** Settings as options: what a value may be, an option takes from the setting's row in its table. */
import { choice, number, type Option, onOff, valued } from '../../cli/command.js';
import { isWithin, type Range } from '../../core/range.js';
import type { Setting, SettingsTable } from '../../core/settings.js';

/** What an option says of a setting; and a range, where less can be asked for than a file may hold. */
type Text = { group: string; help: string; value?: string; short?: string } & Range;

/** An option for each setting that has a text. `shown` are the defaults in help: the options themselves have none, so that a preset can. */
export function settingOptions<T extends object, K extends keyof T & string>(
  table: SettingsTable<T>,
  shown: T,
  texts: { [key in K]: Text },
): { [key in K]: Option<T[key] | undefined> } {
  const entries = Object.entries<Text>(texts).map(([key, text]) => {
    const option = settingOption(table[key as K], text);
    return [key, { ...option, defaultText: option.format(shown[key as K]) }];
  });
  return Object.fromEntries(entries);
}

function settingOption({ kind, isWhole, min, max, above, below }: Setting<unknown>, text: Text): Option<unknown> {
  const settings = { isWhole, min, max, above, below, ...text };
  if (kind === 'number') return number(settings);
  if (kind === 'numbers') return sizes(settings);
  if (kind === 'flag') return onOff(text);
  return choice(kind as readonly string[], text);
}

/** Sizes of hidden layers: `200`, `200,100`, or `none`. */
function sizes(settings: Text): Option<number[] | undefined> {
  return valued<number[], undefined>({
    ...settings,
    value: 'N,N,...|none',
    expects: 'layer sizes such as 200 or 200,100, or none',
    parse(text) {
      if (text === 'none') return [];
      const layers = text.split(',').map(Number);
      const isWritten = /^[1-9]\d*(,[1-9]\d*)*$/.test(text);
      return isWritten && layers.every((size) => isWithin(size, settings)) ? layers : undefined;
    },
    format: (layers) => (layers.length === 0 ? 'none' : layers.join(',')),
  });
}
