/** What is left of a stream when a piece of it ends inside a row. */
export class HeldBytes {
  #held: Buffer = Buffer.alloc(0);
  #joined: Buffer = Buffer.alloc(0);

  get length(): number {
    return this.#held.length;
  }

  /** What was held and the piece behind it, in memory that is used again for the next piece; the piece itself when nothing was. */
  before(piece: Buffer): Buffer {
    if (this.#held.length === 0) return piece;
    const length = this.#held.length + piece.length;
    if (this.#joined.length < length || this.#joined.length > 8 * length)
      this.#joined = Buffer.allocUnsafeSlow(length + 4096);
    this.#held.copy(this.#joined);
    piece.copy(this.#joined, this.#held.length);
    return this.#joined.subarray(0, length);
  }

  /** Holds a copy: it must not keep the whole piece alive, nor change with it. */
  hold(bytes: Buffer): void {
    this.#held = Buffer.from(bytes);
  }
}
