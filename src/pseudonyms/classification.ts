/** From what a scan found to entries of the lock file, and what is not classified yet. */
import { type RuleKind, usualDomain } from './classification-kinds.ts';
import { rawRule } from './copy/table-transform.ts';
import type { ColumnFinding, Scan } from './discovery.ts';
import { columnFingerprint, tableName } from './discovery-catalog.ts';
import type { Definition } from './discovery-definitions.ts';
import type { ColumnEntry, DefinitionEntry, Lock, Rule } from './lock.ts';
import { makeTransformer } from './registry.ts';
import { assertUnique, type ColumnFacts } from './transformer.ts';

export interface Proposal {
  lock: Lock;
  /** Items by name: `app.people.email`, `enum app.plan`. */
  added: string[];
  changed: string[];
  gone: string[];
}

/**
 * What the lock file would be. What people decided stays; what is new, or whose type changed, gets `review: needed`.
 */
export function propose(scan: Scan, existing: Lock): Proposal {
  const tables = new Map<string, Map<string, ColumnEntry>>();
  const definitions = new Map<string, DefinitionEntry>();
  const lock = { ...existing, tables, definitions };
  const added: string[] = [];
  const changed: string[] = [];
  const gone: string[] = [];
  const fresh = new Set<string>();
  for (const finding of scan.columns) {
    if (finding.generated) continue;
    const { table, column } = finding;
    const columns = lock.tables.get(table) ?? new Map<string, ColumnEntry>();
    lock.tables.set(table, columns);
    const before = existing.tables.get(table)?.get(column);
    const name = `${table}.${column}`;
    if (!before) {
      fresh.add(name);
      added.push(name);
      columns.set(column, fitting(proposedColumn(finding, keyOf(scan, table)), scan.facts?.get(table)?.get(column)));
      continue;
    }
    const after = refreshed(before, finding);
    if (after !== before) changed.push(name);
    columns.set(column, after);
  }
  inherit(scan, lock, fresh);
  for (const definition of scan.catalog.definitions) {
    const before = existing.definitions.get(definition.id);
    if (before && before.fingerprint === definition.fingerprint) {
      lock.definitions.set(definition.id, before);
      continue;
    }
    (before ? changed : added).push(definition.id);
    lock.definitions.set(
      definition.id,
      before ? { ...before, fingerprint: definition.fingerprint, review: true } : proposedDefinition(definition),
    );
  }
  for (const [table, columns] of existing.tables) {
    for (const column of columns.keys()) if (!lock.tables.get(table)?.has(column)) gone.push(`${table}.${column}`);
  }
  for (const id of existing.definitions.keys()) if (!lock.definitions.has(id)) gone.push(id);
  return { lock, added, changed, gone };
}

/** Parts of an address fit together only when it is known whose it is. */
const ofSubject: ReadonlySet<RuleKind> = new Set<RuleKind>(['city', 'zip']);

/** @param subject the column that tells rows apart; undefined inside documents, and where there is none */
function ruleOf(kind: RuleKind, subject?: string): Rule {
  if (ofSubject.has(kind) && subject === undefined) return { kind: 'text', options: {} };
  const options = ofSubject.has(kind) ? { by: subject } : {};
  const domain = usualDomain(kind, options);
  return { kind, options, ...(domain && { domain }) };
}

/** What can be had in the column, nearest to what was found in it first. */
const instead: readonly Rule[] = [
  { kind: 'country', options: { code: true }, domain: 'address' },
  { kind: 'code', options: {} },
  { kind: 'text', options: {} },
  { kind: 'bytea', options: {} },
  { kind: 'uuid', options: {} },
  { kind: 'id', options: {} },
  { kind: 'noise', options: {} },
  { kind: 'null', options: {} },
  { kind: 'default', options: {} },
];

