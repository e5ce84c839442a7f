/** What is left of a stream when a piece of it ends inside a row. The next piece can be read to where it needs no copying. */
export class HeldBytes {
  /** What is held, and behind it room. */
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Room for `length` bytes of the next piece, right behind what is held. It stays the same until `before` or `hold`. */
  space(length: number): Buffer {
    const wanted = this.#length + length;
    // The room of one long row is given back.
    if (this.#bytes.length < wanted || this.#bytes.length > 8 * wanted) {
      const before = this.#bytes;
      this.#bytes = Buffer.allocUnsafeSlow(wanted + 4096);
      before.copy(this.#bytes, 0, 0, this.#length);
    }
    return this.#bytes.subarray(this.#length, wanted);
  }

  /** What was held and the piece behind it, in memory that is used again for the next piece; the piece itself when nothing was. */
  before(piece: Buffer): Buffer {
    if (this.#length === 0) return piece;
    const { buffer, byteOffset } = this.#bytes;
    const isBehind = piece.buffer === buffer && piece.byteOffset === byteOffset + this.#length;
    if (!isBehind) piece.copy(this.space(piece.length));
    return this.#bytes.subarray(0, this.#length + piece.length);
  }

  /** Holds a copy: it must not keep the whole piece alive, nor change with it. */
  hold(bytes: Buffer): void {
    const room = this.#bytes;
    if (room.length < bytes.length) this.#bytes = Buffer.allocUnsafeSlow(bytes.length + 4096);
    // They may lie in the same memory, further behind.
    bytes.copy(this.#bytes);
    this.#length = bytes.length;
  }
}
