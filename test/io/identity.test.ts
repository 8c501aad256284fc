/** Names of one file are told, through links and before it is there; links in a circle end. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { identityOf } from '#air/io/identity.js';
import { freshFolder } from '../support/folder.js';

it('a file is the same by every name that it has', async (t) => {
  const folder = freshFolder(t);
  const at = (name: string) => join(folder, name);
  mkdirSync(at('there'));
  writeFileSync(at('there/old'), '');
  symlinkSync('there', at('way'));
  symlinkSync('old', at('there/link'));
  symlinkSync('there/new', at('dead'));
  symlinkSync('circle', at('circle'));
  const same = [
    ['there/old', 'way/old', 'there/../way/link', 'there/link'],
    ['there/new', 'way/new', 'dead'],
    ['there', 'way'],
    ['circle'],
    ['no-folder/a', 'no-folder/./a'],
  ];
  const identities = await Promise.all(same.map((names) => Promise.all(names.map((name) => identityOf(at(name))))));
  for (const [k, found] of identities.entries()) assert.equal(new Set(found).size, 1, same[k].join());
  assert.equal(new Set(identities.map(([first]) => first)).size, same.length);
});
