/** Plain IPv4 addresses of a column as numbers, and back: a kernel reads and writes them. Others are left to the program. */
import type { ByteColumn } from '../byte-column.ts';
import { kernels } from './kernels.ts';
import { restOf, takeRest, writePlain } from './plain-cells.ts';

export class FourAddresses {
  /** The addresses of the plain cells in order, and room for more: there is a place for each cell. */
  values = new Float64Array(0);
  /** Of each cell: the length of its network, or what it is in place of an address. */
  #masks = new Uint8Array(0);
  #plain = 0;

  /** Reads a column. @returns how many values there are, and the cells that are neither NULL nor empty nor plain */
  read(cells: ByteColumn): { plain: number; rest: Int32Array } {
    const { count } = cells;
    if (this.#masks.length < count) {
      this.#masks = new Uint8Array(count);
      this.values = new Float64Array(count);
    }
    const kernel = kernels().begin();
    const { bytes, from, to } = kernel.bring(cells);
    const [values, masks, rest] = [kernel.take(count * 8), kernel.take(count), takeRest(kernel, count)];
    this.#plain = kernel.run.readFours(bytes, from, to, count, values, masks, rest);
    this.#masks.set(kernel.bytes.subarray(masks, masks + count));
    this.values.set(new Float64Array(kernel.bytes.buffer, values, this.#plain));
    return { plain: this.#plain, rest: restOf(kernel, rest) };
  }

  /**
   * Writes the cells that were read, with what their values are now.
   *
   * @param networks whether addresses are cut to the length of their network
   * @param other writes the next cell, one of those that were left, in their order
   */
  write(count: number, networks: boolean, out: ByteColumn, other: (i: number) => void): void {
    const kernel = kernels().begin();
    const values = kernel.take(this.#plain * 8);
    new Float64Array(kernel.bytes.buffer, values, this.#plain).set(this.values.subarray(0, this.#plain));
    const masks = kernel.take(count);
    kernel.bytes.set(this.#masks.subarray(0, count), masks);
    writePlain(
      kernel,
      { count, length: count * 18, out },
      (made, rest) =>
        kernel.run.writeFours(values, masks, count, networks ? 1 : 0, made.bytes, made.from, made.to, rest),
      other,
    );
  }
}
