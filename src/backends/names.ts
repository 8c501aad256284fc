/** The compute backends, in the order in which `auto` tries them. Imports nothing: help loads it. */
export const BACKENDS = ['tensorflow', 'webgpu', 'wasm', 'wasm-relaxed', 'cpu'] as const;

export type BackendName = (typeof BACKENDS)[number];
