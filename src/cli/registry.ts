/**
 * Every command, by what one wants to do. Loading a command's module loads its table and nothing heavy: tfjs and the
 * formats are imported inside `run`.
 */
import type { CommandSpec } from './command.js';

type Loader = () => Promise<CommandSpec>;

export const REGISTRY: readonly { title: string; commands: Readonly<Record<string, Loader>> }[] = [
  {
    title: 'Scenes and pictures',
    commands: {
      'gen-data': async () => (await import('../commands/gen-data.js')).genData,
      render: async () => (await import('../commands/render.js')).render,
    },
  },
  {
    title: 'Models',
    commands: {
      train: async () => (await import('../commands/train.js')).train,
      infer: async () => (await import('../commands/infer.js')).infer,
      eval: async () => (await import('../commands/eval.js')).evaluate,
      sample: async () => (await import('../commands/sample.js')).sample,
    },
  },
  {
    title: 'Files',
    commands: {
      view: async () => (await import('../commands/view.js')).view,
      check: async () => (await import('../commands/check.js')).check,
    },
  },
  {
    title: 'This machine',
    commands: {
      backends: async () => (await import('../commands/backends.js')).backends,
      bench: async () => (await import('../commands/bench.js')).bench,
    },
  },
];

export const COMMAND_NAMES: readonly string[] = REGISTRY.flatMap(({ commands }) => Object.keys(commands));

/** @returns undefined if there is no such command */
export async function loadCommand(name: string): Promise<CommandSpec | undefined> {
  for (const { commands } of REGISTRY) if (Object.hasOwn(commands, name)) return commands[name]();
  return undefined;
}
