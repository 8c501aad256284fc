/** `air backends`: what can compute here, what cannot and why, and which one `auto` takes. */
import { defineCommand } from '../cli/command.js';
import { writtenAs } from '../io/output-kinds.js';
import { json, output } from './shared/options.js';

export const backends = defineCommand({
  name: 'backends',
  summary: 'what can compute here, why not, and which one --backend auto takes',
  description: `Starts every backend once and computes something small on it. One line for each: name, whether it works, and what it
    is or what is missing. The one marked with * is what --backend auto takes.`,
  operands: [],
  options: { output: output({ help: 'write the list here' }), json },
  examples: [
    { command: 'air backends', help: 'what can I use on this machine?' },
    { command: 'air backends --json', help: 'the same for a script' },
  ],
  seeAlso: ['train', 'infer'],
  async run({ options }, io) {
    const { listBackends } = await import('../backends/start.js');
    const kind = writtenAs(options.output, options.json ? ['json'] : ['text', 'json']);
    const out = await io.openOutput(options.output, kind);
    const found = await listBackends();
    if (kind === 'json') {
      await out.write(`${JSON.stringify(found, null, 2)}\n`);
    } else {
      for (const { name, works, detail, hint, chosen } of found) {
        await out.write(`${chosen ? '*' : ' '} ${name.padEnd(12)}  ${works ? 'works' : 'no   '}  ${detail}\n`);
        if (hint !== undefined) await out.write(`${' '.repeat(23)}${hint}\n`);
      }
    }
    await out.finish();
  },
});
