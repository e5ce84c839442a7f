import type { Cell } from './transformer.ts';

/**
 * Writes many short ASCII cells into one buffer and makes one string of them, of which every cell is a slice: building
 * each from its characters costs several times as much.
 */
export class AsciiCells {
  bytes: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  at = 0;
  #ends = new Int32Array(0);
  #cells = 0;

  begin(count: number, perCell: number): void {
    if (this.bytes.length < count * perCell) this.bytes = Buffer.alloc(count * perCell);
    if (this.#ends.length < count) this.#ends = new Int32Array(count);
    this.at = 0;
    this.#cells = 0;
  }

  /** Ends a cell; one for every cell of the batch, also for those that will be null. */
  end(): void {
    this.#ends[this.#cells++] = this.at;
  }

  text(value: string): void {
    for (let k = 0; k < value.length; k++) this.bytes[this.at++] = value.charCodeAt(k);
  }

  /** Gives each cell to `out`, except where `cells` has a null or ''. */
  into(out: Cell[], cells: readonly Cell[]): void {
    const text = this.bytes.toString('latin1', 0, this.at);
    for (let i = 0, from = 0; i < this.#cells; i++) {
      const end = this.#ends[i]!;
      out[i] = cells[i] ? text.slice(from, end) : cells[i]!;
      from = end;
    }
  }
}

/** Lower case without the letters that are easily confused (i, l, o, u); 5 bits a character. */
export const base32 = '0123456789abcdefghjkmnpqrstvwxyz';
const base32Codes = Buffer.from(base32);

/** `length` characters (at most 25) from the 128 bits at `words[at …]`, taken from their end. */
export function writeBase32(
  cells: { bytes: Buffer; at: number },
  words: Uint32Array,
  at: number,
  length: number,
): void {
  const { bytes } = cells;
  let word = 3;
  let held = words[at + 3]!;
  let bits = 32;
  for (let k = 0; k < length; k++) {
    let five = held & 31;
    if (bits < 5) {
      held = words[at + --word]!;
      const missing = 5 - bits;
      five |= (held & ((1 << missing) - 1)) << bits;
      held >>>= missing;
      bits = 32 - missing;
    } else {
      held >>>= 5;
      bits -= 5;
    }
    bytes[cells.at++] = base32Codes[five & 31]!;
  }
}
