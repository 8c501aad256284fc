/** `air` run to its end in a folder, and what its files hold. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { LatentRecord, Scene } from '#air/formats/records.js';
import { decodeSafetensors } from '#air/formats/safetensors.js';
import { readStream } from '#air/formats/stream.js';
import { type Ended, ended, startAir } from './child.js';

/** Arguments as a shell would split them: none of ours has spaces in it. */
export async function air(folder: string, line: string, input: Uint8Array = new Uint8Array()): Promise<Ended> {
  return ended(startAir(line.split(' '), folder), input);
}

/** The same, when nothing may go wrong. Gives its stdout. */
export async function airOk(folder: string, line: string, input?: Uint8Array): Promise<Buffer> {
  const { code, stdout, stderr } = await air(folder, line, input);
  assert.equal(code, 0, `air ${line}: ${stderr}`);
  return stdout;
}

export async function recordsOf(bytes: Uint8Array): Promise<(Scene | LatentRecord)[]> {
  const records: (Scene | LatentRecord)[] = [];
  const chunks = (async function* () {
    yield bytes;
  })();
  for await (const event of readStream(chunks, { name: 'test' })) {
    if (event.type === 'record') records.push(event.record);
  }
  return records;
}

export function metadataOf(file: string): Record<string, string> {
  return decodeSafetensors(readFileSync(file), file).metadata;
}

/** The values of a file of JSON lines. */
export function jsonLines(file: string): { [name: string]: unknown }[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  assert.equal(lines.pop(), '', `${file} ends with a newline`);
  return lines.map((line) => JSON.parse(line));
}
