/** The program. Sets the exit code and lets the process end by itself, so that a pipe gets all that was written. */
import { runAir } from './run.js';

process.exitCode = await runAir(process.argv.slice(2));