/** The rule of a column whose type has parts: a list has a rule for its elements, an hstore and a row type for each part. */
function ofParts(entry: ColumnEntry, { type, fields }: ColumnFacts): ColumnEntry {
  const { rule, paths } = entry;
  if (type.endsWith('[]') && rule.kind !== 'json' && rule.kind !== 'null')
    return { ...entry, rule: { kind: 'array', options: {} }, paths: paths ?? new Map([['$[]', rule]]) };
  if (rule.kind !== 'json') return entry;
  if (type === 'hstore') return { ...entry, rule: { kind: 'hstore', options: {} } };
  return fields === undefined ? entry : { ...entry, rule: { kind: 'composite', options: {} } };
}

/** A proposal that the column can hold; `undecided` stays for people what nothing fits. */
function fitting(found: ColumnEntry, facts: ColumnFacts | undefined): ColumnEntry {
  if (facts === undefined || found.rule.kind === 'keep') return found;
  const entry = ofParts(found, facts);
  if (canHold(entry, facts)) return entry;
  const fits = instead.find(
    (rule) => (rule.kind !== 'country' || entry.rule.kind === 'country') && canHold({ rule }, facts),
  );
  if (fits === undefined) return entry;
  const what = `${entry.rule.kind}, which the column cannot hold`;
  return { ...entry, rule: fits, proposed: `${entry.proposed ?? ''}; looks like ${what}` };
}

function canHold(entry: Pick<ColumnEntry, 'rule' | 'paths'>, facts: ColumnFacts): boolean {
  try {
    const transformer = makeTransformer(rawRule(entry));
    assertUnique(transformer.kind, transformer.guarantee(facts), facts);
    return true;
  } catch {
    return false;
  }
}

/** The column of a primary key that is one alone. */
function keyOf({ catalog }: Scan, table: string): string | undefined {
  const primary = catalog.indexes.find((index) => index.table === table && index.primary);
  return primary?.columns.length === 1 ? primary.columns[0] : undefined;
}

function proposedColumn({ verdict, paths, fingerprint, unread }: ColumnFinding, subject?: string): ColumnEntry {
  const { kind, confidence, reasons } = verdict;
  const seen = [...reasons, ...(unread ? [`its rows were not read: ${unread}`] : [])].join('; ');
  const common = { type: fingerprint, ...(paths.length > 0 && { paths: pathRules(paths) }), review: true };
  if (kind === undefined) return { rule: { kind: 'keep', options: {} }, reason: `scan: ${seen}`, ...common };
  return { rule: ruleOf(kind, subject), proposed: `${confidence.toFixed(2)}: ${seen}`, ...common };
}

function pathRules(paths: ColumnFinding['paths']): Map<string, Rule> {
  return new Map(paths.map(({ path, verdict }) => [path, ruleOf(verdict.kind ?? 'keep')] as const));
}

function refreshed(before: ColumnEntry, { fingerprint, paths }: ColumnFinding): ColumnEntry {
  const unknown = newPaths(before, paths);
  if (before.type === fingerprint && unknown.length === 0) return before;
  const all = unknown.length === 0 ? before.paths : new Map([...(before.paths ?? []), ...pathRules(unknown)]);
  return { ...before, type: fingerprint, ...(all && { paths: all }), review: true };
}

const ruledByPath: ReadonlySet<RuleKind> = new Set<RuleKind>(['json', 'hstore', 'composite', 'keep']);

/** Paths that no rule covers. A rule with a `default` covers every path. */
export function newPaths(entry: ColumnEntry, paths: ColumnFinding['paths']): ColumnFinding['paths'] {
  if (entry.rule.options.default !== undefined || !ruledByPath.has(entry.rule.kind)) return [];
  return paths.filter(({ path }) => !entry.paths?.has(path));
}

