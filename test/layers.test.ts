/** The shape of the source: who may import whom, and the house rules a machine can check. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { commandNames } from '#air/cli/registry.js';
import { REGISTRY } from '#air/commands/registry.js';

const SRC = resolve('src');

/** What each folder of src may import from the others; itself and errors.ts go without saying. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'errors.ts': [],
  core: [],
  formats: ['core'],
  data: ['core'],
  scores: ['formats', 'core'], // the log of a training is scores over time
  probe: ['core'],
  render: ['scores', 'formats', 'core'], // pages show scores
  train: ['scores', 'formats', 'core'],
  'presets.ts': ['train', 'core'],
  'shipped.ts': [],
  'load-model.ts': ['train', 'formats', 'core'],
  backends: ['core'],
  threads: ['backends', 'train', 'data', 'formats', 'core'],
  bench: ['threads', 'backends', 'train', 'core'],
  io: [],
  cli: ['io', 'core'], // what a range of numbers is
  commands: [
    ...['cli', 'io', 'bench', 'threads', 'backends', 'presets.ts', 'train', 'render', 'probe', 'scores', 'data'],
    ...['formats', 'core', 'shipped.ts'],
  ],
  'main.ts': ['commands', 'cli'],
  'index.ts': [
    ...[
      'presets.ts',
      'shipped.ts',
      'load-model.ts',
      'backends',
      'train',
      'render',
      'scores',
      'data',
      'formats',
      'core',
    ],
  ],
};

/** What backends may know of core: the ops they have kernels for. */
const OPS = 'core/ops/';

/** Packages, by folder. `node:` stands for all of Node's own modules. */
const MAY_USE: Record<string, readonly string[]> = {
  core: ['@tensorflow/tfjs'],
  formats: ['fflate', 'msgpackr', 'pngjs'],
  probe: ['@tensorflow/tfjs'],
  // Node for reading parts of packages that are files, not modules: a font, the rasteriser.
  render: ['node:', 'vega', '@resvg/resvg-wasm'],
  train: ['@tensorflow/tfjs'],
  backends: ['node:', '@tensorflow/', 'webgpu', 'assemblyscript'],
  threads: ['node:', '@tensorflow/tfjs'],
  bench: ['node:', '@tensorflow/tfjs'],
  io: ['node:', 'cli-progress'],
  cli: ['node:', 'cac'],
  commands: ['@tensorflow/tfjs'],
  'load-model.ts': ['node:', '@tensorflow/tfjs'],
};

type Import = { from: string; specifier: string; kind: 'static' | 'dynamic' | 'type' };

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
}

/** Sources of the program; the AssemblyScript kernels are another language. */
const files = filesUnder(SRC).filter((file) => !/^(backends\/wasm|data)\/kernels\//.test(file));

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1');
}

function importsOf(file: string): Import[] {
  const text = withoutComments(readFileSync(join(SRC, file), 'utf8'));
  const found: Import[] = [];
  for (const [, type, names, specifier] of text.matchAll(
    /^(?:import|export)\s+(type\s+)?(?:([\w*\s{},]+?)\s+from\s+)?'([^']+)'/gm,
  )) {
    // `import { type A, type B }` loads nothing of its own, but is kept at run time: it counts as static.
    found.push({ from: file, specifier, kind: type === undefined || names === undefined ? 'static' : 'type' });
  }
  // An optional package is named by a constant, so that tsc does not ask for it.
  for (const [, literal, constant] of text.matchAll(/\bimport\(\s*(?:'([^']+)'|([A-Z_]+))\s*\)/g)) {
    const specifier = literal ?? new RegExp(`^const ${constant}(?:: string)? = '([^']+)'`, 'm').exec(text)?.[1];
    if (specifier !== undefined) found.push({ from: file, specifier, kind: 'dynamic' });
  }
  return found;
}

const imports = files.flatMap(importsOf);
const isRelative = ({ specifier }: Import): boolean => specifier.startsWith('.');
const layerOf = (file: string): string => file.split('/')[0];

/** `cli/io.ts` for `./io.js` in `cli/main.ts`. */
function targetOf({ from, specifier }: Import): string {
  return join(dirname(from), specifier).replace(/\.js$/, '.ts');
}

