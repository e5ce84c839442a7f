/** What becomes of the rows of one table, made from the lock file: the form in which lanes are told. */
import { HoldfastError } from '../../base/errors.ts';
import { quoteIdentifier } from '../../sources/postgres/quote.ts';
import { defaultDomains, usualDomain } from '../classification-kinds.ts';
import type { ColumnEntry, Rule } from '../lock.ts';
import type { RawOptions } from '../options.ts';
import { makeTransformer } from '../registry.ts';
import { assertUnique, type ColumnFacts } from '../transformer.ts';

/** A column that is not copied as it is. Survives structured cloning. */
export interface RuledColumn {
  /** Position in the COPY, from 0. */
  at: number;
  column: string;
  facts: ColumnFacts;
  /** As `makeTransformer` takes it. */
  rule: RawOptions;
  domain: string;
  /** The rule needs the column as a whole, and this one beside it. */
  whole?: { by: string };
  /** SQL that is read in place of the column. */
  expression?: string;
}

/** Survives structured cloning. */
export interface TableTransform {
  /** As the lock file names it; of a partition, the root. */
  table: string;
  /** In the order of the COPY. */
  columns: readonly string[];
  /** By rising position. */
  ruled: readonly RuledColumn[];
  /** No row is copied. */
  emptied: boolean;
  /** Absolute: where the paths of rules start. */
  baseDirectory?: string;
}

/** Where pseudonyms of a rule are alike: what the rule says, the usual one of its kind, or that column alone. */
export function domainOf({ kind, options, domain }: Rule, table: string, column: string): string {
  return domain ?? usualDomain(kind, options) ?? `column ${table}.${column}`;
}

/**
 * A rule as `makeTransformer` takes it. Paths of documents are in the lock file beside it.
 *
 * @throws HoldfastError `config` when a kind of a path cannot be had there
 */
export function rawRule({ rule, paths }: Pick<ColumnEntry, 'rule' | 'paths'>): RawOptions {
  const { kind, options } = rule;
  if (paths === undefined || paths.size === 0) return { kind, ...options };
  if (kind === 'array') return { kind, element: inner([...paths.values()][0]!), ...options };
  const option = pathOptions[kind];
  if (option === undefined) return { kind, ...options };
  const name = (path: string) => (kind === 'json' ? path : path.replace(/^\$\.?/, ''));
  return {
    kind,
    ...options,
    [option]: {
      ...Object.fromEntries([...paths].map(([path, each]) => [name(path), inner(each)])),
      ...(options[option] as object | undefined),
    },
  };
}

/** The option under which kinds take rules of parts. */
const pathOptions: Partial<Record<Rule['kind'], string>> = {
  json: 'paths',
  hstore: 'paths',
  xml: 'paths',
  composite: 'fields',
};

function inner({ kind, options, domain }: Rule): RawOptions {
  const own = domain ?? defaultDomains[kind];
  return { kind, ...options, ...(own !== undefined && { domain: own }) };
}

/**
 * @param columns in the order of the COPY
 * @param facts of the same columns, by name
 * @param baseDirectory where the paths of `js` and `command` start; absolute
 * @throws HoldfastError `config` when a rule is wrong, does not fit its column, or would break a unique one
 */
export function transformTable(
  table: string,
  columns: readonly string[],
  entries: ReadonlyMap<string, ColumnEntry>,
  facts: ReadonlyMap<string, ColumnFacts>,
  baseDirectory?: string,
): TableTransform {
  const ruled: RuledColumn[] = [];
  let truncated = 0;
  for (const [at, column] of columns.entries()) {
    const entry = entries.get(column);
    const known = facts.get(column);
    // Plans refuse it before; here nothing may slip through.
    if (entry === undefined || known === undefined || entry.review) throw unclassified(table, column);
    if (entry.rule.kind === 'truncate') truncated++;
    else if (entry.rule.kind !== 'keep') {
      const rule = rawRule(entry);
      const transformer = makeTransformer(rule);
      assertUnique(transformer.kind, transformer.guarantee(known), known);
      for (const { column: other, value } of transformer.companions) {
        if (!columns.includes(other)) throw unknownCompanion(table, column, other);
        if (value === 'original' && entries.get(other)?.rule.kind === 'sql')
          throw unreadCompanion(table, column, other);
      }
      const { whole, expression } = transformer;
      if (whole !== undefined) assertTellsApart(table, column, whole.by, facts.get(whole.by));
      if (keepsElements(rule)) continue;
      const domain = domainOf(entry.rule, table, column);
      ruled.push({
        at,
        column,
        facts: known,
        rule,
        domain,
        ...(whole && { whole: { by: whole.by } }),
        ...(expression !== undefined && { expression }),
      });
    }
  }
  if (truncated > 0 && truncated < columns.length) {
    throw new HoldfastError('config', `Some columns of ${table} have the rule \`truncate\`, and others have not.`, {
      why: 'It leaves out the rows of a table, so it is for all its columns or for none.',
    });
  }
  return { table, columns, ruled, emptied: truncated > 0, ...(baseDirectory !== undefined && { baseDirectory }) };
}

/** An array of which every element stays is copied as it is. */
function keepsElements({ kind, element }: RawOptions): boolean {
  return kind === 'array' && (element as RawOptions | undefined)?.kind === 'keep';
}

/** What is read of a table: its columns, and what `sql` rules put in their place. */
export function selectList({ columns, ruled }: TableTransform): string {
  const expressions = new Map(ruled.map(({ column, expression }) => [column, expression]));
  return columns
    .map((column) => {
      const expression = expressions.get(column);
      return expression === undefined ? quoteIdentifier(column) : `(${expression}) AS ${quoteIdentifier(column)}`;
    })
    .join(', ');
}

/** Whether a `SELECT` must be written to read the table. */
export function hasExpressions({ ruled }: TableTransform): boolean {
  return ruled.some(({ expression }) => expression !== undefined);
}

/** @throws HoldfastError `config` when two rows may have the same value in `by` */
export function assertTellsApart(table: string, column: string, by: string, facts: ColumnFacts | undefined): void {
  if (facts?.unique && !facts.nullable) return;
  throw new HoldfastError('config', `The rule of ${table}.${column} does not tell its rows apart.`, {
    why: `${table}.${by} may be NULL, or the same in two rows.`,
    hint: 'Name a primary key of one column as `by`.',
  });
}

function unreadCompanion(table: string, column: string, other: string): HoldfastError {
  return new HoldfastError('config', `The rule of ${table}.${column} looks at a column whose original is not read.`, {
    why: `${table}.${other} has a rule \`sql\`, which the source works out.`,
    hint: 'Go by another column.',
  });
}

function unclassified(table: string, column: string): HoldfastError {
  return new HoldfastError('config', `Nobody decided what becomes of ${table}.${column}.`, {
    hint: 'Run `holdfast pseudonymize scan --write`, and review what it adds.',
  });
}

function unknownCompanion(table: string, column: string, other: string): HoldfastError {
  return new HoldfastError('config', `The rule of ${table}.${column} looks at a column that is not there.`, {
    why: `${table} has no column ${other} that is copied.`,
  });
}
