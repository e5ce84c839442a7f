import type { Shortfall } from '../source.ts';

/** More than this of one sort are counted, not listed: a snapshot that names a million files helps nobody. */
const mostOfOneSort = 500;

/** Gathers what fell short, in bounded memory. */
export class Shortfalls {
  readonly #listed: Shortfall[] = [];
  readonly #sorts = new Map<string, { count: number; degrades: boolean }>();

  /** @param reason one sentence; entries with the same one are of one sort */
  add(object: string, reason: string, { degrades }: { degrades: boolean }): void {
    const sort = this.#sorts.get(reason) ?? { count: 0, degrades };
    this.#sorts.set(reason, sort);
    sort.count++;
    sort.degrades ||= degrades;
    if (sort.count <= mostOfOneSort) this.#listed.push({ object, reason, degrades });
  }

  all(): Shortfall[] {
    const more: Shortfall[] = [];
    for (const [reason, { count, degrades }] of this.#sorts) {
      if (count > mostOfOneSort) more.push({ object: `${count - mostOfOneSort} more entries`, reason, degrades });
    }
    return [...this.#listed, ...more];
  }
}
