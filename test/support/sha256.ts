/** SHA-256 in hex, of bytes that are all there and in pieces, as readers are given it. */
import { createHash } from 'node:crypto';
import type { Io } from '#air/io/io.js';

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export const newHash: Io['newHash'] = () => {
  const hash = createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') };
};
