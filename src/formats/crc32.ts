/**
 * CRC-32 as in gzip, PNG and zip (polynomial 0xEDB88320, reflected, inverted at both ends): the checksum at the end of
 * a stream's segment. Slicing by 8 (Kounavis and Berry 2005): eight table look-ups take in eight bytes at once.
 */

/** TABLES[256 k + b]: what byte b does to the checksum when k more bytes follow it. */
const TABLES = new Int32Array(8 * 256);
for (let i = 0; i < 256; i++) {
  let crc = i;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  TABLES[i] = crc;
}
for (let i = 256; i < TABLES.length; i++) {
  const before = TABLES[i - 256];
  TABLES[i] = TABLES[before & 255] ^ (before >>> 8);
}

/**
 * The checksum of what came before, continued over bytes[start, end).
 *
 *   crc      uint32: the checksum so far, 0 for none
 *   returns  uint32
 */
export function crc32(crc: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
  let c = ~crc;
  let i = start;
  // Whole words need an aligned view; the machines tfjs runs on are little-endian, as the arithmetic here assumes.
  for (; i < end && (bytes.byteOffset + i) & 3; i++) c = TABLES[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  const count = ((end - i) >> 3) << 1;
  const words = count === 0 ? TABLES : new Int32Array(bytes.buffer, bytes.byteOffset + i, count);
  for (let w = 0; w < count; w += 2) {
    const low = c ^ words[w];
    const high = words[w + 1];
    c =
      TABLES[1792 + (low & 255)] ^
      TABLES[1536 + ((low >>> 8) & 255)] ^
      TABLES[1280 + ((low >>> 16) & 255)] ^
      TABLES[1024 + (low >>> 24)] ^
      TABLES[768 + (high & 255)] ^
      TABLES[512 + ((high >>> 8) & 255)] ^
      TABLES[256 + ((high >>> 16) & 255)] ^
      TABLES[high >>> 24];
  }
  for (i += 4 * count; i < end; i++) c = TABLES[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  return ~c >>> 0;
}
