/** Programs of a few lines, and `air` itself, in processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

export type Ended = { code: number | null; signal: NodeJS.Signals | null; stdout: Buffer; stderr: string };

/** The address of a built module, to be imported by a script: `import('${built('cli/run.js')}')`. */
export function built(path: string): string {
  return pathToFileURL(resolve('dist', path)).href;
}

export function startScript(code: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, ['--input-type=module', '-e', code, '--', ...args], { stdio: 'pipe' });
}

/**
 * A script that calls a function of a module with its argument, as somebody to whom permissions apply: root gives up being
 * root. Prints the exit code and the message of the error.
 */
export function asNobody(importing: string, name: string, more = ''): string {
  return `const module = await ${importing};
    if (process.getuid() === 0) process.setuid(65534);
    try {
      await module.${name}(process.argv[1]${more});
      process.stdout.write('fine');
    } catch (error) {
      process.stdout.write(error.exitCode + ' ' + error.message);
    }`;
}

export function startAir(args: readonly string[], cwd?: string): ChildProcess {
  return spawn(process.execPath, [resolve('bin/air.js'), ...args], { stdio: 'pipe', cwd });
}

/** Everything a process says until its end; `input` is its stdin, left open if undefined. */
export async function ended(child: ChildProcess, input?: Uint8Array | string): Promise<Ended> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin?.on('error', () => {}); // it may end without reading
  if (input !== undefined) child.stdin?.end(input);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() };
}

/** Runs `air train -o m.safetensors` in a folder until it has saved a state, and kills it as a power cut would. */
export async function killOnceSaved(folder: string, line: string): Promise<void> {
  const changes = watch(folder);
  const child = startAir(line.split(' '), folder);
  const ending = ended(child, '');
  for await (const { filename } of changes) if (filename === 'm.safetensors.state') break;
  child.kill('SIGKILL');
  await ending;
}

/** The next thing a process says on stdout. @throws if it ends before */
export async function said(child: ChildProcess): Promise<string> {
  const errors: Buffer[] = [];
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  const ending = once(child, 'exit').then(([code]) => {
    throw new Error(`it ended with ${code}, and said nothing on stdout: ${Buffer.concat(errors)}`);
  });
  const speaking = once(child.stdout as NodeJS.ReadableStream, 'data');
  ending.catch(() => {});
  return String((await Promise.race([speaking, ending]))[0]);
}
