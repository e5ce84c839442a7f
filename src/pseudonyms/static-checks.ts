/** What rules would break, told from the catalog alone, before any row moves. */
import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import type { ClassificationProblem } from './classification.ts';
import type { RuleKind } from './classification-kinds.ts';
import type { DatabaseFacts } from './column-facts.ts';
import { assertTellsApart, domainOf, rawRule } from './copy/table-transform.ts';
import { type Catalog, type CatalogIndex, type CatalogTable, tableName } from './discovery-catalog.ts';
import type { Link, Lock, Rule } from './lock.ts';
import { makeTransformer } from './registry.ts';
import {
  type ColumnFacts,
  collisionBound,
  collisionLimit,
  type Guarantee,
  type Transformer,
  type Uniqueness,
} from './transformer.ts';

/** A rule with what its transformer promises for its column. */
interface Checked {
  rule: Rule;
  facts: ColumnFacts | undefined;
  transformer: Transformer;
  guarantee: Guarantee | undefined;
}

/** By `schema.table.column`; without those whose rule cannot be used. */
type CheckedRules = ReadonlyMap<string, Checked>;

/** Pseudonyms of theirs may differ in case only: an index on `lower(…)` would see them as one. */
const caseMatters: ReadonlySet<RuleKind> = new Set<RuleKind>(['code']);
/** Nobody knows but the program. */
const caseUnknown: ReadonlySet<RuleKind> = new Set<RuleKind>(['js', 'command']);
/** The key has no part in them. */
const keyless: ReadonlySet<RuleKind> = new Set<RuleKind>(['keep', 'null', 'fixed', 'truncate', 'generalize']);
/** Rows that are not known are taken for as many. */
const unknownRows = 1_000_000;

/**
 * Everything that the rules of `lock` would break in a database with this catalog. A rule that cannot be used is a problem
 * like the others, so that all are told at once.
 */
export function checkRules(lock: Lock, catalog: Catalog, facts: DatabaseFacts): ClassificationProblem[] {
  const problems: ClassificationProblem[] = [];
  const checked = new Map<string, Checked>();
  for (const table of catalog.tables) problems.push(...brokenColumns(lock, table, facts, checked));
  return [
    ...problems,
    ...catalog.indexes.flatMap((index) => brokenIndex(checked, index)),
    ...catalog.foreignKeys.flatMap((key) => [...brokenLink(lock, checked, key), ...emptiedParent(lock, key)]),
    ...lock.links.flatMap((link) => missingEnds(catalog, link) ?? brokenLink(lock, checked, link)),
    ...brokenDefinitions(lock, catalog),
  ];
}

const error = (item: string, text: string, hint?: string): ClassificationProblem => ({
  code: 'rule',
  severity: 'error',
  item,
  text,
  ...(hint !== undefined && { hint }),
});

const note = (item: string, text: string): ClassificationProblem => ({ code: 'rule', severity: 'note', item, text });

function ruleOf(lock: Lock, table: string, column: string): Rule | undefined {
  return lock.tables.get(table)?.get(column)?.rule;
}

/** Rules of a table, each by itself and with the columns beside it. */
function brokenColumns(
  lock: Lock,
  table: CatalogTable,
  facts: DatabaseFacts,
  checked: Map<string, Checked>,
): ClassificationProblem[] {
  const name = tableName(table);
  const entries = lock.tables.get(name);
  const copied = table.columns.filter(({ generated }) => !generated).map((column) => column.name);
  const problems: ClassificationProblem[] = [];
  const emptied: string[] = [];
  for (const { name: column, generated } of table.columns) {
    const entry = entries?.get(column);
    const item = `${name}.${column}`;
    if (!entry) continue;
    if (generated) {
      problems.push(note(item, 'the database computes it, so it needs no rule'));
      continue;
    }
    if (entry.rule.kind === 'truncate') {
      emptied.push(column);
      continue;
    }
    const known = facts.get(name)?.get(column);
    try {
      const transformer = makeTransformer(rawRule(entry));
      const guarantee = known && transformer.guarantee(known);
      checked.set(item, { rule: entry.rule, facts: known, transformer, guarantee });
      if (known?.maxLength !== undefined && (guarantee?.maxLength ?? 0) > known.maxLength) {
        const text = `\`${entry.rule.kind}\` gives up to ${guarantee!.maxLength} characters, and the column holds ${known.maxLength}`;
        problems.push(error(item, text, 'Choose a kind with shorter output, such as `code` or `fixed`.'));
      }
    } catch (thrown) {
      if (!isHoldfastError(thrown)) throw thrown;
      problems.push(ofError(item, thrown));
    }
  }
  if (emptied.length > 0 && emptied.length < copied.length) {
    const text = `${emptied.length} of its ${copied.length} columns have the rule \`truncate\`, which leaves out whole rows`;
    problems.push(error(name, text, 'Give it to all columns of the table or to none.'));
  }
  for (const column of copied) {
    const found = checked.get(`${name}.${column}`);
    if (found) problems.push(...brokenCompanions(name, column, found, copied, lock, facts));
  }
  return [...problems, ...circles(name, copied, checked)];
}

