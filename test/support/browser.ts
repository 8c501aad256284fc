/** A headless Chromium, spoken to over its pipe (Chrome DevTools Protocol): opens a page, says what went wrong in it, takes its picture. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

type Message = {
  id?: number;
  method?: string;
  params?: Fields;
  result?: Fields;
  error?: { message: string };
  sessionId?: string;
};
type Fields = { [name: string]: unknown };

export type View = { width: number; height: number; dark: boolean; scale?: number };

/** A page as it stands when it has loaded. */
export type OpenPage = {
  /** Errors on the console, loads that failed, and loads from elsewhere than files and data. */
  problems: string[];
  evaluate<T>(expression: string): Promise<T>;
  /** Of the whole page, into a PNG. */
  screenshot(file: string): Promise<void>;
  /** The next time that it has loaded anew. */
  reloaded(): Promise<void>;
  close(): Promise<void>;
};

export class Browser {
  private readonly child: ChildProcess;
  private readonly profile = mkdtempSync(join(tmpdir(), 'air-browser-'));
  private readonly waiting = new Map<number, { resolve(result: Fields): void; reject(error: Error): void }>();
  private readonly listeners = new Map<string, (method: string, params: Fields) => void>();
  private asked = 0;

  constructor(program: string) {
    const flags = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--hide-scrollbars',
      '--remote-debugging-pipe',
      '--no-first-run',
    ];
    this.child = spawn(program, [...flags, `--user-data-dir=${this.profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    const fail = (error: Error): void => {
      for (const { reject } of this.waiting.values()) reject(error);
    };
    this.child.on('error', fail);
    this.child.on('exit', (code) => fail(new Error(`${program} ended with ${code}`)));
    let rest = '';
    (this.child.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\0');
      rest = parts.pop() as string;
      for (const part of parts) this.take(JSON.parse(part));
    });
  }

  private take({ id, method, params = {}, result = {}, error, sessionId = '' }: Message): void {
    if (id === undefined) {
      this.listeners.get(sessionId)?.(method as string, params);
      return;
    }
    const { resolve, reject } = this.waiting.get(id) ?? {};
    this.waiting.delete(id);
    if (error === undefined) resolve?.(result);
    else reject?.(new Error(error.message));
  }

  private send(method: string, params: Fields = {}, sessionId?: string): Promise<Fields> {
    const id = ++this.asked;
    (this.child.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  async open(url: string, { width, height, dark, scale = 1 }: View): Promise<OpenPage> {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = (await this.send('Target.attachToTarget', { targetId, flatten: true })) as {
      sessionId: string;
    };
    const ask = (method: string, params: Fields = {}): Promise<Fields> => this.send(method, params, sessionId);
    const problems: string[] = [];
    let onLoad = (): void => {};
    const loaded = (): Promise<void> => new Promise((resolve) => (onLoad = resolve));
    this.listeners.set(sessionId, (method, params) => {
      const problem = problemOf(method, params);
      if (problem !== undefined) problems.push(problem);
      if (method === 'Page.loadEventFired') onLoad();
    });
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await ask(`${domain}.enable`);
    await ask('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: scale, mobile: width < 600 });
    await ask('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }],
    });
    const first = loaded();
    await ask('Page.navigate', { url });
    await first;
    return {
      problems,
      async evaluate<T>(expression: string): Promise<T> {
        const answer = await ask('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
        if (answer.exceptionDetails !== undefined) throw new Error(JSON.stringify(answer.exceptionDetails));
        return (answer.result as { value: T }).value;
      },
      async screenshot(file) {
        const metrics = await ask('Page.getLayoutMetrics');
        const { height: whole } = metrics.cssContentSize as { height: number };
        const clip = { x: 0, y: 0, width, height: whole, scale: 1 };
        const { data } = await ask('Page.captureScreenshot', { captureBeyondViewport: true, clip });
        writeFileSync(file, Buffer.from(data as string, 'base64'));
      },
      reloaded: loaded,
      close: async () => {
        this.listeners.delete(sessionId);
        await this.send('Target.closeTarget', { targetId });
      },
    };
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    await this.send('Browser.close').catch(() => {});
    await gone;
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

function problemOf(method: string, params: Fields): string | undefined {
  if (method === 'Runtime.exceptionThrown') return `exception: ${JSON.stringify(params.exceptionDetails)}`;
  if (method === 'Runtime.consoleAPICalled' && params.type === 'error')
    return `console: ${JSON.stringify(params.args)}`;
  if (method === 'Log.entryAdded') {
    const { level, text, url } = params.entry as { level: string; text: string; url?: string };
    return level === 'error' ? `log: ${text} ${url ?? ''}` : undefined;
  }
  if (method === 'Network.loadingFailed') return `load: ${params.errorText} ${params.blockedReason ?? ''}`;
  if (method === 'Network.requestWillBeSent') {
    const { url } = params.request as { url: string };
    return /^(file|data|about):/.test(url) ? undefined : `asks for ${url.slice(0, 100)}`;
  }
  return undefined;
}
