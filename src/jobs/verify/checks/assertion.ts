/** What the configuration states of a restored database. */

/** A table, as its catalog writes it. */
export interface StatedTable {
  schema: string;
  table: string;
}

export type Expectation =
  /** One row with one column, which is this. */
  | { kind: 'equals'; value: string | number | boolean }
  /** One row with one column, a number from `min` to `max`. */
  | { kind: 'between'; min?: number | undefined; max?: number | undefined }
  /** So many rows, of whatever. */
  | { kind: 'rows'; min: number; max?: number | undefined };

interface Named {
  /** Of its own among the assertions. */
  name: string;
  source: string;
  /** Milliseconds for one statement. */
  timeoutMs: number;
}

/** A query, and what must come of it. `show`: the report may name the number that came of it. */
export interface QueryAssertion extends Named {
  kind: 'query';
  sql: string;
  expect: Expectation;
  show: boolean;
}

/** A row that is known to be there. */
export interface CanaryAssertion extends Named {
  kind: 'canary';
  table: StatedTable;
  column: string;
  /** Fetched when it is needed: it may be a secret. */
  value: () => Promise<string>;
}

/** The newest row is younger than this, seen from the snapshot. */
export interface FreshnessAssertion extends Named {
  kind: 'freshness';
  table: StatedTable;
  /** A time, a timestamp with or without time zone (then in UTC), or a date. */
  column: string;
  withinMs: number;
  show: boolean;
}

export type Assertion = QueryAssertion | CanaryAssertion | FreshnessAssertion;

/**
 * Whether what came, as PostgreSQL writes it, is what was expected.
 *
 * @param value null for NULL
 * @returns undefined when it is, else why not, in a sentence that does not tell the value
 */
export function contradictionOf(
  expect: Exclude<Expectation, { kind: 'rows' }>,
  value: string | null,
): string | undefined {
  if (value === null) return 'It came out as NULL.';
  if (expect.kind === 'equals' && typeof expect.value !== 'number') {
    const expected = typeof expect.value === 'boolean' ? (expect.value ? 't' : 'f') : expect.value;
    return value === expected ? undefined : 'It came out as another value than the expected one.';
  }
  const number = numberOf(value);
  if (number === undefined) return 'It did not come out as a number.';
  if (expect.kind === 'equals') {
    // biome-ignore lint/suspicious/noDoubleEquals: a bigint and a number compare exactly, but are never identical.
    return number == expect.value ? undefined : `It did not come out as ${expect.value}.`;
  }
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = expect;
  return number >= min && number <= max ? undefined : `It is not ${boundsText(expect)}.`;
}

/** Exact for whole numbers of any size. */
export function numberOf(value: string): bigint | number | undefined {
  if (/^-?\d+$/.test(value)) return BigInt(value);
  const number = /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? number : undefined;
}

/** `from 1 to 10`, `at least 1`, `at most 10`. */
export function boundsText({ min, max }: { min?: number | undefined; max?: number | undefined }): string {
  if (min !== undefined && max !== undefined) return min === max ? `${min}` : `from ${min} to ${max}`;
  return min !== undefined ? `at least ${min}` : `at most ${max}`;
}
