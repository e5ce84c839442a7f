import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type CopySink, copyOut } from '../../src/sources/postgres/copy-out.ts';
import type { Session } from '../../src/sources/postgres/session.ts';

function message(code: string, payload: Buffer | string = ''): Buffer {
  const body = Buffer.from(payload);
  const header = Buffer.alloc(5);
  header.write(code, 'latin1');
  header.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

/** As much of a socket and of pg's client as COPY sees. */
class FakeServer extends EventEmitter {
  readonly direct: { take?: (bytes: Buffer) => boolean } | undefined;
  readonly toPg: Buffer[] = [];
  destroyed = false;
  paused = 0;
  #resumed: (() => void) | undefined;
  query!: { handleCommandComplete(m: unknown): void; handleReadyForQuery(): void; handleError(e: unknown): void };

  constructor(direct: boolean) {
    super();
    this.direct = direct ? {} : undefined;
    this.on('data', (bytes: Buffer) => this.toPg.push(Buffer.from(bytes)));
  }

  pause(): void {
    this.paused++;
  }

  resume(): void {
    this.#resumed?.();
  }

  destroy(): void {
    this.destroyed = true;
  }

  get session(): Session {
    const submit = (query: { submit(connection: unknown): void }) => {
      this.query = query as never;
      query.submit({ stream: this, query: () => {} });
    };
    return { client: { query: submit } } as unknown as Session;
  }

  /** Sends bytes in pieces, never while reading is paused; the buffer is overwritten as soon as it may be. */
  async send(bytes: Buffer, sizes: () => number): Promise<void> {
    for (let at = 0; at < bytes.length && !this.destroyed; ) {
      const piece = Buffer.from(bytes.subarray(at, at + sizes()));
      at += piece.length;
      const resumed = new Promise<void>((resolve) => {
        this.#resumed = resolve;
      });
      const before = this.paused;
      if (this.direct?.take) {
        if (!this.direct.take(piece)) await resumed;
      } else {
        this.emit('data', piece);
        if (this.paused > before) await resumed;
      }
      piece.fill(0x21);
    }
  }
}

class GatheringSink implements CopySink {
  readonly gathered: Buffer[] = [];
  readonly #buffer: Buffer;

  constructor(size: number) {
    this.#buffer = Buffer.alloc(size);
  }

  space(): Buffer {
    return this.#buffer;
  }

  async filled(length: number): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.gathered.push(Buffer.from(this.#buffer.subarray(0, length)));
  }
}

const rows = Array.from({ length: 400 }, (_, i) => `${i}\t${'x'.repeat((i * 37) % 300)}\n`);
const wire = Buffer.concat([
  message('C', 'SAVEPOINT\0'),
  message('N', 'SNOTICE\0'),
  message('H', Buffer.from([0, 0, 0])),
  ...rows.map((row) => message('d', row)),
  message('S', 'TimeZone\0UTC\0'),
  message('d', 'last\n'),
]);
const after = Buffer.concat([message('c'), message('C', 'COPY 401\0'), message('Z', 'T')]);
const expected = `${rows.join('')}last\n`;

describe.each([false, true])('COPY out (direct: %s)', (direct) => {
  const slicings: [string, () => number][] = [
    ['whole', () => 1e9],
    ['by byte', () => 1],
    ['in random slices', () => 1 + Math.floor(Math.random() * 700)],
  ];

  it.each(slicings)('gives the same rows when bytes come %s', async (_, sizes) => {
    for (const room of [1, 7, 64, 1000, 1 << 20]) {
      const server = new FakeServer(direct);
      const sink = new GatheringSink(room);
      const copied = copyOut(server.session, 'COPY', sink);
      await server.send(Buffer.concat([wire, after]), sizes);
      await new Promise((resolve) => setTimeout(resolve, 5));
      // pg gets everything from the end of the rows on, and nothing else.
      expect(Buffer.concat(server.toPg)).toEqual(after);
      server.query.handleCommandComplete({ text: 'COPY 401' });
      server.query.handleCommandComplete({ text: 'ROLLBACK' });
      server.query.handleReadyForQuery();
      expect(await copied).toBe(401);
      expect(Buffer.concat(sink.gathered).toString()).toBe(expected);
    }
  });

  it('leaves an error to pg and stops', async () => {
    const server = new FakeServer(direct);
    const sink = new GatheringSink(1 << 20);
    const copied = copyOut(server.session, 'COPY', sink);
    const error = message('E', 'SERROR\0');
    await server.send(Buffer.concat([wire, error]), () => 512);
    expect(Buffer.concat(server.toPg)).toEqual(error);
    const reason = new Error('from the server');
    server.query.handleError(reason);
    await expect(copied).rejects.toBe(reason);
  });

  it('cuts the connection when the sink fails', async () => {
    const server = new FakeServer(direct);
    const reason = new Error('the disk is full');
    const sink: CopySink = { space: () => Buffer.alloc(100), filled: async () => Promise.reject(reason) };
    const copied = copyOut(server.session, 'COPY', sink);
    void server.send(wire, () => 512);
    await expect(copied).rejects.toBe(reason);
    expect(server.destroyed).toBe(true);
  });
});
