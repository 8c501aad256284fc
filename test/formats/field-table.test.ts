/** What is said of the fields of streams is said of those that there are: the table against what reads and writes them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIELDS } from '#air/formats/field-table.js';
import { unpackValue } from '#air/formats/msgpack.js';
import { checkHeader, latentFromWire, latentToWire, sceneFromWire } from '#air/formats/records.js';
import { StreamWriter } from '#air/formats/stream.js';
import { airOk } from '../support/air.js';
import { LATENTS, SCENES, sampleLatents } from '../support/samples.js';

/** Which keys of a value are asked for. */
function spy<T extends object>(value: T, asked: Set<string>, inner: { [key: string]: Set<string> } = {}): T {
  return new Proxy(value, {
    get(target, key) {
      asked.add(String(key));
      const found = Reflect.get(target, key) as unknown;
      const within = inner[String(key)];
      return within && Array.isArray(found) ? found.map((one) => spy(one, within)) : found;
    },
  });
}

const namesOf = (group: keyof typeof FIELDS): string[] => Object.keys(FIELDS[group].fields).sort();

const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort();

/** What only other parts of the program write into headers: gen-data. */
const OF_OTHERS = ['count', 'generator'];

test('of a header', () => {
  const asked = new Set<string>();
  checkHeader(spy({ ...LATENTS } as object, asked));
  assert.deepEqual(sorted([...asked, ...OF_OTHERS]), namesOf('header'));
});

test('of a header as gen-data writes it', async () => {
  const head = String(await airOk('.', 'view --head -', await airOk('.', 'gen-data --count 0 -q')));
  const keys = Object.keys(JSON.parse(head) as object);
  assert.ok(keys.includes('generator'));
  assert.deepEqual(
    keys.filter((key) => !(key in FIELDS.header.fields)),
    [],
  );
});

test('of scenes and their objects, of latents and their steps', () => {
  const [scene, object, latent, step] = Array.from({ length: 4 }, () => new Set<string>());
  const [record] = sampleLatents();
  const wire = latentToWire(record, LATENTS) as object;
  sceneFromWire(spy(wire, scene, { objects: object }), SCENES);
  assert.deepEqual(sorted(scene), namesOf('scene'));
  assert.deepEqual(sorted(object), namesOf('object'));
  latentFromWire(spy(wire, latent, { steps: step }), LATENTS);
  assert.deepEqual(sorted(latent), namesOf('latent'));
  assert.deepEqual(sorted(step), namesOf('step'));
});

test('of the end', () => {
  const end = unpackValue(new StreamWriter(SCENES).end()) as object;
  assert.deepEqual(Object.keys(end), Object.keys(FIELDS.end.fields));
});
