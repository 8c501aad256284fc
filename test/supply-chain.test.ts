/** What air is made of: every package exact, locked and accounted for, nothing run at installation, no network at work. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { freshFolder } from './support/folder.js';

type Locked = { version?: string; integrity?: string; resolved?: string; link?: boolean };

const MANIFEST = JSON.parse(readFileSync('package.json', 'utf8'));
const LOCKED: Record<string, Locked> = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages;
const DIRECT: Record<string, string> = {
  ...MANIFEST.dependencies,
  ...MANIFEST.devDependencies,
  ...MANIFEST.optionalDependencies,
};

test('each package is asked for in one version, which is the one that is locked', () => {
  for (const [name, version] of Object.entries({ ...DIRECT, ...(MANIFEST.overrides as Record<string, string>) })) {
    assert.match(version, /^\d+\.\d+\.\d+$/, `${name} ${version}`);
    assert.equal(LOCKED[`node_modules/${name}`]?.version, version, name);
  }
});

test('each package that is locked is so by a digest of what it holds', () => {
  const packages = Object.entries(LOCKED).filter(([folder]) => folder !== '');
  assert.ok(packages.length > 100);
  for (const [folder, { integrity, link }] of packages) {
    assert.ok(integrity?.startsWith('sha512-') && !link, `${folder}: ${integrity}`);
  }
});

test('nothing of ours runs where air is installed', () => {
  const atInstallation = ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare'];
  const scripts = Object.keys(MANIFEST.scripts).filter((name) => atInstallation.includes(name));
  assert.deepEqual(scripts, []);
});

test('TRUST.md says of each direct dependency what it is for, and names no other', () => {
  const table = readFileSync('TRUST.md', 'utf8').split('<!-- dependencies -->')[1];
  const named = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name);
  assert.deepEqual(named.sort(), Object.keys(DIRECT).sort());
});

test('each dependency of the program is used by it', () => {
  const texts = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|sh)$/.test(file))
    .map((file) => readFileSync(join('src', file), 'utf8'))
    .join('\n');
  const used = (name: string) => ["'", '/', ' '].some((before) => texts.includes(`${before}${name}`));
  const names = Object.keys({ ...MANIFEST.dependencies, ...MANIFEST.optionalDependencies });
  assert.deepEqual(
    names.filter((name) => !used(name)),
    [],
  );
});

/** Ends a process that opens a connection, or asks for the address of a host. */
const NO_NETWORK = `
  const refuse = (what) => { process.stderr.write('the network was asked for: ' + what + '\\n'); process.exit(99); };
  const net = require('node:net'), dns = require('node:dns'), dgram = require('node:dgram');
  net.Socket.prototype.connect = () => refuse('connect');
  net.Server.prototype.listen = () => refuse('listen');
  for (const module of [dns, dns.promises]) module.lookup = module.resolve = () => refuse('lookup');
  dgram.createSocket = () => refuse('socket');
  globalThis.fetch = () => refuse('fetch');
`;

test('no command reaches for the network', (t) => {
  const folder = freshFolder(t);
  writeFileSync(join(folder, 'refuse.cjs'), NO_NETWORK);
  const env = { ...process.env, NODE_OPTIONS: `--require ${join(folder, 'refuse.cjs')}` };
  const options = { cwd: folder, env, encoding: 'utf8' as const, stdio: ['ignore', 'pipe', 'pipe'] as const };
  const air = (line: string) =>
    execFileSync(process.execPath, [resolve('bin/air.js'), ...line.split(' ')], {
      ...options,
      stdio: [...options.stdio],
    });

  assert.throws(
    () => execFileSync(process.execPath, ['-e', "require('node:net').connect(1)"], { ...options, stdio: 'pipe' }),
    /the network was asked for: connect/,
    'the guard works',
  );
  air('gen-data --count 40 -q -o s.air');
  air('train s.air --preset small --steps 3 --workers 2 --previews shown --metrics log.jsonl -q -o m.safetensors');
  air('infer digits s.air -q -o l.air');
  air('render l.air -q -o l.png');
  air('plot confusion l.air -q -o c.png');
  air('report m.safetensors --scenes s.air -q -o r.html');
  assert.match(air('eval l.air --json'), /"count_accuracy"/);
  air('check s.air l.air m.safetensors l.png');
});
