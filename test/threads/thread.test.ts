/** Worker threads: requests and replies, failures, and an end that is waited for. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { built, ended, startScript } from '../support/child.js';

/** A thread that answers n with n + 1, says in `answered` that it did, and fails when it is asked to. */
const MODULE = `
  const { AirError } = await import('${built('errors.js')}');
  const { answerRequests, threadSetup } = await import('${built('threads/thread.js')}');
  const { answered } = threadSetup();
  answerRequests(async (n) => {
    if (n === 'refuse') throw new AirError('badData', 'not this', 'another');
    if (n === 'break') throw new Error('broken');
    if (n === 'leave') process.exit(3);
    setImmediate(() => {
      Atomics.store(answered, 0, 1);
      Atomics.notify(answered, 0);
    });
    return n + 1;
  });
`;

/** What a program does with a thread of that module, and what it says. */
async function run(program: string): Promise<{ code: number | null; said: string; errors: string }> {
  const script = `
    const { Thread } = await import('${built('threads/thread.js')}');
    const module = new URL('data:text/javascript,' + encodeURIComponent(process.argv[1]));
    const answered = new Int32Array(new SharedArrayBuffer(4));
    const start = () => new Thread(module, { answered });
    ${program}
  `;
  const { code, stdout, stderr } = await ended(startScript(script, MODULE), '');
  return { code, said: stdout.toString(), errors: stderr };
}

describe('a thread', () => {
  it('answers', async () => {
    const { code, said, errors } = await run(`
      const thread = start();
      console.log(await thread.ask(1), await thread.ask(2));
      await thread.close();
    `);
    assert.deepEqual([code, said], [0, '2 3\n'], errors);
  });

  it('does not keep a process alive that asks nothing of it', async () => {
    const { code, said, errors } = await run('await start().ask(1); console.log("done");');
    assert.deepEqual([code, said], [0, 'done\n'], errors);
  });

  it('that cannot start fails as what refused it: an AirError, the system, memory', async () => {
    const { said, errors } = await run(`
      for (const error of [
        "const { AirError } = await import('${built('errors.js')}'); throw new AirError('badData', 'not this', 'another')",
        "throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE', errno: -24, path: 'x.js' })",
        "throw new RangeError('WebAssembly.Memory(): could not allocate memory')",
        "throw new Error('broken')",
      ]) {
        const thread = new Thread(new URL('data:text/javascript,' + encodeURIComponent(error)), {});
        await thread.ask(1).catch((e) => console.log(e.name, e.kind ?? e.code, e.message, e.hint ?? e.path));
      }
    `);
    assert.deepEqual(
      said.split('\n'),
      [
        'AirError badData not this another',
        'Error EMFILE EMFILE: too many open files x.js',
        'RangeError undefined WebAssembly.Memory(): could not allocate memory undefined',
        'AirError bug a worker thread failed: Error: broken undefined',
        '',
      ],
      errors,
    );
  });

  it('keeps the kind and the hint of an AirError, and answers again', async () => {
    const { code, said, errors } = await run(`
      const thread = start();
      await thread.ask('refuse').catch((e) => console.log(e.name, e.kind, e.message, e.hint));
      console.log(await thread.ask(1));
      await thread.close();
    `);
    assert.deepEqual([code, said], [0, 'AirError badData not this another\n2\n'], errors);
  });

  it('that ends by itself leaves no request without an answer', async () => {
    const { code, said, errors } = await run(`
      const thread = start();
      for (const request of ['leave', 1]) await thread.ask(request).catch((e) => console.log(e.kind, e.message));
    `);
    assert.deepEqual([code, said], [0, 'bug a worker thread ended by itself, with 3\n'.repeat(2)], errors);
  });

  it('that broke says so from then on', async () => {
    const { code, said, errors } = await run(`
      const thread = start();
      for (const n of ['break', 1]) await thread.ask(n).catch((e) => console.log(e.kind, e.message));
      await thread.close();
      console.log('closed');
    `);
    const failure = 'bug a worker thread failed: Error: broken\n';
    assert.deepEqual([code, said], [0, `${failure}${failure}closed\n`], errors);
  });

  it('that is idle is closed before the process ends', async () => {
    const { code, said, errors } = await run(`
      const thread = start();
      await thread.ask(1);
      await thread.close();
      console.log('closed');
    `);
    assert.deepEqual([code, said], [0, 'closed\n'], errors);
  });

  it('whose answer arrives while it closes is closed before the process ends', async () => {
    const { code, said, errors } = await run(`
      for (let i = 0; i < 5; i++) {
        const thread = start();
        await thread.ask(1);
        Atomics.store(answered, 0, 0);
        thread.ask(2);
        Atomics.wait(answered, 0, 0); // the answer is on its way, and nothing has been heard of it
        await thread.close();
        console.log('closed');
      }
    `);
    assert.deepEqual([code, said], [0, 'closed\n'.repeat(5)], errors);
  });
});