function ofError(item: string, { message, why, hint }: HoldfastError): ClassificationProblem {
  const said = [message, ...(why === undefined ? [] : [why])].map((sentence) => sentence.replace(/\.$/, ''));
  const text = said.join(': ');
  return error(item, /^[A-Z][a-z ]/.test(text) ? text[0]!.toLowerCase() + text.slice(1) : text, hint);
}

function brokenCompanions(
  table: string,
  column: string,
  { transformer }: Checked,
  copied: readonly string[],
  lock: Lock,
  facts: DatabaseFacts,
): ClassificationProblem[] {
  const item = `${table}.${column}`;
  const problems = transformer.companions.flatMap(({ column: other, value }) => {
    if (!copied.includes(other)) return [error(item, `its rule looks at ${table}.${other}, which is not copied`)];
    if (value === 'original' && ruleOf(lock, table, other)?.kind === 'sql')
      return [error(item, `its rule looks at ${table}.${other}, whose original is not read: it has a rule \`sql\``)];
    return [];
  });
  const by = transformer.whole?.by;
  if (by === undefined || !copied.includes(by)) return problems;
  try {
    assertTellsApart(table, column, by, facts.get(table)?.get(by));
    return problems;
  } catch (thrown) {
    if (!(thrown instanceof HoldfastError)) throw thrown;
    return [...problems, ofError(item, thrown)];
  }
}

/** Rules that are built from each other's pseudonyms. */
function circles(table: string, columns: readonly string[], checked: CheckedRules): ClassificationProblem[] {
  const from = (column: string) =>
    (checked.get(`${table}.${column}`)?.transformer.companions ?? []).flatMap(({ column: other, value }) =>
      value === 'pseudonym' ? [other] : [],
    );
  return columns.flatMap((column) => {
    const seen = new Set<string>();
    const open = from(column);
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next === column)
        return [error(`${table}.${column}`, 'its rule is built from itself, by way of the columns it looks at')];
      if (seen.has(next)) continue;
      seen.add(next);
      open.push(...from(next));
    }
    return [];
  });
}

