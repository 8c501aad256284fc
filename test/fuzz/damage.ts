/** What happens to bytes on their way: changed, lost, doubled, swapped, cut. Knows nothing of formats. */
import { concat } from '../support/samples.js';
import type { Choices } from './choices.js';

export function damaged(c: Choices, whole: Uint8Array): Uint8Array {
  let bytes = Uint8Array.from(whole);
  for (let changes = 1 + c.below(4); changes > 0 && bytes.length > 0; changes--) bytes = changed(c, bytes);
  return bytes;
}

function changed(c: Choices, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const at = c.below(bytes.length);
  const end = Math.min(bytes.length, at + 1 + c.below(c.pick([4, 16, bytes.length])));
  const [before, middle, after] = [bytes.subarray(0, at), bytes.slice(at, end), bytes.subarray(end)];
  switch (c.below(9)) {
    case 0:
      bytes[at] ^= 1 << c.below(8);
      return bytes;
    case 1:
      bytes[at] = c.oddWhole();
      return bytes;
    case 2:
      return before.slice();
    case 3:
      return concat([before, after]);
    case 4:
      return concat([before, middle, middle, after]);
    case 5:
      return concat([before, c.bytes(1 + c.below(20)), after]);
    case 6:
      return concat([after, middle, before]);
    case 7:
      return concat([bytes, c.bytes(1 + c.below(20))]);
    default: {
      const view = new DataView(bytes.buffer);
      if (at + 4 <= bytes.length) view.setUint32(at, c.oddWhole(), c.once(2));
      return bytes;
    }
  }
}
