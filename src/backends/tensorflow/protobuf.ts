/**
 * Protocol buffers as far as a graph of TensorFlow needs them: fields of a message one after the other, each begun by its number
 * and its wire type. See https://protobuf.dev/programming-guides/encoding.
 */

/** Bytes in pieces: joined once, at the end. */
export type Message = readonly Uint8Array[];

const VARINT = 0;
const BYTES = 2;
const FIXED32 = 5;

/** Seven bits a byte, the lowest first; a negative number takes its 64 bits of two's complement. */
function varint(value: number): Uint8Array {
  if (value >= 0 && value < 128) return Uint8Array.of(value);
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

function tag(field: number, wireType: number): Uint8Array {
  return varint((field << 3) | wireType);
}

/** An integer, a bool or an enum; `value` is whole. */
export function integer(field: number, value: number | boolean): Message {
  return [tag(field, VARINT), varint(Number(value))];
}

/** A float of 32 bits. */
export function float(field: number, value: number): Message {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [tag(field, FIXED32), bytes];
}

/** A string, as UTF-8. */
export function text(field: number, value: string): Message {
  return message(field, [new TextEncoder().encode(value)]);
}

/** A message within, or bytes. */
export function message(field: number, content: Message): Message {
  return [tag(field, BYTES), varint(content.reduce((sum, { length }) => sum + length, 0)), ...content];
}
