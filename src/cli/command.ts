/**
 * What a command is: data (name, operands, options, examples) plus one function. The table of options is the only
 * place that knows an option's type, range, default and help; parsing, both helps and the tests on the table read it.
 *
 *     export const infer = defineCommand({
 *       name: 'infer',
 *       summary: 'explain each image: how many objects, where, and what they look like',
 *       operands: [{ name: 'MODEL', help: 'a checkpoint', required: true }, { name: 'FILE', help: 'images', default: '-' }],
 *       options: { samples: int({ default: 1, min: 1, value: 'N', help: 'posterior draws per image' }) },
 *       examples: [{ command: 'air infer air.safetensors scenes.air > latents.air', help: 'explain every scene' }],
 *       async run({ operands, options, given }, io) { ... options.samples is a number, operands.MODEL a string ... },
 *     });
 *
 * Keys are camelCase; on the command line `zPresPrior` is `--z-pres-prior`. `-q`, `-v`, `-h` and `--help` belong to every
 * command and are not written into the tables.
 */
import { describeBounds, describeRange, isWithin, type Range } from '../core/range.js';
import { AirError } from '../errors.js';
import type { Io } from '../io/io.js';

/** One option. `T` is what the command gets: the parsed value, or `undefined` where there is no default. */
export type Option<T> = {
  /** A flag takes no value and is `true` when given. */
  readonly kind: 'value' | 'flag';
  /** One line, starting in lower case, without a full stop. */
  readonly help: string;
  /** Name of the value in usage lines: `N`, `FILE`. Empty for flags. */
  readonly value: string;
  /** What a value must be, continuing "expected ...". */
  readonly expects: string;
  /** What `--help` says about the range; empty where the name of the value says it all. */
  readonly limits: string;
  /** Value when the option is not given. */
  readonly default: T;
  /** Says in words what happens without the option, where `default` is not set or is computed. */
  readonly defaultText?: string | undefined;
  /** One letter, without the dash. */
  readonly short?: string | undefined;
  /** Heading in `--help`; options are grouped by what one wants to do. */
  readonly group?: string | undefined;
  /** The value, or `undefined` when the text is not one. */
  parse(text: string): T | undefined;
  /** A text that parses to the value. */
  format(value: T): string;
};

export type OptionTable = Readonly<Record<string, Option<unknown>>>;

/** A positional argument. At most the last one may be `many`; optional ones follow required ones. */
export type Operand = {
  readonly name: string;
  readonly help: string;
  readonly required?: boolean;
  readonly default?: string;
  readonly many?: boolean;
};

export type Example = { readonly command: string; readonly help: string };

/** What another program calls an option (see spellings.ts). */
export type Spelling = {
  /** With its dashes. */
  readonly name: string;
  /** The words in its place; the value, if it takes one, is that of the last. */
  readonly means: readonly string[];
  /** It takes a `value`; or `values`, one or more whole numbers, which are one list here. */
  readonly takes?: 'value' | 'values';
  /** The value as it is written here. */
  readonly value?: (text: string) => string;
};

export type OptionValues<O extends OptionTable> = { readonly [K in keyof O]: O[K]['default'] };

type OperandValue<P extends Operand> = P extends { many: true }
  ? readonly string[]
  : P extends { required: true } | { default: string }
    ? string
    : string | undefined;

export type OperandValues<P extends readonly Operand[]> = {
  readonly [E in P[number] as E['name']]: OperandValue<E>;
};

export type Args<O extends OptionTable, P extends readonly Operand[]> = {
  readonly options: OptionValues<O>;
  readonly operands: OperandValues<P>;
  /** Keys of the options that stood on the command line, whatever their value. */
  readonly given: ReadonlySet<string>;
  /** -q. */
  readonly quiet: boolean;
};

