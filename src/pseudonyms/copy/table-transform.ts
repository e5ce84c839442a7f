/** What becomes of the rows of one table, made from the lock file: the form in which lanes are told. */
import { HoldfastError } from '../../base/errors.ts';
import { defaultDomains } from '../classification-kinds.ts';
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
}

/** Rules that name the subject they go by share a domain, so that what belongs to one subject fits together. */
const subjectDomain = 'person';

/** Where pseudonyms of a rule are alike: what the rule says, the usual one of its kind, or that column alone. */
export function domainOf({ kind, options, domain }: Rule, table: string, column: string): string {
  if (domain !== undefined) return domain;
  if (typeof options.by === 'string') return subjectDomain;
  return defaultDomains[kind] ?? `column ${table}.${column}`;
}

/**
 * A rule as `makeTransformer` takes it. Paths of documents are in the lock file beside it.
 *
 * @throws HoldfastError `config` when a kind of a path cannot be had there
 */
export function rawRule({ rule, paths }: Pick<ColumnEntry, 'rule' | 'paths'>): RawOptions {
  const { kind, options } = rule;
  if (paths === undefined || paths.size === 0 || (kind !== 'json' && kind !== 'array')) return { kind, ...options };
  if (kind === 'array') return { kind, element: inner([...paths.values()][0]!), ...options };
  return {
    kind,
    ...options,
    paths: {
      ...Object.fromEntries([...paths].map(([path, each]) => [path, inner(each)])),
      ...(options.paths as object | undefined),
    },
  };
}

function inner({ kind, options, domain }: Rule): RawOptions {
  const own = domain ?? defaultDomains[kind];
  return { kind, ...options, ...(own !== undefined && { domain: own }) };
}

/**
 * @param columns in the order of the COPY
 * @param facts of the same columns, by name
 * @throws HoldfastError `config` when a rule is wrong, does not fit its column, or would break a unique one
 */
export function transformTable(
  table: string,
  columns: readonly string[],
  entries: ReadonlyMap<string, ColumnEntry>,
  facts: ReadonlyMap<string, ColumnFacts>,
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
      for (const { column: other } of transformer.companions) {
        if (!columns.includes(other)) throw unknownCompanion(table, column, other);
      }
      ruled.push({ at, column, facts: known, rule, domain: domainOf(entry.rule, table, column) });
    }
  }
  if (truncated > 0 && truncated < columns.length) {
    throw new HoldfastError('config', `Some columns of ${table} have the rule \`truncate\`, and others have not.`, {
      why: 'It leaves out the rows of a table, so it is for all its columns or for none.',
    });
  }
  return { table, columns, ruled, emptied: truncated > 0 };
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
