import type { Clock } from '../../base/clock.ts';
import type { Emit } from '../../base/events.ts';
import { formatCount } from '../../base/units.ts';

/** Milliseconds between two events. */
const interval = 250;

/** Tells how far work on bytes is, a few times a second. */
export class ProgressReport {
  readonly #clock: Clock;
  readonly #emit: Emit;
  readonly #activity: string;
  readonly #total: number | undefined;
  #done = 0;
  #items = 0;
  #lastAt: number;

  /** @param total bytes, when it is known beforehand */
  constructor({ clock, emit }: { clock: Clock; emit: Emit }, activity: string, total?: number) {
    this.#clock = clock;
    this.#emit = emit;
    this.#activity = activity;
    this.#total = total;
    this.#lastAt = clock.monotonic();
  }

  /** @param bytes done since the last call */
  add(bytes: number): void {
    this.#done += bytes;
    this.#maybeSend();
  }

  /** @param count entries dealt with in all */
  items(count: number): void {
    this.#items = count;
    this.#maybeSend();
  }

  /** Everything is done. */
  end(count = this.#items): void {
    this.#items = count;
    this.#send();
  }

  #maybeSend(): void {
    if (this.#clock.monotonic() - this.#lastAt >= interval) this.#send();
  }

  #send(): void {
    this.#lastAt = this.#clock.monotonic();
    this.#emit({
      type: 'progress',
      activity: this.#activity,
      done: this.#done,
      ...(this.#total !== undefined && { total: this.#total }),
      unit: 'bytes',
      ...(this.#items > 0 && { detail: `${formatCount(this.#items)} entries` }),
    });
  }
}