type Definition<O extends OptionTable, P extends readonly Operand[]> = {
  readonly name: string;
  /** One line for the list of commands, in lower case, without a full stop. */
  readonly summary: string;
  /** Paragraphs for `--help`: what is read, what is written, what to know. */
  readonly description?: string;
  readonly operands: P;
  readonly options: O;
  readonly examples: readonly Example[];
  /** What another program, whose users come here, calls some options. */
  readonly spellings?: readonly Spelling[];
  /** Names of related commands. */
  readonly seeAlso?: readonly string[];
  /** True if `run` watches `io.interrupted` and ends by itself; otherwise a signal ends the command at once. */
  readonly handlesInterrupt?: boolean;
  run(args: Args<O, P>, io: Io): Promise<void>;
};

export type CommandSpec = Definition<OptionTable, readonly Operand[]>;

/** Checks a command's types and infers those of `args` in `run` from its tables. */
export function defineCommand<const O extends OptionTable, const P extends readonly Operand[]>(
  definition: Definition<O, P>,
): CommandSpec {
  return definition as unknown as CommandSpec;
}

/** `zPresPrior` -> `z-pres-prior`. */
export function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

type Settings<D> = {
  help: string;
  default?: D;
  defaultText?: string;
  value?: string;
  short?: string;
  group?: string;
};

/** The base of all valued options, for kinds that only one command needs. */
export function valued<T, D extends T | undefined = undefined>(
  settings: Settings<D> & {
    expects: string;
    limits?: string;
    parse(text: string): T | undefined;
    format?(value: T): string;
  },
): Option<T | D> {
  const format = settings.format ?? String;
  return {
    kind: 'value',
    help: settings.help,
    value: settings.value ?? 'VALUE',
    expects: settings.expects,
    limits: settings.limits ?? '',
    default: settings.default as T | D,
    defaultText: settings.defaultText,
    short: settings.short,
    group: settings.group,
    parse: settings.parse,
    format: (value) => format(value as T),
  };
}

/** The number a decimal text stands for (`7`, `007`, `1e-4`, `.5`), never by way of hexadecimal, blanks or "Infinity". */
function parseDecimal(text: string): number | undefined {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

/** A number in a range; `isWhole` decides what it is called. `1e5` is a whole number, `1.5` is not. */
export function number<D extends number | undefined = undefined>(settings: Settings<D> & Range): Option<number | D> {
  return valued<number, D>({
    value: settings.isWhole ? 'N' : 'X',
    ...settings,
    expects: describeRange(settings),
    limits: describeBounds(settings),
    parse(text) {
      const value = parseDecimal(text);
      return value !== undefined && isWithin(value, settings) ? value : undefined;
    },
  });
}

/** A whole number. */
export function int<D extends number | undefined = undefined>(
  settings: Settings<D> & { min?: number; max?: number },
): Option<number | D> {
  return number({ ...settings, isWhole: true });
}

/** A finite number. */
export function float<D extends number | undefined = undefined>(
  settings: Settings<D> & Omit<Range, 'isWhole'>,
): Option<number | D> {
  return number(settings);
}

/** How many, or `inf` for without end (`Infinity`). */
export function countOrInf<D extends number | undefined = undefined>(
  settings: Settings<D> & { min?: number },
): Option<number | D> {
  const whole = int({ help: settings.help, min: settings.min ?? 0 });
  return valued<number, D>({
    value: 'N|inf',
    ...settings,
    expects: `${whole.expects}, or inf`,
    limits: whole.limits,
    parse: (text) => (text === 'inf' ? Number.POSITIVE_INFINITY : whole.parse(text)),
    format: (value) => (value === Number.POSITIVE_INFINITY ? 'inf' : String(value)),
  });
}

/** A time span in seconds, written `90`, `90s`, `10m`, `2h` or `1h30m`; never 0. */
export function duration<D extends number | undefined = undefined>(settings: Settings<D>): Option<number | D> {
  return valued<number, D>({
    value: 'TIME',
    ...settings,
    expects: 'a time above 0 such as 90s, 10m or 1h30m',
    limits: 'such as 90s, 10m or 1h30m',
    parse(text) {
      if (/^\d+$/.test(text)) return Number(text) || undefined;
      const parts = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
      if (parts === null) return undefined;
      const [days, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0));
      return ((days * 24 + hours) * 60 + minutes) * 60 + seconds || undefined;
    },
    format: (seconds) => `${seconds}s`,
  });
}

