/** The files of packages that charts are made with: parts of the program, though they are read and not imported. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

function readPart(specifier: string): Promise<Uint8Array> {
  return readFile(fileURLToPath(import.meta.resolve(specifier)));
}

/** DejaVu Sans, in WOFF2: Latin, Greek, Cyrillic, Arabic, and mathematical signs. */
export function readFont(): Promise<Uint8Array> {
  return readPart('@fontsource/dejavu-sans/files/dejavu-sans-latin-400-normal.woff2');
}

/** resvg, compiled to WebAssembly. */
export function readRasteriser(): Promise<Uint8Array> {
  return readPart('@resvg/resvg-wasm/index_bg.wasm');
}
