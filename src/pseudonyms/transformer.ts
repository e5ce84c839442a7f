import { HoldfastError } from '../base/errors.ts';
import type { ByteColumn } from './byte-column.ts';
import type { Cell } from './cell.ts';
import type { DomainKey } from './keys.ts';

export type { Cell };

/** What PostgreSQL's catalog says of a column, as far as a transformer needs it. */
export interface ColumnFacts {
  /** `schema.table.column`, for messages. */
  readonly name: string;
  /** The base type as `format_type` writes it without a modifier: `text`, `character varying`, `integer`, `uuid`, … */
  readonly type: string;
  /** Characters of varchar(n) and char(n). */
  readonly maxLength?: number | undefined;
  /** Of numeric(precision, scale). */
  readonly precision?: number | undefined;
  readonly scale?: number | undefined;
  readonly nullable: boolean;
  /** Whether a primary key, unique constraint or unique index rests on it alone. */
  readonly unique: boolean;
  /** The value of a constant default, as text; undefined when there is none. */
  readonly defaultText?: Cell | undefined;
  /** Rows of the table, or an estimate. */
  readonly rows?: number | undefined;
  /** Of a row type: its fields in their order. */
  readonly fields?: readonly { readonly name: string; readonly type: string }[] | undefined;
  /** Of a range or multirange: the type of its bounds. */
  readonly subtype?: string | undefined;
}

/**
 * How likely two different values get one pseudonym.
 *
 * * `bijective`: never, among the values of the canonical form;
 * * `bits`: for n values at most n(n-1)/2 / 2^bits;
 * * `lossy`: it will happen, or is meant to.
 */
export type Uniqueness = 'bijective' | 'lossy' | { readonly bits: number };

export interface Guarantee {
  readonly uniqueness: Uniqueness;
  /** Characters of the longest output; undefined when it is as long as the input. */
  readonly maxLength: number | undefined;
  readonly nulls: 'kept' | 'replaced';
  readonly empty: 'kept' | 'replaced';
  /** Which values count as the same one. */
  readonly canonical: string;
  /** Whether `reveal` leads back with the key. Whoever has the key can test guesses against every kind. */
  readonly reversible: boolean;
}

/** Another column of the same row that a transformer reads. */
export interface Companion {
  readonly column: string;
  /** The original value (to choose by), or the pseudonym that this run gives it (to build from). */
  readonly value: 'original' | 'pseudonym';
}

/**
 * Transforms a batch of one column's cells: `out[i]` becomes the pseudonym of `cells[i]`. `companions` holds, for each of
 * the transformer's companions, the cells of the same rows. The result depends on the row alone, never on its neighbours.
 */
export type Run = (cells: readonly Cell[], out: Cell[], companions?: readonly (readonly Cell[])[]) => void;

/** The same on columns of bytes: writes all of `out`, which is none of the columns that are read. */
export type ByteRun = (cells: ByteColumn, out: ByteColumn, companions?: readonly ByteColumn[]) => void;

/** External programs, kept running between batches by whoever owns them. */
export interface Programs {
  /**
   * Sends one line to a program and waits for the line it answers with. Starts the program where it does not run yet.
   *
   * @throws HoldfastError `failed` when it cannot be started, ends, or takes too long
   */
  ask(program: { command: readonly string[]; directory: string; timeoutMs: number }, line: string): string;
}

/** What a transformer is prepared with. */
export interface PrepareContext {
  readonly key: DomainKey;
  readonly column: ColumnFacts;
  /** Absolute: where the paths of `js` and `command` start. */
  readonly baseDirectory?: string | undefined;
  readonly programs?: Programs | undefined;
  /** Of those that need `whole`: that column and this one, over all rows. */
  readonly whole?: WholeColumn | undefined;
}

/** Two columns over all rows of a table, in the same order. */
export interface WholeColumn {
  readonly by: readonly Cell[];
  readonly values: readonly Cell[];
}

