/** Takes places of rows out of a binary COPY, as it comes. */
import type { CopySink } from '../../sources/postgres/copy-out.ts';
import { type Leaf, type PlaceSpace, positionOf } from './places.ts';

/** Signature, flags, length of the extension. */
const headerBytes = 19;
const tidBytes = 6;
const oidBytes = 4;

/** One side of a pair: a tid of a known relation, or the oid of the relation and a tid. */
export type PlaceField = Leaf | PlaceSpace;

/** Where nothing is referred to, or something that is not copied. */
export const nowhere = -1;

export class PlaceSink implements CopySink {
  readonly #buffer = Buffer.allocUnsafeSlow(256 * 1024);
  readonly #fields: readonly PlaceField[];
  readonly #take: (first: number, second: number) => void;
  /** Bytes of a row that came without the rest of it; they are at the start of the buffer. */
  #kept = 0;
  #started = false;
  #at = 0;

  /** @param fields one or two; of one, `second` is `nowhere` */
  constructor(fields: readonly PlaceField[], take: (first: number, second: number) => void) {
    this.#fields = fields;
    this.#take = take;
  }

  space(): Buffer {
    return this.#buffer.subarray(this.#kept);
  }

  async filled(length: number): Promise<void> {
    const end = this.#kept + length;
    let at = 0;
    if (!this.#started && end >= headerBytes) {
      this.#started = true;
      at = headerBytes;
    }
    if (this.#started) at = this.#rows(at, end);
    this.#buffer.copyWithin(0, at, end);
    this.#kept = end - at;
  }

  /** @returns how far whole rows came */
  #rows(from: number, end: number): number {
    const bytes = this.#buffer;
    const [first, second] = this.#fields;
    let at = from;
    while (end - at >= 2) {
      if (bytes.readInt16BE(at) === -1) return end;
      this.#at = at + 2;
      const one = this.#place(first!, end);
      if (one === undefined) return at;
      const other = second === undefined ? nowhere : this.#place(second, end);
      if (other === undefined) return at;
      at = this.#at;
      if (one !== nowhere) this.#take(one, other);
    }
    return at;
  }

  /** The place at `#at`, which moves behind it; undefined where it is not there as a whole. */
  #place(field: PlaceField, end: number): number | undefined {
    const bytes = this.#buffer;
    let leaf: Leaf | undefined;
    let isNull = false;
    if ('leaves' in field) {
      if (end - this.#at < 4) return undefined;
      isNull = bytes.readInt32BE(this.#at) === -1;
      this.#at += 4;
      if (!isNull) {
        if (end - this.#at < oidBytes) return undefined;
        leaf = field.leaf(bytes.readUInt32BE(this.#at));
        this.#at += oidBytes;
      }
    } else leaf = field;
    if (end - this.#at < 4) return undefined;
    isNull = bytes.readInt32BE(this.#at) === -1;
    this.#at += 4;
    if (isNull) return nowhere;
    if (end - this.#at < tidBytes) return undefined;
    const block = bytes.readUInt32BE(this.#at);
    const line = bytes.readUInt16BE(this.#at + 4);
    this.#at += tidBytes;
    return leaf === undefined ? nowhere : positionOf(leaf, block, line);
  }
}
