/**
 * How settings are kept in a file that is to be read for years: a table says of each what it may be, and of each that came
 * later what everything was before it came.
 *
 * A setting of the first version is always written. One that came later is written only where it differs from `before`, so
 * that a file that uses nothing new is, byte for byte, the file of the older version, and is read by it.
 */
import { snakeCase } from './names.js';

/** One setting. */
export type Setting<T> = {
  /** A number, some numbers, yes or no, any text, or one of a few words. */
  kind: 'number' | 'numbers' | 'flag' | 'text' | readonly string[];
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
 * @throws Error the text is no JSON; a setting is missing that always was there, or is of another type
 */
export function parseSettings<T extends object>(table: SettingsTable<T>, text: string): T {
  const given: { [key: string]: unknown } = JSON.parse(text);
  const keys = new Map(Object.keys(table).map((name) => [snakeCase(name), name]));
  const unknown = Object.keys(given).find((key) => !keys.has(key));
  if (unknown !== undefined) throw new UnknownSetting(`unknown setting ${unknown}`);
  const values = [...keys].map(([key, name]) => {
    const { kind, before } = table[name as keyof T];
    const value = Object.hasOwn(given, key) ? given[key] : before;
    if (Array.isArray(kind) && typeof value === 'string' && !kind.includes(value)) {
      throw new UnknownSetting(`${key}: expected one of ${kind.join(', ')}, got '${value}'`);
    }
    if (!isOf(kind, value)) throw new Error(`${key} is ${JSON.stringify(value)}`);
    return [name, value];
  });
  return Object.fromEntries(values) as T;
}

function isOf(kind: Setting<unknown>['kind'], value: unknown): boolean {
  if (kind === 'number') return typeof value === 'number';
  if (kind === 'flag') return typeof value === 'boolean';
  if (kind === 'numbers') return Array.isArray(value) && value.every((one) => typeof one === 'number');
  return typeof value === 'string';
}
