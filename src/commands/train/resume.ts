/** Going on with what an earlier sitting of a training run left: finding it, and making sure that it is the same run. */
import type { Started } from '../../backends/backend.js';
import { BACKENDS, type BackendName } from '../../backends/names.js';
import { startBackend } from '../../backends/start.js';
import { flagName, usage } from '../../cli/command.js';
import { AirError } from '../../errors.js';
import type { Io } from '../../io/io.js';
import { type Checkpoint, differences } from '../../train/checkpoint.js';
import type { Settings } from '../../train/config.js';
import type { SceneSource } from '../../train/source.js';
import { readModel } from '../shared/model-file.js';
import { asTyped } from './options.js';

/** A checkpoint that can be gone on from. */
export type RunState = Checkpoint & Required<Pick<Checkpoint, 'moments'>>;

/** What is left of a run is never overwritten unasked. */
const WAY_OUT = 'give another name with -o, or remove that file to begin anew';

/** The state of an unfinished run, if there is one. @throws AirError 'badData' if it is damaged, or the model of a finished one */
export async function readState(file: string, asked: Settings, io: Io): Promise<RunState | undefined> {
  const saved = await readEarlier(file, asked, io);
  if (saved === undefined) return undefined;
  const { moments } = saved;
  if (moments === undefined) {
    throw new AirError('badData', `${file}: a finished model, not the state of a run`, WAY_OUT);
  }
  return { ...saved, moments };
}

/** The finished model of an earlier run, if there is one. @throws AirError 'badData' if it is damaged, or the state of a run */
export async function readFinished(file: string, asked: Settings, io: Io): Promise<Checkpoint | undefined> {
  const finished = await readEarlier(file, asked, io);
  if (finished?.moments === undefined) return finished;
  throw new AirError(
    'badData',
    `${file}: the state of a run that is not over, not a model`,
    `call it ${file}.state to go on with it, or give another name with -o`,
  );
}

/** Removes what a run left that was killed between its last two steps. Anything else stays, and that is said. */
export async function removeLeftState(file: string, asked: Settings, io: Io): Promise<void> {
  try {
    if (await readState(file, asked, io)) await io.remove(file);
  } catch (error) {
    if (!(error instanceof AirError)) throw error;
    io.messages.warn(`${error.message}; it stays there, beside a finished model`);
  }
}

/** What an earlier run left under a name, if anything; it must be of the same settings. */
async function readEarlier(file: string, asked: Settings, io: Io): Promise<Checkpoint | undefined> {
  const earlier = await readLeft(file, io);
  if (earlier === undefined) return undefined;
  const config = { ...asked.config, canvas: earlier.config.canvas }; // the images tell
  const [first] = differences(earlier, { ...asked, config });
  if (first === undefined) return earlier;
  const value = (settings: Settings) => asTyped(first, { ...settings.config, ...settings.training }[first as 'steps']);
  throw usage(
    `${file} was made with --${flagName(first)} ${value(earlier)}, now it is ${value(asked)}`,
    'give the same options to go on, another name with -o, or remove that file',
  );
}

async function readLeft(file: string, io: Io): Promise<Checkpoint | undefined> {
  if (!(await io.exists(file))) return undefined;
  try {
    return await readModel(file, io);
  } catch (cause) {
    if (!(cause instanceof AirError)) throw cause;
    throw new AirError(cause.kind, cause.message, WAY_OUT, { cause });
  }
}

/**
 * Which try an earlier sitting was at, told from the seed: the first has the one that is asked for, each further one the next.
 * Other seeds are not of this run, and refused when it is read as such.
 */
export async function retryUnderWay(
  { output, retries }: { output: string; retries: number },
  { training }: Settings,
  io: Io,
): Promise<number> {
  for (const file of [output, `${output}.state`]) {
    const left = retries === 0 ? undefined : await readLeft(file, io);
    if (left === undefined) continue;
    const retry = left.training.seed - training.seed;
    return retry > 0 && retry <= retries ? retry : 0;
  }
  return 0;
}

export function checkSameRun(earlier: Checkpoint, settings: Settings, source: SceneSource, output: string): void {
  const way = 'give the same images to go on, another name with -o, or remove that model and its .state';
  const [had, has] = [earlier.config.canvas, settings.config.canvas].map((canvas) => canvas.join(' x '));
  if (had !== has) throw usage(`${output} was trained on images of ${had} px, these are ${has} px`, way);
  if (earlier.data !== source.digest) throw usage(`${output} was trained on other images`, way);
}

/** Starts the backend asked for; a resumed run goes on with its own. */
export async function startAs(
  choice: BackendName | 'auto',
  saved: Checkpoint | undefined,
  output: string,
): Promise<Started> {
  if (saved === undefined) return startBackend(choice);
  const isOwn = (name: BackendName) => saved.backend === name || saved.backend.startsWith(`${name}-`);
  const own = BACKENDS.find((name) => saved.backend === name) ?? BACKENDS.find(isOwn);
  if (own === undefined) {
    throw new AirError(
      'badData',
      `${output}.state: was begun on a backend '${saved.backend}' that is not known`,
      WAY_OUT,
    );
  }
  if (choice !== 'auto' && choice !== own) {
    throw usage(`${output}.state was begun on --backend ${own}, now it is ${choice}`, 'leave --backend out to go on');
  }
  const started = await startBackend(own);
  if (started.identity !== saved.backend) {
    throw usage(
      `${output}.state was begun on ${saved.backend}, here is ${started.identity}: the bytes would differ`,
      'go on where it was begun, or start again under another name with -o',
    );
  }
  return started;
}
