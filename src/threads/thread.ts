/** A worker thread that answers one request at a time. */
import { parentPort, type TransferListItem, Worker, workerData } from 'node:worker_threads';
import { AirError, type ErrorKind, memoryFailure } from '../errors.js';

/** What a thread sends back: errors do not keep their class on the way. */
type Message<Reply> = { reply: Reply } | { failure: { kind: ErrorKind; message: string; hint: string | undefined } };

export class Thread<Request, Reply> {
  private readonly worker: Worker;
  private failure: Error | undefined;
  private isClosing = false;
  private waiting: { resolve(reply: Reply): void; reject(error: Error): void } | undefined;

  /** @param module of the thread; it calls `answerRequests`  @param setup its `threadSetup` */
  constructor(module: URL, setup: unknown) {
    this.worker = new Worker(module, { workerData: setup });
    this.worker.on('message', (message: Message<Reply>) =>
      this.settle((waiting) => {
        if ('reply' in message) waiting.resolve(message.reply);
        else waiting.reject(new AirError(message.failure.kind, message.failure.message, message.failure.hint));
      }),
    );
    this.worker.on('error', (cause) => {
      this.failure = asItWas(cause);
      this.settle((waiting) => waiting.reject(this.failure as Error));
    });
    this.worker.on('exit', (code) => {
      if (this.isClosing) return;
      this.failure ??= new AirError('bug', `a worker thread ended by itself, with ${code}`);
      this.settle((waiting) => waiting.reject(this.failure as Error));
    });
    this.worker.unref();
  }

  private settle(how: (waiting: NonNullable<Thread<Request, Reply>['waiting']>) => void): void {
    const { waiting } = this;
    this.waiting = undefined;
    if (!this.isClosing) this.worker.unref();
    if (waiting) how(waiting);
  }

  /**
   * Asks one thing at a time: the answer before must have come.
   *
   * @throws AirError of whatever kind the thread answers with; 'bug' if it fails, or has failed before
   */
  ask(request: Request): Promise<Reply> {
    if (this.failure) return Promise.reject(this.failure);
    this.worker.ref(); // an answer is worth waiting for
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    this.isClosing = true;
    this.worker.ref(); // or the process may end while its end is awaited, with what comes after undone
    await this.worker.terminate();
  }
}

/** What ended a thread, with its class, which it lost on the way here. What the system refused, files or memory, is no bug of ours. */
function asItWas(cause: Error): Error {
  const { name, kind, hint, code } = cause as Error & Partial<Pick<AirError, 'kind' | 'hint'>> & { code?: unknown };
  if (name === 'AirError' && kind !== undefined) return new AirError(kind, cause.message, hint);
  if (typeof code === 'string' || memoryFailure(cause) !== cause) return cause;
  return new AirError('bug', `a worker thread failed: ${cause}`, undefined, { cause });
}

/** Inside a thread: what it was started with. */
export function threadSetup<Setup>(): Setup {
  return workerData as Setup;
}

/**
 * Inside a thread: answers each request. An AirError goes back as it is; anything else fails the thread.
 * @param moved the buffers of a reply that go over to the other side, rather than copies of them
 */
export function answerRequests<Request, Reply>(
  answer: (request: Request) => Promise<Reply>,
  moved: (reply: Reply) => readonly TransferListItem[] = () => [],
): void {
  parentPort?.on('message', async (request: Request) => {
    const message: Message<Reply> = await answer(request).then(
      (reply) => ({ reply }),
      (error: unknown) => {
        if (!(error instanceof AirError)) throw error;
        const { kind, message, hint } = error;
        return { failure: { kind, message, hint } };
      },
    );
    parentPort?.postMessage(message, 'reply' in message ? moved(message.reply) : []);
  });
}
