import type { Clock } from '../../base/clock.ts';
import type { Emit } from '../../base/events.ts';

/** Milliseconds between two events. */
const pace = 250;

/**
 * How far the rows are. The size of the COPY text is not known beforehand, so each table counts for its size on disk, and a
 * table under way for no more than that.
 */
export class CopyProgress {
  readonly #emit: Emit;
  readonly #clock: Clock;
  readonly #total: number;
  readonly #partial = new Map<object, number>();
  #done = 0;
  #last = Number.NEGATIVE_INFINITY;

  /** @param total bytes on disk of everything that is copied */
  constructor(emit: Emit, clock: Clock, total: number) {
    this.#emit = emit;
    this.#clock = clock;
    this.#total = total;
  }

  /** More of an item has come; `size` is what the whole item counts for. */
  advance(item: object, bytes: number, size: number, detail: string): void {
    this.#partial.set(item, Math.min((this.#partial.get(item) ?? 0) + bytes, size));
    if (this.#clock.monotonic() - this.#last >= pace) this.#send(detail);
  }

  /** An item is done. */
  finish(item: object, size: number, detail: string): void {
    this.#partial.delete(item);
    this.#done += size;
    if (this.#done >= this.#total || this.#clock.monotonic() - this.#last >= pace) this.#send(detail);
  }

  #send(detail: string): void {
    this.#last = this.#clock.monotonic();
    const underWay = [...this.#partial.values()].reduce((sum, bytes) => sum + bytes, 0);
    this.#emit({
      type: 'progress',
      activity: 'tables',
      done: Math.min(this.#done + underWay, this.#total),
      total: this.#total,
      unit: 'bytes',
      detail,
    });
  }
}