function brokenIndex(checked: CheckedRules, index: CatalogIndex): ClassificationProblem[] {
  if (!index.unique) return [];
  const { table, name, columns, primary, expressions } = index;
  const what = primary ? `the primary key ${name}` : `the unique index ${name}`;
  const read = [...new Set([...columns, ...expressions.flatMap((expression) => expression.columns)])];
  const found = read.flatMap((column) => brokenUnique(`${table}.${column}`, what, checked));
  for (const { text: expression, columns: inside } of expressions) {
    for (const column of inside) {
      const item = `${table}.${column}`;
      const at = checked.get(item);
      if (!at?.guarantee || at.rule.kind === 'keep' || at.guarantee.uniqueness === 'lossy') continue;
      const { kind } = at.rule;
      if (!/^\(?(?:lower|upper)\(/i.test(expression) || caseUnknown.has(kind)) {
        found.push(
          note(item, `whether pseudonyms stay unique under ${what}, an expression, is seen only when it is built`),
        );
      } else if (caseMatters.has(kind)) {
        const text = `pseudonyms of \`${kind}\` may differ in case only, and ${what} does not tell those apart`;
        found.push(error(item, text, 'Choose a kind that does not rest on case, such as email, username or id.'));
      }
    }
  }
  return found;
}

function brokenUnique(item: string, what: string, checked: CheckedRules): ClassificationProblem[] {
  const at = checked.get(item);
  // A column of NULLs breaks no unique index.
  if (!at?.guarantee || at.rule.kind === 'null') return [];
  const rows = Math.max(at.facts?.rows ?? unknownRows, 2);
  const bound = collisionBound(at.guarantee.uniqueness, rows);
  if (bound <= collisionLimit) return [];
  return [
    error(
      item,
      collision(at.rule.kind, at.guarantee.uniqueness, { rows, bound, what }),
      hintOf(at.guarantee.uniqueness),
    ),
  ];
}

function collision(
  kind: RuleKind,
  uniqueness: Uniqueness,
  { rows, bound, what }: { rows: number; bound: number; what: string },
): string {
  if (uniqueness === 'lossy') return `\`${kind}\` gives different values the same pseudonym, and ${what} forbids that`;
  const likely = `with a probability of up to ${bound.toExponential(1)} (at most ${collisionLimit} is taken)`;
  return `\`${kind}\` gives two of ${rows} rows the same pseudonym ${likely}, and ${what} forbids that`;
}

function hintOf(uniqueness: Uniqueness): string {
  return uniqueness === 'lossy'
    ? 'Choose a kind that keeps values apart, such as id, uuid, code or email.'
    : 'Choose a kind that is bijective, such as id, uuid or code, or one with longer output.';
}

function missingEnds(
  catalog: Catalog,
  { table, columns, parent, parentColumns }: Link,
): ClassificationProblem[] | undefined {
  const known = new Set(catalog.tables.flatMap((one) => one.columns.map(({ name }) => `${tableName(one)}.${name}`)));
  const ends = [
    ...columns.map((column) => `${table}.${column}`),
    ...parentColumns.map((column) => `${parent}.${column}`),
  ];
  const missing = ends.filter((end) => !known.has(end));
  if (missing.length === 0) return undefined;
  return missing.map((end) =>
    error(end, 'a link names it, and the database has no such column', 'Correct it under `links` of the lock file.'),
  );
}

/** What refers must map as what it refers to, or joins find nothing. */
function brokenLink(
  lock: Lock,
  checked: CheckedRules,
  { table, columns, parent, parentColumns }: Link,
): ClassificationProblem[] {
  return columns.flatMap((column, at) => {
    const target = { table: parent, column: parentColumns[at]! };
    const item = `${table}.${column}`;
    const name = `${parent}.${target.column}`;
    const child = ruleOf(lock, table, column);
    const above = ruleOf(lock, parent, target.column);
    // What is missing is unclassified. NULL refers to nothing, rows that are not there neither.
    if (!child || !above || child.kind === 'null' || child.kind === 'truncate' || above.kind === 'truncate') return [];
    if (item === name) return [];
    const whole = [checked.get(item), checked.get(name)].some((one) => one?.transformer.whole !== undefined);
    if (whole) return [error(item, `it refers to ${name}, and \`shuffle\` does not keep equal values equal`)];
    const [own, theirs] = [effective(child, { table, column }), effective(above, target)];
    if (JSON.stringify(own) === JSON.stringify(theirs)) return [];
    const text = `it refers to ${name}, which has ${describe(above)}, and has ${describe(child)} itself`;
    const missing = above.kind === child.kind && above.domain === undefined && child.domain === undefined;
    const hint = missing ? 'Give both the same `domain`.' : `Give it the rule and the domain of ${name}.`;
    return [error(item, text, hint)];
  });
}

/** All of a rule that decides what a value becomes. */
function effective(rule: Rule, { table, column }: { table: string; column: string }): unknown[] {
  const options = Object.entries(rule.options).sort(([a], [b]) => (a < b ? -1 : 1));
  return [rule.kind, options, keyless.has(rule.kind) ? '' : domainOf(rule, table, column)];
}

function describe({ kind, options, domain }: Rule): string {
  const given = Object.keys(options).length > 0 ? ' with options' : '';
  return domain === undefined ? `\`${kind}\`${given}` : `\`${kind}\`${given} of the domain ${domain}`;
}

/** Rows that refer to one that is left out. */
function emptiedParent(lock: Lock, { table, columns, parent, parentColumns }: Link): ClassificationProblem[] {
  if (table === parent || !parentColumns.some((column) => ruleOf(lock, parent, column)?.kind === 'truncate')) return [];
  const kinds = columns.map((column) => ruleOf(lock, table, column)?.kind);
  if (kinds.some((kind) => kind === undefined || kind === 'truncate' || kind === 'null')) return [];
  const text = `the rows of ${parent} are left out, and ${table} refers to them`;
  return columns
    .slice(0, 1)
    .map((column) => error(`${table}.${column}`, text, 'Give it `null`, or leave out its rows too with `truncate`.'));
}

function brokenDefinitions(lock: Lock, { definitions }: Catalog): ClassificationProblem[] {
  return definitions.flatMap(({ id, kind }) => {
    const rule = lock.definitions.get(id)?.rule;
    if (rule === 'drop' && kind !== 'comment' && kind !== 'large-objects')
      return [
        error(
          id,
          `\`drop\` is for comments and large objects: the copy is made of the other definitions`,
          'Change it in the database, or write `rule: keep` with a reason.',
        ),
      ];
    if (rule === 'file' && kind !== 'large-objects') return [error(id, '`file` is for large objects')];
    return [];
  });
}
