import type { Emit } from '../base/events.ts';
import type { IgnoredObject } from '../repository/ignored-object.ts';

/** Named one by one; of the others their number is told. Whoever may write to a site can put any number of them there. */
const named = 5;

/** Warns of objects that do not count, without drowning what else is told. */
export class IgnoredWarnings {
  readonly #emit: Emit;
  readonly #source: string;
  #count = 0;

  constructor(emit: Emit, source: string) {
    this.#emit = emit;
    this.#source = source;
  }

  readonly ignore = ({ object, why }: IgnoredObject): void => {
    if (++this.#count > named) return;
    this.#emit({ type: 'warning', source: this.#source, text: `${object} does not count: ${why}` });
  };

  /** Tells how many were not named since the last time. */
  rest(): void {
    const more = this.#count - named;
    this.#count = 0;
    if (more <= 0) return;
    const text = more === 1 ? 'One more object does not count.' : `${more} more objects do not count.`;
    this.#emit({ type: 'warning', source: this.#source, text, hint: `See them all: holdfast check ${this.#source}` });
  }
}

/** Warns of a list of them. */
export function warnOfIgnored(emit: Emit, source: string, ignored: readonly IgnoredObject[]): void {
  const warnings = new IgnoredWarnings(emit, source);
  for (const object of ignored) warnings.ignore(object);
  warnings.rest();
}