test('every import is seen', () => {
  for (const file of files) {
    const text = withoutComments(readFileSync(join(SRC, file), 'utf8'));
    const words = text.match(/^import\b|\bimport\s*\(|^export\s[^;'=]*\sfrom\s'/gm)?.length ?? 0;
    assert.equal(imports.filter(({ from }) => from === file).length, words, file);
  }
  assert.ok(imports.length > 50);
  const targets = imports.filter(isRelative).map(targetOf);
  assert.deepEqual(
    targets.filter((target) => !files.includes(target)),
    [],
    'imports of files that are not there',
  );
});

test('folders import only what is below them', () => {
  const wrong = imports.filter(isRelative).filter((one) => {
    const [from, to] = [layerOf(one.from), layerOf(targetOf(one))];
    if (from === to || to === 'errors.ts') return false;
    return !MAY_IMPORT[from]?.includes(to) || (from === 'backends' && !targetOf(one).startsWith(OPS));
  });
  assert.deepEqual(wrong, []);
});

test('packages are used only where they belong', () => {
  const wrong = imports.filter((one) => {
    const allowed = MAY_USE[layerOf(one.from)] ?? [];
    return !isRelative(one) && !allowed.some((name) => one.specifier.startsWith(name));
  });
  assert.deepEqual(wrong, []);
});

test('no file imports itself in a circle, not even for types', () => {
  const edges = new Map<string, string[]>(files.map((file) => [file, []]));
  for (const one of imports) if (isRelative(one)) edges.get(one.from)?.push(targetOf(one));
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    assert.ok(!path.includes(file), [...path.slice(path.indexOf(file)), file].join(' -> '));
    if (done.has(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
});

test('what computes takes nothing from its surroundings: no process, console, clock or chance', () => {
  const pattern =
    /\bprocess\b(?!\w)\.|\bconsole\.|\bDate\.now|\bnew Date|\bperformance\.|\bMath\.random|\bglobalThis\b/;
  for (const file of files.filter((one) =>
    ['core', 'formats', 'data', 'scores', 'probe', 'render', 'train'].includes(layerOf(one)),
  )) {
    assert.doesNotMatch(withoutComments(readFileSync(join(SRC, file), 'utf8')), pattern, file);
  }
});

/** Functions whose arguments are many for a reason: a counter and a key of a random generator, word by word. */
const MANY_ARGUMENTS = ['philox4x32'];

test('no function takes a positional list of more than four', () => {
  let seen = 0;
  for (const file of files) {
    const text = withoutComments(readFileSync(join(SRC, file), 'utf8'));
    const starts = /(?:\bfunction\*?\s+(\w+)(?:<[^(]*>)?|^ {2}(?:private |async |static |\*)*(\w+)(?:<[^(]*>)?)\(/gm;
    for (const found of text.matchAll(starts)) {
      const name = found[1] ?? found[2];
      if (MANY_ARGUMENTS.includes(name)) continue;
      seen++;
      let [depth, count] = [1, 1];
      for (let at = found.index + found[0].length; depth > 0 && at < text.length; at++) {
        if ('([{<'.includes(text[at])) depth++;
        if (')]}>'.includes(text[at]) && text[at - 1] !== '=') depth--;
        if (text[at] === ',' && depth === 1 && !/^\s*\)/.test(text.slice(at + 1))) count++;
      }
      assert.ok(count <= 4, `${file}: ${name} takes ${count}`);
    }
  }
  assert.ok(seen > 300, `${seen} functions`);
});

test('house rules', () => {
  for (const file of filesUnder(SRC)) {
    const text = readFileSync(join(SRC, file), 'utf8');
    assert.match(text, /^(\/\*\*|\/\/ )/, `${file} does not begin with a comment that says what it is for`);
    assert.doesNotMatch(file, /(^|\/)(utils?|helpers?|common-utils|misc)(\.ts|\/)/, 'a name that says nothing');
    assert.doesNotMatch(withoutComments(text), /^export default|^(export )?(const )?enum /m, file);
  }
  for (const [root, list] of [
    [SRC, filesUnder(SRC)],
    [resolve('test'), filesUnder(resolve('test'))],
  ] as const) {
    for (const file of list) {
      const lines = readFileSync(join(root, file), 'utf8').split('\n').length - 1;
      assert.ok(lines <= 350, `${file} has ${lines} lines`);
    }
  }
});

/** Whether a file imports nothing at run time but others that do neither. */
function isTable(file: string): boolean {
  const values = imports.filter(({ from, kind }) => from === file && kind !== 'type');
  return values.every((one) => isRelative(one) && isTable(targetOf(one)));
}

test('help loads no tfjs, no format, and no progress line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'air-loaded-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  for (const argv of [['--help'], ['-h'], ...commandNames(REGISTRY).map((name) => [name, '--help'])]) {
    const coverage = join(folder, argv.join(''));
    execFileSync(process.execPath, ['bin/air.js', ...argv], { env: { ...process.env, NODE_V8_COVERAGE: coverage } });
    // A coverage report names every script that was loaded.
    const loaded = readdirSync(coverage).flatMap((file) => {
      const report = JSON.parse(readFileSync(join(coverage, file), 'utf8')) as { result: { url: string }[] };
      return report.result.map(({ url }) => url);
    });
    assert.ok(loaded.some((url) => url.endsWith('dist/main.js')));
    // Of what computes, only tables of constants: they import nothing but each other, so they bring nothing else along.
    const heavy = loaded.filter((url) => {
      const source = /dist\/(.*)\.js$/.exec(url)?.[1];
      if (source === undefined || url.includes('node_modules')) return /node_modules\/(?!cac\/)/.test(url);
      const isBelow = /^(core|formats|train|data|scores|probe|render|backends|threads|bench)\//.test(source);
      return isBelow && !isTable(`${source}.ts`);
    });
    assert.deepEqual(heavy, [], `air ${argv.join(' ')}`);
  }
});
