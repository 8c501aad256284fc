/** A program's commands, by what one wants to do. What they are is not said here: `main.ts` hands the list over. */
import type { CommandSpec } from './command.js';

/** Commands by name, each loaded when it is needed. */
export type Registry = readonly {
  title: string;
  commands: { readonly [name: string]: () => Promise<CommandSpec> };
}[];

export function commandNames(registry: Registry): string[] {
  return registry.flatMap(({ commands }) => Object.keys(commands));
}

/** @returns undefined if there is no such command */
export async function loadCommand(registry: Registry, name: string): Promise<CommandSpec | undefined> {
  for (const { commands } of registry) if (Object.hasOwn(commands, name)) return commands[name]();
  return undefined;
}
