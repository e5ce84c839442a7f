/** A real browser without a window, spoken to by the DevTools protocol. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const browserProgram = 'chromium-headless-shell';

/** Where screenshots and pages are kept, for whoever looks at them after a run. */
export const artifacts = process.env.HOLDFAST_TEST_ARTIFACTS ?? join(import.meta.dirname, '../artifacts');

interface Message {
  id?: number;
  method?: string;
  sessionId?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
}

export class Browser implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #end: () => Promise<void>;
  readonly #waiting = new Map<number, { resolve(result: never): void; reject(error: Error): void }>();
  readonly #listeners = new Set<(message: Message) => void>();
  #next = 1;

  private constructor(socket: WebSocket, end: () => Promise<void>) {
    this.#socket = socket;
    this.#end = end;
    socket.addEventListener('message', ({ data }) => this.#hear(JSON.parse(String(data)) as Message));
    socket.addEventListener('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the browser is gone'));
    });
  }

  static async open(): Promise<Browser> {
    const profile = mkdtempSync(join(tmpdir(), 'holdfast-browser-'));
    const flags = ['--headless', '--remote-debugging-port=0', `--user-data-dir=${profile}`, '--hide-scrollbars'];
    // As root a browser has no sandbox; it sees nothing but our own page.
    const child = spawn(browserProgram, [...flags, '--no-sandbox', '--disable-gpu', 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      // A group of its own: the program may be a script, and has children.
      detached: true,
    });
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const address = await new Promise<string>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`${browserProgram} ended with ${code}`)));
      createInterface({ input: child.stderr }).on('line', (line) => {
        const found = /^DevTools listening on (ws:\S+)/.exec(line);
        if (found) resolve(found[1]!);
      });
    });
    const socket = new WebSocket(address);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('error', () => reject(new Error('the browser does not listen')));
    });
    return new Browser(socket, async () => {
      socket.close();
      process.kill(-child.pid!, 'SIGKILL');
      await ended;
      child.stderr.destroy();
      rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end();
  }

  #hear(message: Message): void {
    for (const listener of this.#listeners) listener(message);
    const waiting = message.id === undefined ? undefined : this.#waiting.get(message.id);
    if (!waiting) return;
    this.#waiting.delete(message.id!);
    if (message.error) waiting.reject(new Error(message.error.message));
    else waiting.resolve(message.result as never);
  }

  send<T = Record<string, unknown>>(method: string, params: object = {}, sessionId?: string): Promise<T> {
    const id = this.#next++;
    this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) }));
    return new Promise<T>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  /** Opens a page at a size, and waits until it is there. */
  async page(url: string, size: { width: number; height: number; dark?: boolean }): Promise<Page> {
    const { targetId } = await this.send<{ targetId: string }>('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(
      (method, params) => this.send(method, params, sessionId),
      async () => void (await this.send('Target.closeTarget', { targetId })),
    );
    const loaded = new Promise<void>((resolve) => {
      this.#listeners.add((message) => {
        if (message.sessionId !== sessionId) return;
        if (message.method === 'Page.loadEventFired') resolve();
        page.note(message.method ?? '', message.params ?? {});
      });
    });
    for (const domain of ['Page', 'Network', 'Runtime', 'Log', 'DOM', 'Accessibility'])
      await page.send(`${domain}.enable`);
    const { width, height, dark = false } = size;
    const metrics = { width, height, deviceScaleFactor: 1, mobile: width < 600 };
    await page.send('Emulation.setDeviceMetricsOverride', metrics);
    const features = [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }];
    await page.send('Emulation.setEmulatedMedia', { features });
    await page.send('Page.navigate', { url });
    await loaded;
    return page;
  }
}

export class Page implements AsyncDisposable {
  /** Addresses that it asked for, its own first. */
  readonly requests: string[] = [];
  /** What the browser complains of. */
  readonly complaints: string[] = [];
  readonly send: <T = Record<string, unknown>>(method: string, params?: object) => Promise<T>;

  readonly #close: () => Promise<void>;

  constructor(send: (method: string, params?: object) => Promise<never>, close: () => Promise<void>) {
    this.send = send;
    this.#close = close;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }

  note(method: string, params: Record<string, unknown>): void {
    if (method === 'Network.requestWillBeSent') this.requests.push((params.request as { url: string }).url);
    if (method === 'Log.entryAdded') this.complaints.push((params.entry as { text: string }).text);
    if (method === 'Runtime.exceptionThrown') this.complaints.push(JSON.stringify(params));
  }

  async evaluate<T>(expression: string): Promise<T> {
    const answer = await this.send<{ result: { value: T }; exceptionDetails?: unknown }>('Runtime.evaluate', {
      expression,
      returnByValue: true,
    });
    if (answer.exceptionDetails) throw new Error(JSON.stringify(answer.exceptionDetails));
    return answer.result.value;
  }

  /** Keeps a picture of the page's beginning among the artifacts. */
  async screenshot(name: string, { width, height }: { width: number; height: number }): Promise<Buffer> {
    const clip = { x: 0, y: 0, width, height, scale: 1 };
    const shot = { format: 'png', captureBeyondViewport: true, clip };
    const { data } = await this.send<{ data: string }>('Page.captureScreenshot', shot);
    return keep(`${name}.png`, data);
  }

  /** The page on paper, kept among the artifacts. */
  async print(name: string): Promise<Buffer> {
    const paper = { printBackground: true, preferCSSPageSize: true, paperWidth: 8.27, paperHeight: 11.69 };
    const { data } = await this.send<{ data: string }>('Page.printToPDF', paper);
    return keep(`${name}.pdf`, data);
  }
}

function keep(name: string, base64: string): Buffer {
  const bytes = Buffer.from(base64, 'base64');
  mkdirSync(artifacts, { recursive: true });
  writeFileSync(join(artifacts, name), bytes);
  return bytes;
}
