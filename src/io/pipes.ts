/**
 * FIFOs, which may wait for ever for who is at their other end. Opened and read as other files are, they would each take a
 * thread of Node's along, and a process whose threads wait cannot end; so they are opened without waiting, and the event
 * loop waits for them.
 */
import { constants, openSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { AirError } from '../errors.js';

const { O_NONBLOCK, O_WRONLY } = constants;

/** How often is looked whether a FIFO has a reader, ms: nothing tells. */
const LOOK_EVERY = 20;

/** A pipe that can be read, as a stream: it ends when its last writer has gone, and not before there was one. */
export async function pipeIn(fd: number): Promise<Socket> {
  const { Socket } = await import('node:net');
  return new Socket({ fd, readable: true, writable: false });
}

/** A pipe that can be written, as a stream. */
export async function pipeOut(fd: number): Promise<Socket> {
  const { Socket } = await import('node:net');
  return new Socket({ fd, readable: false, writable: true });
}

/** Waits until somebody reads. @throws the system's error; AirError of the kind of `stop`'s reason */
export async function openFifoOut(file: string, stop: AbortSignal | undefined): Promise<Socket> {
  for (;;) {
    try {
      return await pipeOut(openSync(file, O_WRONLY | O_NONBLOCK));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
    }
    if (stop?.aborted) {
      const { reason } = stop;
      throw reason instanceof AirError ? new AirError(reason.kind, `${file}: stopped while nobody read it`) : reason;
    }
    await pause(LOOK_EVERY);
  }
}
