import { HoldfastError } from '../../base/errors.ts';

/** What PostgreSQL writes before the first row of a binary COPY: a signature, flags, and the length of an extension. */
const header = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
/** Takes a binary COPY of (oid, bytea) apart, as it comes: no object needs to fit into memory. */
export class BinaryRows {
  readonly #source: AsyncIterator<Buffer>;
  /** Received and not passed on yet. */
  #rest: Buffer = Buffer.alloc(0);
  #started = false;
  #ended = false;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Whether there is another row. @throws HoldfastError `object-damaged` */
  async more(): Promise<boolean> {
    if (!this.#started) {
      const start = await this.#take(header.length);
      if (!start.equals(header)) throw damaged();
      this.#started = true;
    }
    if (this.#ended) return false;
    if ((await this.#peek(2)).readInt16BE(0) !== -1) return true;
    this.#ended = true;
    await this.#take(2);
    if (this.#rest.length > 0 || !(await this.#source.next()).done) throw damaged();
    return false;
  }

  /** The next row as a large object: an oid, and the bytes that must all be read before anything else. */
  async object(): Promise<{ oid: number; size: number; content: AsyncGenerator<Buffer> }> {
    const start = await this.#take(2 + 8 + 4);
    const [fields, oidLength, size] = [start.readInt16BE(0), start.readInt32BE(2), start.readInt32BE(10)];
    if (fields !== 2 || oidLength !== 4 || size < 0) throw damaged();
    return { oid: start.readUInt32BE(6), size, content: this.#bytes(size) };
  }

  async *#bytes(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      if (this.#rest.length === 0) await this.#receive();
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  async #take(length: number): Promise<Buffer> {
    const taken = await this.#peek(length);
    this.#rest = this.#rest.subarray(length);
    return taken;
  }

  async #peek(length: number): Promise<Buffer> {
    while (this.#rest.length < length) await this.#receive();
    return this.#rest.subarray(0, length);
  }

  async #receive(): Promise<void> {
    const next = await this.#source.next();
    if (next.done) throw damaged();
    this.#rest = this.#rest.length === 0 ? next.value : Buffer.concat([this.#rest, next.value]);
  }
}

function damaged(): HoldfastError {
  return new HoldfastError('object-damaged', 'The large objects of the snapshot are not a whole binary COPY.', {
    hint: 'Run `holdfast check --read-data`, and restore another snapshot.',
  });
}
