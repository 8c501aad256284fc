/** Asks the system's loader whether a shared library can be found, the way the libraries that need it will ask. */
import process from 'node:process';

/**
 * Why the loader cannot load a library, or undefined if it can.
 *
 * @param file a name such as `libvulkan.so.1`, looked for where the loader looks, or a path
 */
export function libraryProblem(file: string): string | undefined {
  try {
    process.dlopen({ exports: {} }, file);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // found and loaded, and only then refused because it is no extension of Node
    if (message.includes('did not self-register')) return undefined;
    return message.split('\n')[0];
  }
  return undefined;
}
