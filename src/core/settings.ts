/**
 * How settings are kept in a file that is to be read for years: a table says of each what it may be, and of each that came
 * later what everything was before it came. Options take their ranges from the same table.
 *
 * A setting of the first version is always written. One that came later is written only where it differs from `before`, so
 * that a file that uses nothing new is, byte for byte, the file of the older version, and is read by it.
 */
import { snakeCase } from './names.js';
import { describeRange, isWithin, type Range } from './range.js';

/** One setting. Where it is a number, or some numbers, the range is that of each. */
export type Setting<T> = Range & {
  /** A number, some numbers, yes or no, any text, or one of a few words. */
  kind: 'number' | 'numbers' | 'flag' | 'text' | readonly string[];
  /** Of some numbers: how many there are, where that is not free. */
  length?: number;
  /** Of a setting that came after 0.1.0: the value of files that do not name it. Never changes. */
  before?: T;
};

export type SettingsTable<T> = { readonly [name in keyof T]-?: Setting<T[name]> };

/** A file names settings, or values of them, that this program does not know. */
export class UnknownSetting extends Error {
  override readonly name = 'UnknownSetting';
}

/** Whether any setting is not as everything was before it came. */
export function usesAdded<T extends object>(table: SettingsTable<T>, settings: T): boolean {
  const names = Object.keys(table) as (keyof T)[];
  return names.some((name) => table[name].before !== undefined && isNews(table, settings, name));
}

function isNews<T extends object>(table: SettingsTable<T>, settings: T, name: keyof T): boolean {
  return JSON.stringify(settings[name]) !== JSON.stringify(table[name].before);
}

/** As they stand in a file: JSON with keys in snake_case. */
export function formatSettings<T extends object>(table: SettingsTable<T>, settings: T): string {
  const names = Object.keys(table) as (keyof T & string)[];
  const written = names.filter((name) => isNews(table, settings, name));
  return JSON.stringify(Object.fromEntries(written.map((name) => [snakeCase(name), settings[name]])));
}

/**
 * Settings of a file, all of them, in the order of the table.
 *
 * @throws UnknownSetting a setting, or the word that it is, is not in the table
 * @throws Error the text is no JSON; a setting is missing that always was there, or is not what it may be
 */
export function parseSettings<T extends object>(table: SettingsTable<T>, text: string): T {
  const given: unknown = JSON.parse(text);
  if (!isFields(given)) throw new Error(`expected settings by name, got ${text.slice(0, 20)}`);
  const keys = new Map(Object.keys(table).map((name) => [snakeCase(name), name]));
  const unknown = Object.keys(given).find((key) => !keys.has(key));
  if (unknown !== undefined) throw new UnknownSetting(`unknown setting ${unknown}`);
  const values = [...keys].map(([key, name]) => {
    const setting = table[name as keyof T];
    const { kind, before } = setting;
    const value = Object.hasOwn(given, key) ? given[key] : before;
    if (Array.isArray(kind) && typeof value === 'string' && !kind.includes(value)) {
      throw new UnknownSetting(`${key}: expected one of ${kind.join(', ')}, got '${value}'`);
    }
    if (!isOf(setting, value)) throw new Error(misfit(key, setting, value));
    return [name, value];
  });
  return Object.fromEntries(values) as T;
}

function isFields(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The first setting that is not what the table says that it may be, in words; undefined if there is none. */
export function firstMisfit<T extends object>(table: SettingsTable<T>, settings: T): string | undefined {
  const names = Object.keys(table) as (keyof T & string)[];
  const wrong = names.find((name) => !isOf(table[name], settings[name]));
  return wrong && misfit(snakeCase(wrong), table[wrong], settings[wrong]);
}

function isOf(setting: Setting<unknown>, value: unknown): boolean {
  const { kind, length } = setting;
  const isNumber = (one: unknown): boolean => typeof one === 'number' && isWithin(one, setting);
  if (kind === 'number') return isNumber(value);
  if (kind === 'flag') return typeof value === 'boolean';
  if (kind === 'text' || typeof kind !== 'string') return typeof value === 'string';
  return Array.isArray(value) && value.every(isNumber) && (length === undefined || value.length === length);
}

const KIND_NAMES = { flag: 'true or false', text: 'a text' } as const;

function misfit(key: string, setting: Setting<unknown>, value: unknown): string {
  const { kind, length } = setting;
  const numbers = `${length ?? 'some'} numbers, each ${describeRange(setting)}`;
  const expected =
    kind === 'number'
      ? describeRange(setting)
      : kind === 'numbers'
        ? numbers
        : typeof kind === 'string'
          ? KIND_NAMES[kind]
          : `one of ${kind.join(', ')}`;
  return `${key}: expected ${expected}, got ${JSON.stringify(value) ?? 'nothing'}`;
}
