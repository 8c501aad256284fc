/**
 * From a command line to typed values. cac splits it into options, values and operands; everything else is decided
 * by the command's own table: which names exist, their types and ranges, repeats, missing values, surplus operands.
 *
 * cac also interprets: it turns `007` into 7, `--no-x` into x = false, `a.b` into nested objects, `--x= y` into x = y.
 * So it never sees the texts: every name goes in as `--oK` (K = row of the table) and every value or operand as an opaque mark,
 * and the real texts are put back afterwards.
 */
import { cac } from 'cac';
import type { AirError } from '../errors.js';
import {
  type Args,
  type CommandSpec,
  flag,
  flagName,
  type Operand,
  type Option,
  type OptionTable,
  usage,
} from './command.js';
import { nearest } from './nearest.js';
import { respell } from './spellings.js';

/** `-q`, `-v`, `-h`, `--help`: part of every command's table without being written there. */
export const everywhere = {
  quiet: flag({ short: 'q', group: 'Messages', help: 'say nothing but errors and warnings' }),
  verbose: flag({ short: 'v', group: 'Messages', help: 'say more on stderr' }),
  help: flag({ short: 'h', group: 'Messages', help: '-h: this list; --help: everything, with examples' }),
};

export type ParsedOptions = Args<OptionTable, readonly Operand[]> & { verbose: boolean };

/** Which help is asked for, if any; asking wins over whatever else is wrong with the line. `-vh` asks too, `-ohead` does not. */
export function helpAskedFor(argv: readonly string[]): 'short' | 'full' | undefined {
  const end = argv.indexOf('--');
  const words = end === -1 ? argv : argv.slice(0, end);
  if (words.includes('--help')) return 'full';
  return words.some((word) => /^-[qv]*h[qvh]*$/.test(word)) ? 'short' : undefined;
}

/** A command's own options and the ones every command has, in the order of help. */
export function allOptions(spec: CommandSpec): OptionTable {
  return { ...spec.options, ...everywhere };
}

/**
 * Parse what follows the command's name.
 * @throws AirError usage: unknown or repeated option, value missing, surplus or out of range, operand missing or surplus
 */
export function parseOptions(spec: CommandSpec, line: readonly string[]): ParsedOptions {
  const argv = respell(spec.spellings ?? [], line);
  const table = allOptions(spec);
  const keys = Object.keys(table);
  const marks: string[] = [];
  const masked = maskArguments(argv, table, keys, marks);

  const splitter = cac('air');
  for (const [k, key] of keys.entries())
    splitter.option(table[key].kind === 'flag' ? `--o${k}` : `--o${k} <value>`, '');
  const split = splitter.parse(['node', 'air', ...masked], { run: false });

  const options: Record<string, unknown> = {};
  const given = new Set<string>();
  for (const [k, key] of keys.entries()) {
    const found: unknown = split.options[`o${k}`];
    options[key] = table[key].default;
    if (found === undefined) continue;
    given.add(key);
    options[key] = readValue(`--${flagName(key)}`, table[key], found, marks);
  }
  const words = [...split.args.map((mark) => unmask(mark, marks)), ...(split.options['--'] as string[])];
  const { quiet, verbose, help: _help, ...own } = options;
  if (quiet === true && verbose === true) throw usage('--quiet and --verbose exclude each other');
  return { options: own, operands: readOperands(spec, words), given, quiet: quiet === true, verbose: verbose === true };
}

