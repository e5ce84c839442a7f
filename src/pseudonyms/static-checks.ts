/** What rules would break, told from the catalog alone, before any row moves. */
import type { ClassificationProblem } from './classification.ts';
import type { RuleKind } from './classification-kinds.ts';
import { type Catalog, type CatalogIndex, tableName } from './discovery-catalog.ts';
import type { ColumnEntry, Link, Lock, Rule } from './lock.ts';

/** `bijective`: never two alike; `bounded`: with a probability that is known; `lossy`: it will happen. */
export type KindGuarantee = 'bijective' | 'bounded' | 'lossy';
export type Guarantees = Readonly<Record<RuleKind, KindGuarantee>>;

/** The least that each kind promises. */
export const kindGuarantees: Guarantees = {
  keep: 'bijective',
  null: 'lossy',
  default: 'lossy',
  fixed: 'lossy',
  truncate: 'lossy',
  id: 'bijective',
  uuid: 'bijective',
  token: 'bounded',
  code: 'bijective',
  'first-name': 'lossy',
  'last-name': 'lossy',
  'full-name': 'lossy',
  company: 'lossy',
  username: 'bounded',
  email: 'bounded',
  phone: 'bounded',
  iban: 'bounded',
  bic: 'lossy',
  siren: 'bounded',
  siret: 'bounded',
  vat: 'bounded',
  'national-id': 'bounded',
  card: 'bounded',
  address: 'lossy',
  city: 'lossy',
  zip: 'lossy',
  country: 'lossy',
  'date-shift': 'lossy',
  'birth-date': 'lossy',
  generalize: 'lossy',
  noise: 'lossy',
  shuffle: 'lossy',
  ip: 'bounded',
  mac: 'bounded',
  url: 'bounded',
  'user-agent': 'lossy',
  password: 'lossy',
  secret: 'bounded',
  json: 'lossy',
  array: 'lossy',
  template: 'lossy',
  'copy-of': 'lossy',
  text: 'lossy',
  html: 'lossy',
  bytea: 'lossy',
  file: 'bounded',
};

/** Kinds whose pseudonyms may differ in case only: an index on `lower(…)` would see them as one. */
const caseMatters: ReadonlySet<RuleKind> = new Set<RuleKind>(['code', 'token', 'secret', 'url']);

/** Everything that the rules of `lock` would break in a database with this catalog. */
export function checkRules(
  lock: Lock,
  catalog: Catalog,
  guarantees: Guarantees = kindGuarantees,
): ClassificationProblem[] {
  return [
    ...catalog.indexes.flatMap((index) => brokenIndex(lock, index, guarantees)),
    ...catalog.foreignKeys.flatMap((key) => brokenLink(lock, key)),
    ...lock.links.flatMap((link) => missingEnds(catalog, link) ?? brokenLink(lock, link)),
    ...brokenColumns(lock, catalog),
  ];
}

const error = (item: string, text: string, hint: string): ClassificationProblem => ({
  code: 'rule',
  severity: 'error',
  item,
  text,
  hint,
});

function ruleOf(lock: Lock, table: string, column: string): Rule | undefined {
  return lock.tables.get(table)?.get(column)?.rule;
}

function brokenIndex(lock: Lock, index: CatalogIndex, guarantees: Guarantees): ClassificationProblem[] {
  if (!index.unique) return [];
  const { table, name, columns, primary, expressions } = index;
  const what = primary ? `the primary key ${name}` : `the unique index ${name}`;
  const read = [...new Set([...columns, ...expressions.flatMap((expression) => expression.columns)])];
  const found = read.flatMap((column) => {
    const rule = ruleOf(lock, table, column);
    if (!rule || guarantees[rule.kind] !== 'lossy') return [];
    const text = `\`${rule.kind}\` gives different values the same pseudonym, and ${what} forbids that`;
    return [
      error(`${table}.${column}`, text, 'Choose a kind that keeps values apart, such as id, uuid, code or email.'),
    ];
  });
  for (const { text: expression, columns: inside } of expressions) {
    for (const column of inside) {
      const rule = ruleOf(lock, table, column);
      if (!rule || rule.kind === 'keep' || guarantees[rule.kind] === 'lossy') continue;
      if (!/^\(?(?:lower|upper)\(/i.test(expression)) {
        found.push({
          code: 'rule',
          severity: 'note',
          item: `${table}.${column}`,
          text: `whether pseudonyms stay unique under ${what}, an expression, is seen only when it is built`,
        });
      } else if (caseMatters.has(rule.kind)) {
        const text = `pseudonyms of \`${rule.kind}\` may differ in case only, and ${what} does not tell those apart`;
        found.push(
          error(`${table}.${column}`, text, 'Choose a kind that does not rest on case, such as email, username or id.'),
        );
      }
    }
  }
  return found;
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
function brokenLink(lock: Lock, { table, columns, parent, parentColumns }: Link): ClassificationProblem[] {
  return columns.flatMap((column, at) => {
    const target = `${parent}.${parentColumns[at]}`;
    const item = `${table}.${column}`;
    const child = ruleOf(lock, table, column);
    const above = ruleOf(lock, parent, parentColumns[at]!);
    // What is missing is unclassified. NULL refers to nothing, wherever the column may hold it.
    if (!child || !above || child.kind === 'null' || item === target) return [];
    if (sameRule(child, above)) return [];
    const text = `it refers to ${target}, which has ${describe(above)}, and has ${describe(child)} itself`;
    const missing = above.kind === child.kind && above.domain === undefined && child.domain === undefined;
    const hint = missing ? 'Give both the same `domain`.' : `Give it the rule and the domain of ${target}.`;
    return [error(item, text, hint)];
  });
}

function sameRule(a: Rule, b: Rule): boolean {
  if (a.kind !== b.kind || JSON.stringify(ordered(a.options)) !== JSON.stringify(ordered(b.options))) return false;
  // Without a domain each column has its own, except where no key is used.
  return a.domain === b.domain && (a.domain !== undefined || keyless.has(a.kind));
}

const keyless: ReadonlySet<RuleKind> = new Set<RuleKind>(['keep', 'truncate', 'generalize']);

function ordered(options: Rule['options']): [string, unknown][] {
  return Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1));
}

function describe({ kind, domain }: Rule): string {
  return domain === undefined ? `\`${kind}\`` : `\`${kind}\` of the domain ${domain}`;
}

function brokenColumns(lock: Lock, catalog: Catalog): ClassificationProblem[] {
  return catalog.tables.flatMap((table) => {
    const name = tableName(table);
    return table.columns.flatMap(({ name: column, generated, nullable }): ClassificationProblem[] => {
      const entry: ColumnEntry | undefined = lock.tables.get(name)?.get(column);
      const item = `${name}.${column}`;
      if (!entry) return [];
      if (generated)
        return [{ code: 'rule', severity: 'note', item, text: 'the database computes it, so it needs no rule' }];
      if (entry.rule.kind !== 'null' || nullable) return [];
      return [error(item, 'its rule is `null`, and the column may not be NULL', 'Choose `fixed` or `default`.')];
    });
  });
}
