/**
 * Every command, by what one wants to do. Loading a command's module loads its table and nothing heavy: tfjs and the
 * formats are imported inside `run`.
 */
import type { Registry } from '../cli/registry.js';

export const REGISTRY: Registry = [
  {
    title: 'Scenes and pictures',
    commands: {
      'gen-data': async () => (await import('./gen-data.js')).genData,
      render: async () => (await import('./render.js')).render,
      plot: async () => (await import('./plot/command.js')).plot,
    },
  },
  {
    title: 'Models',
    commands: {
      train: async () => (await import('./train/command.js')).train,
      infer: async () => (await import('./infer.js')).infer,
      eval: async () => (await import('./eval/command.js')).evaluate,
      report: async () => (await import('./report/command.js')).report,
      variance: async () => (await import('./variance/command.js')).variance,
      table: async () => (await import('./table/command.js')).table,
      probe: async () => (await import('./probe/command.js')).probeCommand,
      sample: async () => (await import('./sample.js')).sample,
    },
  },
  {
    title: 'Files',
    commands: {
      view: async () => (await import('./view/command.js')).view,
      check: async () => (await import('./check.js')).check,
      import: async () => (await import('./import.js')).importModel,
      export: async () => (await import('./export.js')).exportFile,
    },
  },
  {
    title: 'This machine',
    commands: {
      backends: async () => (await import('./backends.js')).backends,
      bench: async () => (await import('./bench/command.js')).bench,
    },
  },
];
