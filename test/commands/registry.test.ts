/** The tables of all commands: what every one of them promises. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { type CommandSpec, flagName } from '#air/cli/command.js';
import { fullHelp, shortHelp } from '#air/cli/help.js';
import { allOptions, helpAskedFor, parseOptions } from '#air/cli/options.js';
import { commandNames, loadCommand } from '#air/cli/registry.js';
import { REGISTRY } from '#air/commands/registry.js';

const COMMAND_NAMES = commandNames(REGISTRY);

const specs: CommandSpec[] = [];
before(async () => {
  for (const name of COMMAND_NAMES) specs.push((await loadCommand(REGISTRY, name)) as CommandSpec);
});

test('every command is listed under its own name, with a one-line summary and examples', () => {
  assert.deepEqual(
    specs.map(({ name }) => name),
    COMMAND_NAMES,
  );
  assert.equal(new Set(COMMAND_NAMES).size, COMMAND_NAMES.length);
  for (const { name, summary, examples, seeAlso } of specs) {
    assert.match(summary, /^[a-z][^\n]{10,}[^.\n]$/, name);
    assert.ok(examples.length > 0, name);
    for (const other of seeAlso ?? []) assert.ok(COMMAND_NAMES.includes(other) && other !== name, `${name}: ${other}`);
  }
});

test('option names and letters are unique and well formed', () => {
  for (const spec of specs) {
    const options = Object.entries(allOptions(spec));
    const flags = options.map(([key]) => flagName(key));
    const letters = options.flatMap(([, { short }]) => short ?? []);
    assert.equal(new Set(flags).size, flags.length, spec.name);
    assert.equal(new Set(letters).size, letters.length, spec.name);
    for (const flag of flags) assert.match(flag, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
    for (const letter of letters) assert.match(letter, /^[a-zA-Z]$/);
  }
});

test('every option says what it is, and every value has a name', () => {
  for (const spec of specs) {
    for (const [key, { help, value, kind, expects }] of Object.entries(allOptions(spec))) {
      assert.match(help, /^\S[^\n]+[^.\s]$/, `${spec.name} ${key}`);
      assert.equal(value === '', kind === 'flag', `${spec.name} ${key}`);
      assert.ok(expects !== '', `${spec.name} ${key}`);
    }
  }
});

test('every default is a value that the option itself would take', () => {
  for (const spec of specs) {
    for (const [key, option] of Object.entries(spec.options)) {
      if (option.kind === 'flag') assert.equal(option.default, false);
      else if (option.default !== undefined) {
        assert.deepEqual(option.parse(option.format(option.default)), option.default, `${spec.name} ${key}`);
      }
    }
  }
});

test('operands: those that may be missing come last, and only the last may be many', () => {
  for (const { name, operands } of specs) {
    const required = operands.map((operand) => operand.required === true);
    assert.deepEqual(required, [...required].sort().reverse(), name);
    assert.ok(
      operands.slice(0, -1).every((operand) => operand.many !== true),
      name,
    );
  }
});

test('help fits 80 columns', () => {
  for (const spec of specs) {
    const [text] = fullHelp(spec).split('\nExamples\n');
    for (const line of [...text.split('\n'), ...shortHelp(spec).split('\n')]) assert.ok(line.length <= 80, line);
  }
});

/** The words of each `air` command in a line of shell: enough for the examples, which quote with '...' only. */
function airCommands(line: string): string[][] {
  const words = line.match(/'[^']*'|[^\s']+/g) ?? [];
  const commands: string[][] = [];
  let current: string[] | undefined;
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === '#') break;
    if (['|', '||', '&&', ';'].includes(word)) current = undefined;
    else if (['>', '<', '2>'].includes(word)) at++;
    else if (word === 'air' && current === undefined) {
      current = [];
      commands.push(current);
    } else current?.push(word.replaceAll("'", ''));
  }
  return commands;
}

test('every example is a line that its commands would take', async () => {
  for (const { name, examples } of specs) {
    let own = 0;
    for (const { command } of examples) {
      for (const [other, ...argv] of airCommands(command)) {
        const spec = await loadCommand(REGISTRY, other);
        assert.ok(spec, command);
        assert.doesNotThrow(() => parseOptions(spec, argv), command);
        if (other === name) own++;
      }
    }
    assert.ok(own >= examples.length, `the examples of ${name} show ${name}`);
  }
});

test('every command line of the README is one that its commands would take', async () => {
  const lines = readFileSync('README.md', 'utf8').split('\n');
  const shown = [
    ...lines.filter((line) => line.startsWith('    air ')),
    ...lines.flatMap((line) => [...line.matchAll(/`(air [^`]*)`/g)].map(([, command]) => command)),
  ].filter((line) => !/[A-Z]{4}/.test(line)); // `air COMMAND -h` stands for many
  assert.ok(shown.length > 10);
  for (const line of shown) {
    for (const [name, ...argv] of airCommands(line)) {
      if (argv.length === 0 || helpAskedFor(argv)) continue;
      const spec = await loadCommand(REGISTRY, name);
      assert.ok(spec, line);
      assert.doesNotThrow(() => parseOptions(spec, argv), line);
    }
  }
});
