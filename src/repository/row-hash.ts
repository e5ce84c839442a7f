import { rowHashModule } from './row-hash-module.ts';

/**
 * The fingerprint of a table that does not depend on the order of its rows: the sum modulo 2^128 of a keyed hash of every
 * row of its COPY text. The hash is SipHash-2-4 with 128-bit output (Aumasson and Bernstein, "SipHash: a fast short-input
 * PRF", 2012); sums of a keyed pseudo-random function are a multiset hash (Clarke et al., "Incremental Multiset Hash
 * Functions", ASIACRYPT 2003). A row ends with its newline, which COPY text never holds inside a row.
 */

interface Exports {
  memory: WebAssembly.Memory;
  low: WebAssembly.Global<'i64'>;
  high: WebAssembly.Global<'i64'>;
  rows: WebAssembly.Global<'i64'>;
  begin(key0: bigint, key1: bigint): void;
  scan(at: number, end: number): number;
}

export interface RowSum {
  rows: number;
  /** 32 hex digits: the sum, most significant digit first. */
  sum: string;
}

/** The fingerprint of the rows of both. */
export function addRowSums(a: RowSum, b: RowSum): RowSum {
  const sum = BigInt.asUintN(128, BigInt(`0x${a.sum}`) + BigInt(`0x${b.sum}`));
  return { rows: a.rows + b.rows, sum: sum.toString(16).padStart(32, '0') };
}

let compiled: WebAssembly.Module | undefined;

/** Instances that have done their work: a new one for each of thousands of tables keeps the collector busy. */
const spare: Exports[] = [];

/** Bytes of the module's memory that hold rows; a word more lies behind them. */
const room = 1 << 20;

export class RowHash {
  readonly #wasm: Exports;
  readonly #bytes: Uint8Array;
  /** Bytes at the start of memory that are not absorbed yet; fewer than 8. */
  #held = 0;
  #last = 0x0a;
  #sum: RowSum | undefined;

  /** @param key 16 bytes */
  constructor(key: Uint8Array) {
    if (key.length !== 16) throw new RangeError('the row hash takes a key of 16 bytes');
    this.#wasm = spare.pop() ?? instantiate();
    this.#bytes = new Uint8Array(this.#wasm.memory.buffer);
    const words = Buffer.from(key);
    this.#wasm.begin(words.readBigInt64LE(0), words.readBigInt64LE(8));
  }

  /** Takes the next bytes of the stream; rows may be cut anywhere. */
  update(bytes: Uint8Array): void {
    if (this.#sum !== undefined) throw new RangeError('the stream has ended');
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + room - this.#held);
      this.#bytes.set(part, this.#held);
      at += part.length;
      this.#scan(this.#held + part.length);
    }
    if (bytes.length > 0) this.#last = bytes[bytes.length - 1]!;
  }

  #scan(end: number): void {
    const absorbed = this.#wasm.scan(0, end);
    this.#bytes.copyWithin(0, absorbed, end);
    this.#held = end - absorbed;
  }

  /**
   * The sum over all rows so far; nothing may be added afterwards.
   *
   * @throws RangeError when the stream does not end with a newline, which no whole COPY text does
   */
  digest(): RowSum {
    if (this.#sum !== undefined) return this.#sum;
    if (this.#last !== 0x0a) throw new RangeError('the stream ends inside a row');
    // Zeros let the last rows fill whole words; what follows the last newline is never finished and counts for nothing.
    this.#bytes.fill(0, this.#held, this.#held + 8);
    if (this.#held > 0) this.#scan(this.#held + 8);
    const low = BigInt.asUintN(64, this.#wasm.low.value);
    const high = BigInt.asUintN(64, this.#wasm.high.value);
    this.#sum = {
      rows: Number(this.#wasm.rows.value),
      sum: ((high << 64n) | low).toString(16).padStart(32, '0'),
    };
    spare.push(this.#wasm);
    return this.#sum;
  }
}

function instantiate(): Exports {
  compiled ??= new WebAssembly.Module(Buffer.from(rowHashModule, 'base64'));
  return new WebAssembly.Instance(compiled).exports as unknown as Exports;
}