export interface Transformer {
  readonly kind: string;
  readonly companions: readonly Companion[];
  /** Needs all values of its column before the first row, with those of a column that tells the rows apart. */
  readonly whole?: { readonly by: string } | undefined;
  /** SQL that the source works out in place of the column: rows come with it. */
  readonly expression?: string | undefined;
  /**
   * What it promises for a column, without a key: what static checks go by.
   *
   * @throws HoldfastError `config` when the column cannot hold what it makes
   */
  guarantee(column: ColumnFacts): Guarantee;
  /** @throws HoldfastError `config` as `guarantee` does */
  prepare(context: PrepareContext): Run;
  /**
   * The same on bytes of UTF-8, for the kinds that most columns have: there a string for every cell would cost more than
   * its pseudonym. `prepare` of such a kind runs on this one (`onStrings`).
   */
  prepareBytes?(context: PrepareContext): ByteRun;
  /** For reversible ones: the way back. */
  reveal?(context: { readonly key: DomainKey; readonly column: ColumnFacts }): Run;
}

/** A unique column is refused above this probability of a collision. */
export const collisionLimit = 1e-6;

/** The bound on the probability that any two of `values` different values get one pseudonym. */
export function collisionBound(uniqueness: Uniqueness, values: number): number {
  if (uniqueness === 'bijective') return 0;
  if (uniqueness === 'lossy') return values > 1 ? 1 : 0;
  return Math.min(1, (values * (values - 1)) / 2 / 2 ** uniqueness.bits);
}

/**
 * Refuses a transformer for a unique column that it would break.
 *
 * @throws HoldfastError `config`
 */
export function assertUnique(kind: string, guarantee: Guarantee, column: ColumnFacts): void {
  if (!column.unique) return;
  const rows = column.rows ?? 1_000_000;
  const bound = collisionBound(guarantee.uniqueness, rows);
  if (bound <= collisionLimit) return;
  throw new HoldfastError('config', `\`${kind}\` does not keep ${column.name} unique.`, {
    why:
      guarantee.uniqueness === 'lossy'
        ? 'It gives different values the same pseudonym.'
        : `For ${rows} rows two pseudonyms would be equal with a probability of up to ${bound.toExponential(1)}; the limit is ${collisionLimit}.`,
    hint: 'Choose a bijective transformer (`id`, `uuid`, `code`), or one with longer output.',
  });
}

/** @throws HoldfastError `config` when `needed` characters do not fit the column */
export function assertFits(kind: string, needed: number, column: ColumnFacts): void {
  if (column.maxLength === undefined || column.maxLength >= needed) return;
  throw new HoldfastError('config', `\`${kind}\` does not fit ${column.name}.`, {
    why: `It needs ${needed} characters; the column holds ${column.maxLength}.`,
    hint: 'Choose a transformer with shorter output, e.g. `code` or `fixed`.',
  });
}

/** Cuts to the column's length by characters, as PostgreSQL counts them; never between two halves of one. */
export function fitted(text: string, maxLength: number | undefined): string {
  if (maxLength === undefined || text.length <= maxLength) return text;
  const points = [...text];
  return points.length <= maxLength ? text : points.slice(0, maxLength).join('');
}

const integerTypes: Record<string, bigint> = {
  smallint: 2n ** 15n - 1n,
  integer: 2n ** 31n - 1n,
  bigint: 2n ** 63n - 1n,
};

/** The greatest whole number the column holds; undefined when it is not a column of whole numbers with a bound. */
export function greatestInteger(column: ColumnFacts): bigint | undefined {
  if (column.type === 'numeric' && column.precision !== undefined && (column.scale ?? 0) === 0)
    return 10n ** BigInt(column.precision) - 1n;
  return integerTypes[column.type];
}

export function isTextual(column: ColumnFacts): boolean {
  return ['text', 'character varying', 'character', 'citext', 'name', 'bpchar'].includes(column.type);
}

/** @throws HoldfastError `config` when the column is of another type than one of `types` (or `text` ones) */
export function assertType(kind: string, column: ColumnFacts, ...types: string[]): void {
  if (types.includes(column.type) || (types.includes('text') && isTextual(column))) return;
  throw new HoldfastError('config', `\`${kind}\` does not go with ${column.name}.`, {
    why: `The column is of type ${column.type}; it takes ${types.join(', ')}.`,
  });
}

/** A value that does not fit the rule, found while rows move. The value is not told. */
export function unfitValue(kind: string, column: ColumnFacts, why: string): HoldfastError {
  return new HoldfastError('config', `A value of ${column.name} cannot be transformed by \`${kind}\`.`, {
    why,
    hint: 'Change the rule of this column, e.g. to `code` or `fixed`.',
  });
}
