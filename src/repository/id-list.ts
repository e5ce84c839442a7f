import { idLength } from './frame.ts';

/** Chunk ids in a buffer that grows: 32 bytes each, where an array of hex strings would take four times as many. */
export class IdList {
  #bytes = Buffer.allocUnsafe(4 * idLength);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  push(id: Uint8Array): void {
    const at = this.#count * idLength;
    if (at === this.#bytes.length) {
      const larger = Buffer.allocUnsafe(at * 2);
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    this.#bytes.set(id, at);
    this.#count++;
  }

  /** All ids, back to back, in memory of their own. */
  bytes(): Buffer {
    const copy = Buffer.allocUnsafeSlow(this.#count * idLength);
    this.#bytes.copy(copy, 0, 0, copy.length);
    return copy;
  }

  hex(): string[] {
    return Array.from({ length: this.#count }, (_, i) => this.#bytes.toString('hex', i * idLength, (i + 1) * idLength));
  }
}
