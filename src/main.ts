/** The program. Sets the exit code and lets the process end by itself, so that a pipe gets all that was written. */
import { runAir } from './cli/run.js';
import { REGISTRY } from './commands/registry.js';
import { EXIT_CODES } from './errors.js';

let isDone = false;
process.on('exit', (code) => {
  // Waiting for something that will never happen ends a process too: 13 in Node's words, 0 while handlers run.
  if (isDone || (code !== 0 && code !== 13)) return;
  process.stderr.write('air: a bug in air: it ended before it was done\n  please report this with the command line\n');
  process.exitCode = EXIT_CODES.bug;
});

process.exitCode = await runAir(process.argv.slice(2), REGISTRY);
isDone = true;