/** A foreign key must map as what it refers to. */
function inherit(
  scan: Scan,
  lock: { tables: ReadonlyMap<string, Map<string, ColumnEntry>>; links: Lock['links'] },
  fresh: ReadonlySet<string>,
): void {
  const links = [...scan.catalog.foreignKeys, ...lock.links];
  // A parent may be a child itself; more rounds than keys would be a cycle.
  for (let round = 0; round < 8; round++) {
    let moved = false;
    for (const { table, columns, parent, parentColumns } of links) {
      for (const [at, column] of columns.entries()) {
        const child = lock.tables.get(table)?.get(column);
        const from = lock.tables.get(parent)?.get(parentColumns[at]!);
        if (!child || !from || !fresh.has(`${table}.${column}`) || (table === parent && column === parentColumns[at]))
          continue;
        if (child.rule.kind === from.rule.kind && child.rule.domain === from.rule.domain) continue;
        const { proposed: _proposed, reason: _reason, ...rest } = child;
        const why = `refers to ${parent}.${parentColumns[at]}`;
        lock.tables.get(table)!.set(column, {
          ...rest,
          rule: from.rule,
          ...(from.rule.kind === 'keep' ? { reason: `scan: ${why}` } : { proposed: why }),
        });
        moved = true;
      }
    }
    if (!moved) return;
  }
}

function proposedDefinition({ kind, count, personal, fingerprint }: Definition): DefinitionEntry {
  const common = { fingerprint, review: true };
  if (kind === 'large-objects')
    return { rule: 'file', proposed: `${count} large objects; their content was not looked at`, ...common };
  const texts = count === 1 ? 'its text' : `its ${count} texts`;
  if (personal === 0) return { rule: 'keep', reason: `scan: nothing personal in ${texts}`, ...common };
  const found = `${personal} of ${count === 1 ? 'one text' : `${count} texts`} looks personal`;
  return { rule: kind === 'comment' ? 'drop' : 'undecided', proposed: found, ...common };
}

/** Something that stands against a copy, or is worth knowing. */
export interface ClassificationProblem {
  code: 'new' | 'review' | 'undecided' | 'changed' | 'new-path' | 'gone' | 'doubtful' | 'rule';
  /** `note`: it does not stand against a copy. */
  severity: 'error' | 'note';
  /** `app.people.email`, `app.customers.settings $.note`, `enum app.plan`. */
  item: string;
  text: string;
  hint?: string;
}

/** What nobody has decided: not in the lock file, waiting for a review, or undecided. */
export function unclassified(lock: Lock, { catalog }: Pick<Scan, 'catalog'>): ClassificationProblem[] {
  const problems: ClassificationProblem[] = [];
  const error = (code: ClassificationProblem['code'], item: string, text: string, hint: string) =>
    problems.push({ code, severity: 'error', item, text, hint });
  const write = 'Run `holdfast pseudonymize scan --write`, and review what it adds.';
  const remove = 'Look at it in the lock file, set its rule, and remove `review: needed`.';
  for (const table of catalog.tables) {
    const name = tableName(table);
    for (const column of table.columns) {
      if (column.generated) continue;
      const entry = lock.tables.get(name)?.get(column.name);
      const item = `${name}.${column.name}`;
      if (!entry) error('new', item, 'has no rule', write);
      // A change says more than that somebody has to look at it.
      else if (entry.review && entry.type === columnFingerprint(catalog, name, column)) {
        error('review', item, `its rule \`${entry.rule.kind}\` was proposed and nobody reviewed it`, remove);
      }
    }
  }
  for (const { id, fingerprint } of catalog.definitions) {
    const entry = lock.definitions.get(id);
    if (!entry) error('new', id, 'has no rule', write);
    else if (entry.rule === 'undecided') {
      error(
        'undecided',
        id,
        'something in it looks personal',
        'Change it in the database, or write `rule: keep` with a reason.',
      );
    } else if (entry.review && entry.fingerprint === fingerprint) {
      error('review', id, `its rule \`${entry.rule}\` was proposed and nobody reviewed it`, remove);
    }
  }
  return problems;
}