/** A file or folder name; `-` may mean stdin or stdout, as the command says. */
export function file<D extends string | undefined = undefined>(settings: Settings<D>): Option<string | D> {
  return valued<string, D>({
    value: 'FILE',
    ...settings,
    expects: 'a name that is not empty',
    parse: (value) => (value === '' || value.includes('\0') ? undefined : value),
  });
}

/** One of a few words. */
export function choice<const C extends readonly string[], D extends C[number] | undefined = undefined>(
  choices: C,
  settings: Settings<D>,
): Option<C[number] | D> {
  return valued<C[number], D>({
    value: choices.join('|'),
    ...settings,
    expects: `one of ${choices.join(', ')}`,
    parse: (value) => choices.find((one) => one === value),
  });
}

/** `on` or `off`, for a switch that is on unless said otherwise, or whose default is another's business. */
export function onOff<D extends boolean | undefined = undefined>(settings: Settings<D>): Option<boolean | D> {
  return valued<boolean, D>({
    value: 'on|off',
    ...settings,
    expects: 'on or off',
    parse: (value) => (value === 'on' || value === 'off' ? value === 'on' : undefined),
    format: (value) => (value ? 'on' : 'off'),
  });
}

/** Some of a few words, separated by commas, in the order given, none twice. */
export function list<const C extends readonly string[], D extends readonly C[number][] | undefined = undefined>(
  choices: C,
  settings: Settings<D>,
): Option<readonly C[number][] | D> {
  return valued<readonly C[number][], D>({
    value: 'A,B,...',
    ...settings,
    expects: `some of ${choices.join(', ')}, separated by commas`,
    limits: `of ${choices.join(', ')}`,
    parse(value) {
      const words = value.split(',');
      return new Set(words).size === words.length && words.every((word) => choices.includes(word)) ? words : undefined;
    },
    format: (words) => words.join(','),
  });
}

/** A set of whole numbers, `0..2` or `0,1,3` or both mixed, as an ascending list; none twice. */
export function range<D extends readonly number[] | undefined = undefined>(
  settings: Settings<D> & { min: number; max: number },
): Option<readonly number[] | D> {
  return valued<readonly number[], D>({
    value: 'A..B|A,B,...',
    ...settings,
    expects: `whole numbers ${describeBounds(settings)}, as 0..2 or 0,1,3`,
    limits: describeBounds(settings),
    parse(value) {
      const numbers: number[] = [];
      for (const part of value.split(',')) {
        const ends = /^(\d{1,9})(?:\.\.(\d{1,9}))?$/.exec(part);
        if (ends === null) return undefined;
        const [first, last] = [Number(ends[1]), Number(ends[2] ?? ends[1])];
        if (first > last || first < settings.min || last > settings.max) return undefined;
        for (let number = first; number <= last; number++) numbers.push(number);
      }
      numbers.sort((a, b) => a - b);
      return numbers.some((number, i) => number === numbers[i - 1]) ? undefined : numbers;
    },
    format: (numbers) => numbers.join(','),
  });
}

/** A switch: `false` unless given. */
export function flag(settings: { help: string; short?: string; group?: string }): Option<boolean> {
  return {
    ...settings,
    kind: 'flag',
    value: '',
    expects: 'no value',
    limits: '',
    default: false,
    parse: () => true,
    format: String,
  };
}

/** For checks between options that the table cannot express: `throw usage('--a and --b exclude each other')`. */
export function usage(message: string, hint?: string): AirError {
  return new AirError('usage', message, hint);
}
