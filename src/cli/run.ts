/** `air COMMAND ...`: find the command, parse its line, run it, and turn whatever happens into an exit code. */
import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AirError, EXIT_CODES, memoryFailure } from '../errors.js';
import { removeLeftovers } from '../io/atomic.js';
import { isSystemError, OutputClosed, systemFailure } from '../io/failures.js';
import { createIo } from '../io/io.js';
import { createMessages, type MessageSettings } from '../io/messages.js';
import { openOutput } from '../io/output.js';
import { printable } from '../io/printable.js';
import { type Signals, watchSignals } from '../io/signals.js';
import { type CommandSpec, usage } from './command.js';
import { fullHelp, overview, shortHelp } from './help.js';
import { nearest } from './nearest.js';
import { helpAskedFor, parseOptions } from './options.js';
import { commandNames, loadCommand, type Registry } from './registry.js';

/** @param argv what follows `air`  @param registry the commands there are  @returns the exit code */
export async function runAir(argv: readonly string[], registry: Registry): Promise<number> {
  process.stderr.on('error', () => {}); // nobody listens: not a reason to stop
  process.on('uncaughtException', (error) => {
    removeLeftovers();
    process.exit(report(error, commandMessages(argv[0] ?? '', 'normal'), undefined));
  });
  process.on('exit', removeLeftovers);
  const [first, ...rest] = argv;
  try {
    if (first === undefined) {
      process.stderr.write(await overviewText('short', registry));
      return EXIT_CODES.usage;
    }
    if (first === '-h' || first === '--help' || (first === 'help' && rest.length === 0)) {
      return await print(await overviewText(first === '-h' ? 'short' : 'full', registry));
    }
    if (first === '--version') return await print(`air ${version()}\n`);
    if (first === 'help') return await print(fullHelp(await findCommand(rest[0], registry)));
    const spec = await findCommand(first, registry);
    const help = helpAskedFor(rest);
    if (help !== undefined) return await print(help === 'short' ? shortHelp(spec) : fullHelp(spec));
    return await runCommand(spec, rest);
  } catch (error) {
    return report(
      error,
      commandMessages(commandNames(registry).includes(first ?? '') ? (first ?? '') : '', 'normal'),
      undefined,
    );
  }
}

async function runCommand(spec: CommandSpec, argv: readonly string[]): Promise<number> {
  const { verbose, ...args } = parseOptions(spec, argv);
  const messages = commandMessages(spec.name, args.quiet ? 'quiet' : verbose ? 'verbose' : 'normal');
  const signals = watchSignals(spec.handlesInterrupt === true);
  const commandLine = ['air', spec.name, ...argv].map(quoteForShell).join(' ');
  const io = createIo({ messages, signals, commandLine });
  try {
    await spec.run(args, io);
    return 0; // a signal in its last moments changes nothing: the work is done
  } catch (error) {
    // The signal that ended the other end of our pipe may reach us a moment after the end of its data.
    await nextTurn();
    await nextTurn();
    return report(error, messages, signals, verbose);
  } finally {
    messages.close();
    await io.close();
    removeLeftovers();
  }
}

function commandMessages(command: string, level: MessageSettings['level']): ReturnType<typeof createMessages> {
  return createMessages({ command, level, stderr: process.stderr, env: process.env, now: () => Date.now() });
}

/** Says what went wrong, once, and gives the exit code. */
function report(
  error: unknown,
  messages: ReturnType<typeof createMessages>,
  signals: Signals | undefined,
  verbose = false,
): number {
  messages.close();
  if (error instanceof OutputClosed) return signals?.exitCode() ?? 0;
  const known = isSystemError(error)
    ? systemFailure(error, 'io', error.path ?? error.syscall ?? 'system')
    : memoryFailure(error);
  const wantsStack = verbose || Boolean(process.env.AIR_DEBUG);
  if (known instanceof AirError) {
    // Both ends of a pipe get the same Ctrl-C: that the other one's data ends early is no news.
    const isAftermath = known.kind === 'badData' && signals?.exitCode() !== undefined;
    if (!isAftermath) messages.error(known.message, known.hint);
    if (process.env.AIR_DEBUG) writeStack(known);
    return isAftermath ? (signals?.exitCode() ?? known.exitCode) : known.exitCode;
  }
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const hint = wantsStack
    ? 'please report this with the command line'
    : 'please report this with the command line; -v shows where it happened';
  messages.error(`a bug in air: ${text.split('\n')[0]}`, hint);
  if (wantsStack) writeStack(error);
  return EXIT_CODES.bug;
}

function writeStack(error: unknown): void {
  process.stderr.write(`${stackOf(error).split('\n').map(printable).join('\n')}\n`);
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? (error.stack ?? '') : `${error.stack}\ncaused by ${stackOf(error.cause)}`;
}

async function findCommand(name: string, registry: Registry): Promise<CommandSpec> {
  const spec = await loadCommand(registry, name);
  if (spec !== undefined) return spec;
  if (name.startsWith('-')) throw usage(`unknown option ${name}`, 'options follow the command: air COMMAND [options]');
  const guess = nearest(name, commandNames(registry));
  throw usage(
    `unknown command '${name}'`,
    guess === undefined ? 'air -h lists the commands' : `did you mean air ${guess}?`,
  );
}

async function overviewText(kind: 'short' | 'full', registry: Registry): Promise<string> {
  const groups = registry.map(async ({ title, commands }) => {
    return { title, commands: await Promise.all(Object.values(commands).map((load) => load())) };
  });
  return overview(await Promise.all(groups), kind);
}

async function print(text: string): Promise<number> {
  const output = await openOutput(undefined, { binary: false });
  await output.write(text);
  await output.finish();
  return 0;
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** So that a command line in a header can be pasted back into a shell. */
export function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
