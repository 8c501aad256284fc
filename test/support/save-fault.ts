/**
 * Loaded before air (`node --import`), takes a step of saving from it: AIR_TEST_FAULT=STEP:K:WHAT, the K-th time that STEP of
 * src/io/atomic.ts is due, whatever the file. WHAT is `SIGKILL`, and the process is killed there, or an error of the system
 * such as `ENOSPC`. Half of what is to be written is.
 */
import { constants } from 'node:os';
import { nodeSavePort, type SavePort } from '#air/io/atomic.js';

export const SAVE_STEPS = ['create', 'write', 'sync', 'close', 'rename', 'syncFolder'] as const;
export type SaveStep = (typeof SAVE_STEPS)[number];

const [step, time, what] = (process.env.AIR_TEST_FAULT ?? '').split(':');
let seen = 0;

function fault(): void {
  if (what === 'SIGKILL') process.kill(process.pid, 'SIGKILL');
  const errno = constants.errno[what as 'ENOSPC'];
  throw Object.assign(new Error(what), { code: what, errno: -errno, syscall: step });
}

/** Called where a step begins. */
function at(name: SaveStep): boolean {
  if (name !== step || ++seen !== Number(time)) return false;
  if (name !== 'write') fault();
  return true;
}

const real: SavePort = { ...nodeSavePort };
const faulty: SavePort = {
  ...real,
  async create(file, mode) {
    at('create');
    const handle = await real.create(file, mode);
    return {
      async write(bytes) {
        const isFaulty = at('write');
        await handle.write(isFaulty ? bytes.subarray(0, bytes.length >> 1) : bytes);
        if (isFaulty) fault();
      },
      async sync() {
        at('sync');
        await handle.sync();
      },
      async close() {
        at('close');
        await handle.close();
      },
    };
  },
  async rename(from, to) {
    at('rename');
    await real.rename(from, to);
  },
  async syncFolder(folder) {
    at('syncFolder');
    await real.syncFolder(folder);
  },
};
if (step !== '') Object.assign(nodeSavePort, faulty);
