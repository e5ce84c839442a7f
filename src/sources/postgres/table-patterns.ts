import { wildcard } from './wildcard.ts';

/**
 * Patterns that name tables: `schema.table`, or `table` in any schema; `*` stands for any characters, `?` for one. Case
 * counts, and names are written without quotes.
 */
export class TablePatterns {
  readonly #patterns: { text: string; expression: RegExp; qualified: boolean; used: boolean }[];

  constructor(patterns: readonly string[]) {
    this.#patterns = patterns.map((text) => ({
      text,
      expression: wildcard(text),
      qualified: text.includes('.'),
      used: false,
    }));
  }

  matches(schema: string, name: string): boolean {
    let found = false;
    for (const pattern of this.#patterns) {
      if (!pattern.expression.test(pattern.qualified ? `${schema}.${name}` : name)) continue;
      pattern.used = true;
      found = true;
    }
    return found;
  }

  /** Patterns that have matched nothing so far: most likely a typing mistake. */
  unused(): string[] {
    return this.#patterns.filter(({ used }) => !used).map(({ text }) => text);
  }
}