/** Rewrites the line so that cac cannot misread it; fills `marks` with the texts taken out. */
function maskArguments(
  argv: readonly string[],
  table: OptionTable,
  keys: readonly string[],
  marks: string[],
): string[] {
  const end = argv.indexOf('--');
  const words = end === -1 ? argv : argv.slice(0, end);
  const mark = (text: string): string => `=${marks.push(text) - 1}`;
  const masked: string[] = [];
  let waiting: string | undefined; // a valued option whose value would be the next word
  for (const word of words) {
    const before = waiting;
    waiting = undefined;
    if (word === '-' || !word.startsWith('-') || (before !== undefined && /^-\.?\d/.test(word))) {
      masked.push(mark(word));
    } else if (word.startsWith('--')) {
      const equals = word.indexOf('=');
      const name = equals === -1 ? word : word.slice(0, equals);
      const k = keys.findIndex((key) => `--${flagName(key)}` === name);
      if (k === -1) throw unknownOption(name, table);
      if (equals !== -1 && table[keys[k]].kind === 'flag')
        throw usage(`${name} takes no value, got '${word.slice(equals + 1)}'`);
      masked.push(equals === -1 ? `--o${k}` : `--o${k}=${mark(word.slice(equals + 1))}`);
      if (equals === -1 && table[keys[k]].kind === 'value') waiting = name;
    } else {
      waiting = maskShort(word);
    }
  }
  return end === -1 ? masked : [...masked, '--', ...argv.slice(end + 1)];

  /** `-q`, `-qv`, `-o FILE`, `-oFILE`, `-o=FILE`. */
  function maskShort(word: string): string | undefined {
    for (let at = 1; at < word.length; at++) {
      const k = keys.findIndex((key) => table[key].short === word[at]);
      if (k === -1) throw unknownOption(`-${word[at]}`, table);
      const rest = word.slice(at + 1).replace(/^=/, '');
      if (table[keys[k]].kind === 'flag') {
        masked.push(`--o${k}`);
      } else {
        masked.push(rest === '' ? `--o${k}` : `--o${k}=${mark(rest)}`);
        return rest === '' ? `--${flagName(keys[k])}` : undefined;
      }
    }
    return undefined;
  }
}

function unmask(mark: unknown, marks: readonly string[]): string {
  return marks[Number(String(mark).slice(1))];
}

function unknownOption(name: string, table: OptionTable): AirError {
  const names = Object.keys(table).map((key) => `--${flagName(key)}`);
  const lower = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replaceAll('_', '-');
  const guess = name.startsWith('--') ? nearest(lower, names) : undefined;
  return usage(`unknown option ${name}`, guess === undefined ? '-h lists the options' : `did you mean ${guess}?`);
}

/** `found` is what cac made of one option: true without a value, a mark, or an array of these when it was repeated. */
function readValue(name: string, option: Option<unknown>, found: unknown, marks: readonly string[]): unknown {
  if (Array.isArray(found)) throw usage(`${name} is given ${found.length} times`);
  if (option.kind === 'flag') return true;
  if (typeof found !== 'string') throw usage(`${name}: its value is missing`, `write ${name} ${option.value}`);
  const text = unmask(found, marks);
  const value = option.parse(text);
  if (value === undefined) throw usage(`${name}: expected ${option.expects}, got '${text}'`);
  return value;
}

function readOperands(spec: CommandSpec, words: readonly string[]): ParsedOptions['operands'] {
  const values: Record<string, string | readonly string[] | undefined> = {};
  let next = 0;
  for (const operand of spec.operands) {
    const missing = next >= words.length;
    if (missing && operand.required) throw usage(`${operand.name} is missing: ${operand.help}`, usageLine(spec));
    if (operand.many) {
      values[operand.name] = words.slice(next);
      next = words.length;
    } else {
      values[operand.name] = missing ? operand.default : words[next++];
    }
  }
  const empty = words.indexOf('');
  if (empty !== -1) throw usage(`operand ${empty + 1} is empty`, usageLine(spec));
  if (next < words.length) throw usage(`one operand too many: '${words[next]}'`, usageLine(spec));
  return values as ParsedOptions['operands'];
}

/** `usage: air infer [options] MODEL [FILE]`. */
export function usageLine(spec: CommandSpec): string {
  const operand = ({ name, required, many }: Operand): string => {
    const text = many ? `${name}...` : name;
    return required ? text : `[${text}]`;
  };
  return ['usage: air', spec.name, '[options]', ...spec.operands.map(operand)].join(' ');
}
