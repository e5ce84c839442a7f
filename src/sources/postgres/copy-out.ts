import type { Submittable } from 'pg';
import type { ServerSocket } from './dial.ts';
import type { Session } from './session.ts';

/** Where the bytes of a COPY go: an IngestStream, or anything of its shape. */
export interface CopySink {
  /** Room for the next bytes; never empty. Stays the same until `filled`. */
  space(): Buffer;
  /** Takes the first `length` bytes of `space()`; slow sinks take their time here. */
  filled(length: number): Promise<void>;
  /** It is called for so many bytes, or for as many as there is room for. Default 256 KiB. */
  readonly enough?: number;
}

/** Types of messages. Anything but rows and these is skipped: notices, and results of the statements before COPY. */
const message = { copyData: 0x64, copyDone: 0x63, error: 0x45, readyForQuery: 0x5a } as const;
const headerLength = 5;
/** Below this many bytes a loop is faster than a call. */
const shortCopy = 48;
const usuallyEnough = 256 * 1024;

/**
 * Runs SQL whose one COPY … TO STDOUT goes into a sink; statements before and after it run in the same round trip.
 *
 * pg knows no COPY, and pg-copy-streams gathers every message in objects: with a message for each row that costs more
 * than all hashing. Here the payload goes straight from the socket's buffer into the sink, and a row of any size takes no
 * more memory than a small one.
 *
 * @returns how many rows the server counted
 * @throws what pg threw, or the sink; after an error of the sink the connection is cut
 */
export function copyOut(session: Session, sql: string, sink: CopySink): Promise<number> {
  return new Promise((resolve, reject) => {
    session.client.query(new CopyOut(sql, sink, resolve, reject));
  });
}

/** What pg's client takes for a query of one's own. It reads the socket in pg's place while rows come. */
class CopyOut implements Submittable {
  readonly #sql: string;
  readonly #sink: CopySink;
  readonly #enough: number;
  readonly #resolve: (rows: number) => void;
  readonly #reject: (error: unknown) => void;
  #socket!: ServerSocket;
  /** pg's own reader. */
  #listener!: (chunk: Buffer) => void;
  readonly #take = (chunk: Buffer) => this.#receive(chunk);
  #attached = false;
  #space: Buffer;
  #filled = 0;
  /** The sink is at work; until it is done nothing is read. */
  #waiting = false;
  /** Came although reading was paused. */
  readonly #queue: Buffer[] = [];
  /** Bytes of a message's header that came without the rest of it. */
  readonly #header = Buffer.alloc(headerLength);
  #headerBytes = 0;
  /** Bytes of the message under way that are still to come, and whether they are rows. */
  #left = 0;
  #data = false;
  #rows = 0;
  #failed = false;

  constructor(sql: string, sink: CopySink, resolve: (rows: number) => void, reject: (error: unknown) => void) {
    this.#sql = sql;
    this.#sink = sink;
    this.#enough = sink.enough ?? usuallyEnough;
    this.#space = sink.space();
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Called by pg when it is this query's turn. */
  submit(pg: unknown): void {
    const connection = pg as { stream: ServerSocket; query(text: string): void };
    this.#socket = connection.stream;
    const [listener, ...others] = this.#socket.listeners('data') as ((chunk: Buffer) => void)[];
    if (listener === undefined || others.length > 0) throw new Error('the socket is not read by pg alone');
    this.#listener = listener;
    this.#socket.removeListener('data', listener);
    if (this.#socket.direct) this.#socket.direct.take = this.#take;
    else this.#socket.on('data', this.#take);
    this.#attached = true;
    connection.query(this.#sql);
  }

  /** @returns whether the buffer of `chunk` may be used for the next read */
  #receive(chunk: Buffer): boolean {
    if (this.#waiting) {
      this.#queue.push(chunk);
      return false;
    }
    return this.#goOn(chunk, 0);
  }

  #goOn(chunk: Buffer, from: number): boolean {
    const at = this.#consume(chunk, from);
    const code = at < chunk.length && this.#left === 0 && this.#headerBytes === 0 ? chunk[at] : undefined;
    const ended = code !== undefined && isLast(code);
    // Rows before an error are of no use; those before the end are.
    if (ended && (code === message.error || this.#filled === 0)) {
      this.#detach(chunk.subarray(at));
      return true;
    }
    if (!ended && at === chunk.length && !this.#full()) return true;
    this.#waiting = true;
    this.#socket.pause();
    void this.#flush(chunk, at);
    return false;
  }

  async #flush(chunk: Buffer, at: number): Promise<void> {
    try {
      await this.#sink.filled(this.#filled);
      this.#filled = 0;
      this.#space = this.#sink.space();
    } catch (error) {
      // The rest of the rows is on its way and nobody wants it: the connection has no further use.
      this.#failed = true;
      this.#socket.destroy();
      this.#reject(error);
      return;
    }
    if (this.#failed) return;
    this.#waiting = false;
    if (!this.#goOn(chunk, at)) return;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if (!this.#attached) this.#listener(next);
      else if (!this.#goOn(next, 0)) return;
    }
    this.#socket.resume();
  }

  #full(): boolean {
    return this.#filled >= this.#enough || this.#filled === this.#space.length;
  }

  /** @returns how far it came: to the end of the chunk, to a message for pg, or to where the sink is full */
  #consume(chunk: Buffer, from: number): number {
    const space = this.#space;
    let at = from;
    while (at < chunk.length) {
      if (this.#left === 0) {
        if (this.#headerBytes === 0) {
          const code = chunk[at]!;
          if (isLast(code)) return at;
          if (chunk.length - at >= headerLength) {
            this.#data = code === message.copyData;
            this.#left = ((chunk[at + 1]! << 24) | (chunk[at + 2]! << 16) | (chunk[at + 3]! << 8) | chunk[at + 4]!) - 4;
            at += headerLength;
            continue;
          }
        }
        this.#header[this.#headerBytes++] = chunk[at++]!;
        if (this.#headerBytes < headerLength) continue;
        this.#headerBytes = 0;
        this.#data = this.#header[0] === message.copyData;
        this.#left = this.#header.readUInt32BE(1) - 4;
        continue;
      }
      let length = Math.min(this.#left, chunk.length - at);
      if (this.#data) {
        const filled = this.#filled;
        if (filled >= this.#enough || filled === space.length) return at;
        length = Math.min(length, space.length - filled);
        if (length <= shortCopy) for (let i = 0; i < length; i++) space[filled + i] = chunk[at + i]!;
        else chunk.copy(space, filled, at, at + length);
        this.#filled = filled + length;
      }
      at += length;
      this.#left -= length;
    }
    return at;
  }

  /** Gives the socket back to pg, which handles the messages from here on. */
  #detach(rest: Buffer): void {
    this.#attached = false;
    if (this.#socket.direct) this.#socket.direct.take = undefined;
    else this.#socket.removeListener('data', this.#take);
    this.#socket.on('data', this.#listener);
    // A copy, because pg keeps what it cannot use yet, and the buffer is read into again.
    this.#listener(Buffer.from(rest));
  }

  handleCommandComplete({ text }: { text?: string }): void {
    const rows = /^COPY (\d+)/.exec(text ?? '')?.[1];
    if (rows !== undefined) this.#rows = Number(rows);
  }

  handleReadyForQuery(): void {
    if (!this.#failed) this.#resolve(this.#rows);
  }

  handleError(error: unknown): void {
    this.#failed = true;
    this.#reject(error);
  }

  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
}

/** Whether a message of this type is for pg again. */
function isLast(code: number): boolean {
  return code === message.copyDone || code === message.error || code === message.readyForQuery;
}
