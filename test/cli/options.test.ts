/** Options and operands: what is read of a command line, and what is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  choice,
  countOrInf,
  defineCommand,
  duration,
  file,
  flag,
  float,
  int,
  list,
  range,
  valued,
} from '#air/cli/command.js';
import { helpAskedFor, parseOptions, usageLine } from '#air/cli/options.js';
import { AirError } from '#air/errors.js';

const spec = defineCommand({
  name: 'try',
  summary: 'a command for tests',
  operands: [
    { name: 'MODEL', help: 'a checkpoint', required: true },
    { name: 'FILE', help: 'images', default: '-' },
  ],
  options: {
    seed: int({ default: 0, min: 0, max: 10_000_000, help: 'seed' }),
    batchSize: int({ default: 64, min: 1, help: 'batch' }),
    zPresPrior: float({ above: 0, below: 1, help: 'prior' }),
    posPriorMean: float({ default: 0, help: 'mean' }),
    digits: file({ value: 'DIR', help: 'digits' }),
    name: valued<string>({ help: 'a name', expects: 'a text', parse: (value) => value }),
    objects: range({ min: 0, max: 9, default: [0, 1, 2], help: 'how many' }),
    count: countOrInf({ default: 60000, min: 1, help: 'scenes' }),
    maxTime: duration({ help: 'stop' }),
    mode: choice(['mean', 'sample'], { default: 'mean', help: 'mode' }),
    rows: list(['input', 'steps'], { default: ['input'], help: 'rows' }),
    json: flag({ help: 'json' }),
    noProvenance: flag({ help: 'no provenance' }),
    output: file({ short: 'o', help: 'output' }),
  },
  examples: [],
  async run() {},
});

type Parsed = { options: Record<string, unknown>; operands: Record<string, unknown>; given: string[] };

function parse(...argv: string[]): Parsed {
  const { options, operands, given } = parseOptions(spec, argv);
  return { options, operands, given: [...given].sort() };
}

test('without options every one has its default', () => {
  const { options, operands, given } = parse('m');
  assert.deepEqual(operands, { MODEL: 'm', FILE: '-' });
  assert.deepEqual(given, []);
  assert.equal(options.batchSize, 64);
  assert.equal(options.zPresPrior, undefined);
  assert.deepEqual(options.objects, [0, 1, 2]);
  assert.equal(options.noProvenance, false);
});

// [what, argv after the operand, key, value]
const values: [string, string[], string, unknown][] = [
  ['leading zeros are decimal', ['--seed', '007'], 'seed', 7],
  ['an int may be written with an exponent', ['--batch-size', '1e3'], 'batchSize', 1000],
  ['a value with = is the same', ['--batch-size=128'], 'batchSize', 128],
  ['a float', ['--z-pres-prior', '1e-6'], 'zPresPrior', 1e-6],
  ['a float without a leading zero', ['--z-pres-prior', '.5'], 'zPresPrior', 0.5],
  ['a negative value after =', ['--pos-prior-mean=-1.5'], 'posPriorMean', -1.5],
  ['a negative value after a blank', ['--pos-prior-mean', '-1.5'], 'posPriorMean', -1.5],
  ['a negative fraction after a blank', ['--pos-prior-mean', '-.5'], 'posPriorMean', -0.5],
  ['a name that looks like a number stays a text', ['--digits', '1e5'], 'digits', '1e5'],
  ['a text that looks like hexadecimal too', ['--name', '0x10'], 'name', '0x10'],
  ['an empty text', ['--name='], 'name', ''],
  ['a text with = in it', ['--name=a=b=c'], 'name', 'a=b=c'],
  ['a text that looks like an option, after =', ['--name=--json'], 'name', '--json'],
  ['a text with blanks', ['--name', ' a  b '], 'name', ' a  b '],
  ['the words true and false are texts', ['--name', 'false'], 'name', 'false'],
  ['a range', ['--objects', '0..2'], 'objects', [0, 1, 2]],
  ['a list of numbers', ['--objects', '3,0,1'], 'objects', [0, 1, 3]],
  ['both', ['--objects', '0,2..4'], 'objects', [0, 2, 3, 4]],
  ['inf', ['--count', 'inf'], 'count', Number.POSITIVE_INFINITY],
  ['seconds', ['--max-time', '90'], 'maxTime', 90],
  ['minutes', ['--max-time', '10m'], 'maxTime', 600],
  ['hours', ['--max-time', '2h'], 'maxTime', 7200],
  ['mixed units', ['--max-time', '1h30m'], 'maxTime', 5400],
  ['a choice', ['--mode', 'sample'], 'mode', 'sample'],
  ['a list of words, in the order given', ['--rows', 'steps,input'], 'rows', ['steps', 'input']],
  ['a flag', ['--json'], 'json', true],
  ['a flag whose name begins with no-', ['--no-provenance'], 'noProvenance', true],
  ['- as a value', ['--output', '-'], 'output', '-'],
  ['a short option', ['-o', 'x.air'], 'output', 'x.air'],
  ['a short option and - ', ['-o', '-'], 'output', '-'],
  ['a short option with its value attached', ['-ox.air'], 'output', 'x.air'],
  ['a short option with =', ['-o=x.air'], 'output', 'x.air'],
  ['a cluster that ends with a valued option', ['-vo', '1.5'], 'output', '1.5'],
];
for (const [what, argv, key, value] of values) {
  test(`${what}: ${argv.join(' ')}`, () => {
    for (const line of [
      ['m', ...argv],
      [...argv, 'm'],
    ]) {
      const parsed = parse(...line);
      assert.deepEqual(parsed.options[key], value);
      assert.deepEqual(parsed.operands, { MODEL: 'm', FILE: '-' });
      assert.ok(parsed.given.includes(key));
    }
  });
}

test('operands keep their texts, whatever they look like', () => {
  assert.deepEqual(parse('007', '1e5').operands, { MODEL: '007', FILE: '1e5' });
  assert.deepEqual(parse('--json', 'true', 'false').operands, { MODEL: 'true', FILE: 'false' });
  assert.deepEqual(parse('=5', '-').operands, { MODEL: '=5', FILE: '-' });
  assert.deepEqual(parse('--', '--json', '-').operands, { MODEL: '--json', FILE: '-' });
  assert.deepEqual(parse('a', '--json', '--', '-1').operands, { MODEL: 'a', FILE: '-1' });
  assert.deepEqual(parse('--', '--', '007').operands, { MODEL: '--', FILE: '007' });
});

test('an option given its default value counts as given', () => {
  assert.deepEqual(parse('m', '--seed', '0').given, ['seed']);
});

// [argv, message, hint]
const refusals: [string[], string, RegExp?][] = [
  [[], 'MODEL is missing: a checkpoint', /usage: air try \[options\] MODEL \[FILE\]/],
  [['m', 'f', 'g'], "one operand too many: 'g'"],
  [['m', ''], 'operand 2 is empty'],
  [['m', '--sede', '1'], 'unknown option --sede', /did you mean --seed\?/],
  [['m', '--batch', '1'], 'unknown option --batch', /did you mean --batch-size\?/],
  [['m', '--batchSize', '1'], 'unknown option --batchSize', /did you mean --batch-size\?/],
  [['m', '--z_pres_prior=1'], 'unknown option --z_pres_prior', /did you mean --z-pres-prior\?/],
  [['m', '--no-json'], 'unknown option --no-json'],
  [['m', '--provenance'], 'unknown option --provenance', /did you mean --no-provenance\?/],
  [['m', '--quux'], 'unknown option --quux', /-h lists the options/],
  [['m', '--a.b=3'], 'unknown option --a.b'],
  [['m', '--__proto__=3'], 'unknown option --__proto__'],
  [['m', '--constructor'], 'unknown option --constructor'],
  [['m', '---seed=3'], 'unknown option ---seed', /did you mean --seed\?/],
  [['m', '-x'], 'unknown option -x'],
  [['m', '-qx'], 'unknown option -x'],
  [['m', '-seed'], 'unknown option -s'],
  [['m', '--seed', '1', '--seed=1'], '--seed is given 2 times'],
  [['m', '--json', '--json'], '--json is given 2 times'],
  [['m', '--no-provenance', '--no-provenance'], '--no-provenance is given 2 times'],
  [['m', '-o', 'a', '--output', 'b'], '--output is given 2 times'],
  [['m', '--name', 'a', '--name', 'b', '--name', 'c'], '--name is given 3 times'],
  [['m', '--json=yes'], "--json takes no value, got 'yes'"],
  [['m', '--seed'], '--seed: its value is missing', /write --seed N/],
  [['m', '--seed', '--json'], '--seed: its value is missing'],
  [['m', '--seed', '--', '3'], '--seed: its value is missing'],
  [['m', '-o'], '--output: its value is missing', /write --output FILE/],
  [['m', '--seed='], "--seed: expected a whole number from 0 to 10000000, got ''"],
  [['m', '--seed=-1'], "--seed: expected a whole number from 0 to 10000000, got '-1'"],
  [['m', '--seed=10000001'], "--seed: expected a whole number from 0 to 10000000, got '10000001'"],
  [['m', '--seed=1.5'], "--seed: expected a whole number from 0 to 10000000, got '1.5'"],
  [['m', '--seed=0x10'], "--seed: expected a whole number from 0 to 10000000, got '0x10'"],
  [['m', '--seed=NaN'], "--seed: expected a whole number from 0 to 10000000, got 'NaN'"],
  [['m', '--seed= 1'], "--seed: expected a whole number from 0 to 10000000, got ' 1'"],
  [['m', '--batch-size=0'], "--batch-size: expected a whole number at least 1, got '0'"],
  [['m', '--batch-size=1e400'], "--batch-size: expected a whole number at least 1, got '1e400'"],
  [['m', '--z-pres-prior=0'], "--z-pres-prior: expected a number above 0 and below 1, got '0'"],
  [['m', '--z-pres-prior=1'], "--z-pres-prior: expected a number above 0 and below 1, got '1'"],
  [['m', '--z-pres-prior=nan'], "--z-pres-prior: expected a number above 0 and below 1, got 'nan'"],
  [['m', '--pos-prior-mean=Infinity'], "--pos-prior-mean: expected a number, got 'Infinity'"],
  [['m', '--pos-prior-mean=1e999'], "--pos-prior-mean: expected a number, got '1e999'"],
  [['m', '--digits='], "--digits: expected a name that is not empty, got ''"],
  [['m', '--objects=2..0'], "--objects: expected whole numbers from 0 to 9, as 0..2 or 0,1,3, got '2..0'"],
  [['m', '--objects=0,0'], "--objects: expected whole numbers from 0 to 9, as 0..2 or 0,1,3, got '0,0'"],
  [['m', '--objects=0..10'], "--objects: expected whole numbers from 0 to 9, as 0..2 or 0,1,3, got '0..10'"],
  [['m', '--objects=1,'], "--objects: expected whole numbers from 0 to 9, as 0..2 or 0,1,3, got '1,'"],
  [['m', '--count=0'], "--count: expected a whole number at least 1, or inf, got '0'"],
  [['m', '--max-time=0'], "--max-time: expected a time above 0 such as 90s, 10m or 1h30m, got '0'"],
  [['m', '--max-time='], "--max-time: expected a time above 0 such as 90s, 10m or 1h30m, got ''"],
  [['m', '--max-time=1x'], "--max-time: expected a time above 0 such as 90s, 10m or 1h30m, got '1x'"],
  [['m', '--mode=Mean'], "--mode: expected one of mean, sample, got 'Mean'"],
  [['m', '--rows=input,input'], "--rows: expected some of input, steps, separated by commas, got 'input,input'"],
  [['m', '-qv'], '--quiet and --verbose exclude each other'],
];
for (const [argv, message, hint] of refusals) {
  test(`refused: air try ${argv.join(' ')}`, () => {
    assert.throws(
      () => parse(...argv),
      (error: unknown) => {
        assert.ok(error instanceof AirError);
        assert.equal(error.message, message);
        assert.equal(error.exitCode, 64);
        if (hint !== undefined) assert.match(error.hint ?? '', hint);
        return true;
      },
    );
  });
}

test('a last operand may take many words', () => {
  const many = defineCommand({
    ...{ name: 'many', summary: '', options: {}, examples: [] },
    operands: [{ name: 'FILES', help: 'files', required: true, many: true }],
    async run() {},
  });
  assert.deepEqual(parseOptions(many, ['a', '1', '-']).operands, { FILES: ['a', '1', '-'] });
  assert.throws(() => parseOptions(many, []), /FILES is missing/);
  assert.equal(usageLine(many), 'usage: air many [options] FILES...');
});

test('-q and -v are set apart from the options', () => {
  assert.equal(parseOptions(spec, ['m', '-q']).quiet, true);
  assert.equal(parseOptions(spec, ['m', '--verbose']).verbose, true);
  assert.deepEqual(Object.keys(parseOptions(spec, ['m']).options), Object.keys(spec.options));
});

test('help is asked for anywhere before --', () => {
  assert.equal(helpAskedFor(['m', '--bogus', '-h']), 'short');
  assert.equal(helpAskedFor(['-h', '--help']), 'full');
  assert.equal(helpAskedFor(['m', '--', '--help']), undefined);
  assert.equal(helpAskedFor(['--helpless']), undefined);
  for (const cluster of ['-vh', '-qh', '-hv', '-qvh']) assert.equal(helpAskedFor(['m', cluster]), 'short', cluster);
  assert.equal(helpAskedFor(['-ohead', '-b=h']), undefined);
  assert.equal(helpAskedFor(['--', '-vh']), undefined);
});
