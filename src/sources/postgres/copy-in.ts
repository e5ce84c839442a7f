import type { Duplex } from 'node:stream';
import { free } from '../../base/memory.ts';
import type { Session } from './session.ts';

/** Bytes of a CopyData message, at least, unless the rows end before. */
const messageBytes = 512 * 1024;
/** Bytes handed to the socket and not yet taken by the server, at most. */
const underWayBytes = 4 * 1024 * 1024;

const messageType = { copyData: 0x64, copyDone: 0x63 } as const;

/**
 * Runs SQL that ends with a COPY … FROM STDIN; statements before it run in the same round trip.
 *
 * @param source the bytes, in pieces that are given up to be sent; when it throws, the server is told that the COPY
 *   failed, and what it threw is thrown here
 * @param sent told of each piece that is no longer needed; by default its memory is given back
 * @returns how many rows the server counted
 * @throws what the server or the source threw; the session can be used again unless the connection was lost, but a
 *   transaction begun in `sql` must be rolled back
 */
export async function copyIn(
  session: Session,
  sql: string,
  source: AsyncIterable<Uint8Array>,
  sent: (piece: Uint8Array) => void = free,
): Promise<number> {
  const copy = new CopyIn(sql, source, sent);
  session.client.query(copy);
  return await copy.done;
}

interface PgConnection {
  stream: Duplex;
  query(text: string): void;
}
/** What the types of pg leave out. */
interface CopyingConnection extends PgConnection {
  sendCopyFail(message: string): void;
}

/** What pg's client takes for a query of one's own. */
class CopyIn {
  readonly done: Promise<number>;
  readonly #sql: string;
  readonly #source: AsyncIterable<Uint8Array>;
  readonly #sent: (piece: Uint8Array) => void;
  #resolve!: (rows: number) => void;
  #reject!: (error: unknown) => void;
  #rows = 0;
  /** Whatever was first: an error of the server, or of the source. */
  #failure: { error: unknown } | undefined;
  #serverFailed = false;
  #wake: (() => void) | undefined;

  constructor(sql: string, source: AsyncIterable<Uint8Array>, sent: (piece: Uint8Array) => void) {
    this.#sql = sql;
    this.#source = source;
    this.#sent = sent;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Called by pg when it is this query's turn. */
  submit(connection: PgConnection): void {
    connection.query(this.#sql);
  }

  handleCopyInResponse(connection: CopyingConnection): void {
    void this.#send(connection);
  }

  async #send(connection: CopyingConnection): Promise<void> {
    try {
      await this.#sendRows(connection.stream);
    } catch (error) {
      this.#failure ??= { error };
    }
    if (this.#serverFailed) {
      this.#reject(this.#failure!.error);
    } else if (this.#failure === undefined) {
      connection.stream.write(Buffer.from([messageType.copyDone, 0, 0, 0, 4]));
    } else {
      connection.sendCopyFail('the rows could not be read');
    }
  }

  async #sendRows(socket: Duplex): Promise<void> {
    let gathered: Uint8Array[] = [];
    let length = 0;
    const send = async () => {
      const header = Buffer.allocUnsafe(5);
      header[0] = messageType.copyData;
      header.writeUInt32BE(length + 4, 1);
      socket.cork();
      socket.write(header);
      for (const piece of gathered) socket.write(piece, () => this.#sent(piece));
      socket.uncork();
      gathered = [];
      length = 0;
      if (socket.writableLength > underWayBytes) await this.#drained(socket);
    };
    for await (const piece of this.#source) {
      if (this.#serverFailed) return;
      if (piece.length === 0) continue;
      gathered.push(piece);
      length += piece.length;
      if (length >= messageBytes) await send();
    }
    if (length > 0 && !this.#serverFailed) await send();
  }

  /** Resolves when the socket takes more, or when there is no point in waiting. */
  async #drained(socket: Duplex): Promise<void> {
    if (this.#serverFailed || socket.destroyed) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      socket.once('drain', resolve);
    });
    socket.removeListener('drain', this.#wake!);
    this.#wake = undefined;
  }

  handleCommandComplete({ text }: { text?: string }): void {
    const rows = /^COPY (\d+)/.exec(text ?? '')?.[1];
    if (rows !== undefined) this.#rows = Number(rows);
  }

  /** pg calls this for a failed query too, if it was still its own; then the promise is settled already. */
  handleReadyForQuery(): void {
    this.#resolve(this.#rows);
  }

  handleError(error: unknown): void {
    // After CopyFail the server's error only repeats ours.
    this.#failure ??= { error };
    this.#serverFailed = true;
    this.#wake?.();
    this.#reject(this.#failure.error);
  }

  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
}
