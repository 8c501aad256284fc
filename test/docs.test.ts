/** What the papers say of files is true: every link leads somewhere, every file that is named is there. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const PAPERS = [
  'README.md',
  'RESULTS.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'TRUST.md',
  'src/README.md',
  'fixtures/models/README.md',
];

test('links lead to files that are there', () => {
  let seen = 0;
  for (const paper of PAPERS) {
    for (const [, target] of readFileSync(paper, 'utf8').matchAll(/\]\(([^)#]+)[^)]*\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      seen++;
      assert.ok(existsSync(join(dirname(paper), target)), `${paper}: ${target}`);
    }
  }
  assert.ok(seen > 10, `${seen} links`);
});

test('the map of the house names what is there', () => {
  const named = [...readFileSync('src/README.md', 'utf8').matchAll(/`([\w./-]+(?:\.ts|\/))`/g)].map(([, name]) => name);
  assert.ok(named.length > 50, `${named.length} names`);
  const missing = named.filter((name) => {
    if (name.includes('/X.ts')) return !existsSync(join('src', dirname(name)));
    // a name alone stands for a file of the folder that the sentence is about
    const folders = ['src', 'src/commands/train', 'src/train', '.'];
    return !folders.some((folder) => existsSync(join(folder, name)));
  });
  assert.deepEqual(missing, []);
});

test('every test that a promise names is there', () => {
  const sections = readFileSync('TRUST.md', 'utf8').split(/^## /m).slice(1); // the first says how promises are written
  const promises = sections.filter((section) => !section.startsWith('What it is made of')).join('');
  const named = [...promises.matchAll(/`([\w/-]+): ([^`]+)`/g)];
  assert.ok(named.length > 40, `${named.length} tests`);
  for (const [, file, name] of named) {
    assert.ok(readFileSync(`test/${file}.test.ts`, 'utf8').includes(name), `test/${file}.test.ts: ${name}`);
  }
  const cases = [...promises.matchAll(/`([a-z]+\/[a-z-]+)`/g)].map(([, name]) => name);
  assert.ok(cases.length > 10, `${cases.length} cases`);
  for (const name of cases) assert.ok(existsSync(`test/cases/${name}/cmd`), name);
});
