/**
 * Memory for the bytes under way, reused: allocating a megabyte for every megabyte read leaves the collector far
 * behind. A slab is free again when every chunk cut from it has been dealt with.
 */
export class Slab {
  readonly bytes: Buffer;
  /** Chunks that still point into it, and one for the stream that fills it. */
  uses = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }
}

/** Of this thread, by the size of their slabs. */
const pools = new Map<number, SlabPool>();

export class SlabPool {
  /** The pool that all streams of this thread share, whatever source they belong to. */
  static shared(size: number): SlabPool {
    const pool = pools.get(size) ?? new SlabPool(size);
    pools.set(size, pool);
    return pool;
  }

  readonly #free: Slab[] = [];
  readonly #size: number;
  readonly #keep: number;

  /**
   * @param size bytes of each slab
   * @param keep how many unused ones are kept
   */
  constructor(size: number, keep = 6) {
    this.#size = size;
    this.#keep = keep;
  }

  /** A slab with one use, that of the caller. */
  take(): Slab {
    const slab = this.#free.pop() ?? new Slab(this.#size);
    slab.uses = 1;
    return slab;
  }

  release(slab: Slab): void {
    slab.uses--;
    if (slab.uses === 0 && this.#free.length < this.#keep) this.#free.push(slab);
  }
}
