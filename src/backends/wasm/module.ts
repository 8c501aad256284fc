/** Loads the compiled kernels: plain SIMD, or relaxed SIMD (fused multiply-add) where the engine has it. */
import { readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { AirError } from '../../errors.js';
import type { KernelExports } from './heap.js';

/**
 * 'off': plain SIMD, the same bytes on every machine. 'on': fused multiply-add, faster on some machines, its last bits
 * those of the machine; an error where the engine has none.
 */
export type RelaxedSimd = 'on' | 'off';

/** A module of one function that multiplies and adds: (v128, v128, v128) -> f32x4.relaxed_madd. */
const RELAXED_PROBE = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // magic, version
  ...[0x01, 0x08, 0x01, 0x60, 0x03, 0x7b, 0x7b, 0x7b, 0x01, 0x7b], // type: three v128 to one
  ...[0x03, 0x02, 0x01, 0x00], // one function of that type
  ...[0x0a, 0x0d, 0x01, 0x0b, 0x00, 0x20, 0x00, 0x20, 0x01, 0x20, 0x02, 0xfd, 0x85, 0x02, 0x0b], // its body
);

/** Whether relaxed SIMD can be compiled in this process; on Node 20 it has to be switched on first, which this does. */
function enableRelaxedSimd(): boolean {
  if (WebAssembly.validate(RELAXED_PROBE)) return true;
  setFlagsFromString('--experimental-wasm-relaxed-simd');
  return WebAssembly.validate(RELAXED_PROBE);
}

/**
 * Compiles the kernels onto a heap.
 *
 * @throws AirError (backendUnavailable) if relaxed SIMD is asked for and the engine has none
 */
export async function loadKernels(
  memory: WebAssembly.Memory,
  relaxedSimd: RelaxedSimd,
): Promise<{ exports: KernelExports; relaxedSimd: boolean }> {
  const isRelaxed = relaxedSimd === 'on' && enableRelaxedSimd();
  if (relaxedSimd === 'on' && !isRelaxed) {
    throw new AirError(
      'backendUnavailable',
      `wasm: relaxed SIMD was asked for, and Node ${process.versions.node} on this machine has none`,
      'leave it off: plain SIMD gives the same results, more slowly on some machines',
    );
  }
  const file = new URL(isRelaxed ? './kernels-relaxed.wasm' : './kernels.wasm', import.meta.url);
  const { instance } = await WebAssembly.instantiate(await readFile(file), { env: { memory } });
  return { exports: instance.exports as KernelExports, relaxedSimd: isRelaxed };
}
