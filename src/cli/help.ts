/** Both helps of a command, and the list of commands, as text. Width is fixed: the same everywhere, fit for 80 columns. */
import { type CommandSpec, flagName, type Option } from './command.js';
import { allOptions, usageLine } from './options.js';

const WIDTH = 80;

/** `-h`: usage and one line per option. */
export function shortHelp(spec: CommandSpec): string {
  const rows = Object.entries(allOptions(spec)).map(([key, option]): Row => [optionNames(key, option), option.help]);
  return `${heading(spec)}${table(rows)}\nair ${spec.name} --help says more, with examples\n`;
}

/** `--help`: what it reads and writes, options by intent with ranges and defaults, examples, related commands. */
export function fullHelp(spec: CommandSpec): string {
  const parts = [heading(spec)];
  if (spec.operands.length > 0) {
    const rows = spec.operands.map(({ name, help, default: value }): Row => {
      return [name, value === undefined ? help : `${help} (default: ${value === '-' ? 'stdin' : value})`];
    });
    parts.push(`${table(rows)}\n`);
  }
  if (spec.description !== undefined) {
    const paragraphs = spec.description.trim().split(/\n\s*\n/);
    parts.push(`${paragraphs.map((paragraph) => wrap(paragraph.trim(), WIDTH).join('\n')).join('\n\n')}\n\n`);
  }
  const groups = new Map<string, Row[]>();
  for (const [key, option] of Object.entries(allOptions(spec))) {
    const group = option.group ?? 'Options';
    const rows = groups.get(group) ?? [];
    groups.set(group, rows);
    rows.push([optionNames(key, option), [option.help, ...remarks(option)].join(' ')]);
  }
  const column = columnFor([...groups.values()].flat());
  for (const [group, rows] of groups) parts.push(`${group}\n${table(rows, column)}\n`);
  parts.push('Examples\n');
  for (const { command, help } of spec.examples) parts.push(`  # ${help}\n  ${command}\n`);
  if (spec.seeAlso !== undefined && spec.seeAlso.length > 0) {
    parts.push(`\nSee also: ${spec.seeAlso.map((name) => `air ${name}`).join(', ')}\n`);
  }
  return parts.join('');
}

export type CommandGroup = { readonly title: string; readonly commands: readonly CommandSpec[] };

/** `air -h` and `air --help`: the commands by what one wants to do. */
export function overview(groups: readonly CommandGroup[], kind: 'short' | 'full'): string {
  const parts = [
    'air: Attend-Infer-Repeat, learns to see how many objects an image holds and where\n\nusage: air COMMAND [options] [FILE]\n',
  ];
  for (const { title, commands } of groups) {
    parts.push(`\n${title}\n${table(commands.map(({ name, summary }): Row => [name, summary]))}`);
  }
  parts.push('\nair COMMAND -h lists its options; --help says more, with examples\n');
  if (kind === 'full') parts.push(OVERVIEW_MORE);
  return parts.join('');
}

const OVERVIEW_MORE = `
Examples
  # make scenes, learn from them without labels, draw and score what is seen
  air gen-data -o train.air
  air train train.air -o air.safetensors
  air gen-data --split test --count 10000 | air infer air.safetensors -o seen.air
  air render seen.air -o seen.png
  air eval seen.air

Files and pipes
  Data goes to stdout or -o FILE, messages to stderr. - or no FILE is stdin. A
  FILE appears under its name only when it is complete. Streams can be joined
  with cat and compressed with gzip.

Exit codes
  0    done, or the reader of the pipe went away
  1    ran, and the answer is no
  64   the command line is wrong
  65   the data is damaged, empty or of another kind
  66   no such input
  69   the compute backend does not work here
  70   a bug in air
  73   the output cannot be created, or another run is writing it
  74   reading or writing failed: disk full, I/O error
  75   stopped early, state saved; the same command goes on
  130  interrupted (129: the terminal went away; 143: terminated)
`;

type Row = readonly [left: string, right: string];

function heading(spec: CommandSpec): string {
  return `${wrap(`air ${spec.name}: ${spec.summary}`, WIDTH).join('\n')}\n\n${usageLine(spec)}\n\n`;
}

/** `-o, --output FILE`; options without a letter are indented to line up. */
function optionNames(key: string, option: Option<unknown>): string {
  const letter = option.short === undefined ? '    ' : `-${option.short}, `;
  return `${letter}--${flagName(key)}${option.value === '' ? '' : ` ${option.value}`}`;
}

/** `(at least 1; default: 3)`, or nothing. */
function remarks(option: Option<unknown>): string[] {
  const parts = option.limits === '' ? [] : [option.limits];
  if (option.defaultText !== undefined) parts.push(`default: ${option.defaultText}`);
  else if (option.kind === 'value' && option.default !== undefined)
    parts.push(`default: ${option.format(option.default)}`);
  return parts.length === 0 ? [] : [`(${parts.join('; ')})`];
}

/** Two columns; a left side too long for its column gets a line of its own. */
function table(rows: readonly Row[], column = columnFor(rows)): string {
  const lines = rows.flatMap(([left, right]) => {
    const text = wrap(right, WIDTH - column);
    const first = left.length + 4 <= column ? [`  ${left}`.padEnd(column) + (text.shift() ?? '')] : [`  ${left}`];
    return [...first, ...text.map((line) => ' '.repeat(column) + line)];
  });
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

function columnFor(rows: readonly Row[]): number {
  return Math.max(...rows.map(([left]) => left.length).filter((length) => length <= 26), 0) + 4;
}

/** Lines of so many characters at most, but for longer words. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
