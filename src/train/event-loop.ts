/** Long computations and the rest of the process. */

/** Lets timers and signals have their turn. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
