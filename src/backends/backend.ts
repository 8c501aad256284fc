/** What a compute backend is to the rest of the program. Nobody asks which one runs; they look at these fields. */
import type { LibraryCount } from './count-calls.js';
import type { BackendName } from './names.js';

/** What a started backend is. */
export type Started = {
  name: BackendName;
  /** One line for people: library, version, device. */
  detail: string;
  /** What computes; `software` is a GPU that the CPU imitates. */
  device: 'cpu' | 'gpu' | 'software';
  /** What the bytes of a result depend on, beyond the seed. */
  identity: string;
  /** Images per part of a batch gradient, at most: what computes best here. */
  subBatch: number;
  /** Whether parts can be computed side by side, in threads of this process. */
  canThread: boolean;
  /** Whether the kernels of the wasm backend use relaxed SIMD; false on others. */
  relaxedSimd: boolean;
  /** What kernels ask of the library below, where each has its price; undefined where kernels are all there is to count. */
  below?: Below;
};

/** What ops of the library are called, in plural; how many there have been so far, in how many calls. */
export type Below = { what: string; count(): LibraryCount };

/** What a backend says of itself when it starts. */
export type StartedBackend = Omit<Started, 'name'>;
