/** Rows from one server to another, rewritten on the way. */
import type { CopySink } from '../../sources/postgres/copy-out.ts';
import { pieceRoom } from './piece-room.ts';

/** Takes rows as they come, cut anywhere, and gives them rewritten, in memory of their own. */
export interface RowRewriter {
  /** Room for the next piece; the same until `push`. */
  space(length: number): Buffer;
  push(piece: Buffer): Buffer[];
  /** No more come. @throws when the last row is not complete */
  end(): void;
}

/** Bytes read before they are rewritten: what is done once for a batch costs less the larger it is, as long as the caches hold it. */
const pieceBytes = 1024 * 1024;
/** Pieces rewritten and not yet sent. */
const waitingPieces = 4;

/**
 * The sink of a COPY … TO and the source of a COPY … FROM. Reading waits when sending does; what is under way is bounded.
 */
export class RowPipe implements CopySink, AsyncIterable<Buffer> {
  readonly #rewriter: RowRewriter | undefined;
  readonly #taken: (bytes: number) => void;
  readonly enough = pieceBytes;
  /** Where the next piece is read to. */
  #space: Buffer | undefined;
  readonly #ready: Buffer[] = [];
  #end: { error?: unknown } | undefined;
  /** Whoever sends no longer wants anything. */
  #closed = false;
  #wakeReader: (() => void) | undefined;
  #wakeSender: (() => void) | undefined;

  /** @param taken told of bytes read; may throw to stop */
  constructor(rewriter: RowRewriter | undefined, taken: (bytes: number) => void) {
    this.#rewriter = rewriter;
    this.#taken = taken;
  }

  space(): Buffer {
    this.#space ??= this.#rewriter?.space(pieceBytes) ?? pieceRoom(pieceBytes);
    return this.#space;
  }

  async filled(length: number): Promise<void> {
    if (this.#closed) throw new SenderGone();
    this.#taken(length);
    const piece = this.space().subarray(0, length);
    // It may be sent from there: the next rows need another.
    this.#space = undefined;
    if (this.#rewriter === undefined) this.#ready.push(piece);
    else this.#ready.push(...this.#rewriter.push(piece));
    this.#wakeSender?.();
    while (this.#ready.length > waitingPieces && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
    if (this.#closed) throw new SenderGone();
  }

  /** No more rows come: all were read, or `failure` says why not. */
  end(failure?: { error: unknown }): void {
    if (this.#end !== undefined) return;
    this.#end = failure ?? {};
    try {
      if (failure === undefined) this.#rewriter?.end();
    } catch (error) {
      this.#end = { error };
    }
    this.#wakeSender?.();
  }

  /** The one who sends failed. */
  close(): void {
    this.#closed = true;
    this.#wakeReader?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      const piece = this.#ready.shift();
      if (piece !== undefined) {
        this.#wakeReader?.();
        yield piece;
        continue;
      }
      if (this.#end !== undefined) {
        if ('error' in this.#end) throw this.#end.error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wakeSender = resolve;
      });
    }
  }
}

/** Reading stops because sending did: the other error is the one to tell. */
export class SenderGone extends Error {}
