/** Records of streams as JSON lines. */
import { shortest } from '../../core/float32.js';
import { snakeCase } from '../../core/names.js';
import type { Header, LatentRecord, Scene } from '../../formats/records.js';
import { readStream } from '../../formats/stream.js';
import { escapeControls } from '../../io/printable.js';

export type Wanted = { head: boolean; limit: number; images: boolean };

/** The first header, or each record up to so many, a line each. @throws AirError 'badData' as `readStream` */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  { head, limit, images }: Wanted,
): AsyncGenerator<string> {
  let left = head ? 1 : limit;
  if (left <= 0) return;
  for await (const event of readStream(chunks, { name })) {
    if (event.type !== (head ? 'header' : 'record')) continue;
    const line = event.type === 'header' ? headerLine(event.header) : recordLine(event.record, images);
    yield `${escapeControls(line)}\n`; // of 8 bits too, which JSON may hold as they are
    left--;
    if (left === 0) return;
  }
}

function headerLine(header: Header): string {
  return JSON.stringify(
    header,
    toJson((key) => key, { withPixels: false }),
  );
}

function recordLine(record: Scene | LatentRecord, withPixels: boolean): string {
  return JSON.stringify(record, toJson(snakeCase, { withPixels }));
}

type Replacer = (key: string, value: unknown) => unknown;

/** How values stand in JSON: keys renamed, vectors as numbers, pixels in base64 or left out. */
function toJson(rename: (key: string) => string, { withPixels }: { withPixels: boolean }): Replacer {
  return (_key, value) => {
    if (value instanceof Uint8Array) return withPixels ? Buffer.from(value).toString('base64') : undefined;
    if (value instanceof Float32Array) return Array.from(value, shortest);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [rename(key), inner]));
  };
}
