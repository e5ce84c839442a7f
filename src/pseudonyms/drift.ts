/** What changed in the database since the lock file was reviewed. */
import { type ClassificationProblem, newPaths } from './classification.ts';
import type { Scan } from './discovery.ts';
import { columnFingerprint, tableName } from './discovery-catalog.ts';
import type { Lock } from './lock.ts';

const again = 'Run `holdfast pseudonymize scan --write`, and review what it marks.';

/**
 * Changes of columns and definitions that have a rule, paths that no rule covers, and rules for what is gone. New
 * columns are `unclassified`.
 */
export function drift(lock: Lock, { catalog, columns }: Pick<Scan, 'catalog' | 'columns'>): ClassificationProblem[] {
  return [
    ...changedColumns(lock, catalog),
    ...changedDefinitions(lock, catalog),
    ...documents(lock, columns),
    ...gone(lock, catalog),
  ];
}

function changedColumns(lock: Lock, catalog: Scan['catalog']): ClassificationProblem[] {
  return catalog.tables.flatMap((table) => {
    const name = tableName(table);
    return table.columns.flatMap((column): ClassificationProblem[] => {
      const entry = lock.tables.get(name)?.get(column.name);
      const now = columnFingerprint(catalog, name, column);
      if (!entry || column.generated || entry.type === now) return [];
      return [
        {
          code: 'changed',
          severity: 'error',
          item: `${name}.${column.name}`,
          text: `it was \`${entry.type}\` and is \`${now}\``,
          hint: again,
        },
      ];
    });
  });
}

function changedDefinitions(lock: Lock, catalog: Scan['catalog']): ClassificationProblem[] {
  return catalog.definitions.flatMap(({ id, kind, fingerprint, count, personal }): ClassificationProblem[] => {
    const entry = lock.definitions.get(id);
    if (!entry || entry.fingerprint === fingerprint) return [];
    const what = kind === 'enum' ? `its labels changed; there are ${count}` : 'its text changed';
    const looks =
      personal > 0 ? `, and ${personal === 1 ? 'one of them looks' : `${personal} of them look`} personal` : '';
    return [{ code: 'changed', severity: 'error', item: id, text: `${what}${looks}`, hint: again }];
  });
}

/** New paths of documents; and what is kept although it looks personal, which somebody may have decided with reason. */
function documents(lock: Lock, columns: Scan['columns']): ClassificationProblem[] {
  return columns.flatMap((finding): ClassificationProblem[] => {
    const { table, column, paths, verdict } = finding;
    const entry = lock.tables.get(table)?.get(column);
    if (!entry || finding.generated) return [];
    const found = newPaths(entry, paths).map(
      ({ path, verdict: { kind } }): ClassificationProblem => ({
        code: 'new-path',
        severity: 'error',
        item: `${table}.${column} ${path}`,
        text: kind ? `this path has no rule, and looks like ${kind}` : 'this path has no rule',
        hint: again,
      }),
    );
    if (entry.rule.kind !== 'keep' || entry.review || verdict.kind === undefined || verdict.confidence < 0.8)
      return found;
    const text = `it is kept, and looks like ${verdict.kind}: ${verdict.reasons.join('; ')}`;
    return [...found, { code: 'doubtful', severity: 'note', item: `${table}.${column}`, text }];
  });
}

function gone(lock: Lock, catalog: Scan['catalog']): ClassificationProblem[] {
  const present = new Set(
    catalog.tables.flatMap((table) =>
      table.columns.flatMap(({ name, generated }) => (generated ? [] : [`${tableName(table)}.${name}`])),
    ),
  );
  const definitions = new Set(catalog.definitions.map(({ id }) => id));
  const columns = [...lock.tables].flatMap(([table, entries]) =>
    [...entries.keys()].map((column) => `${table}.${column}`),
  );
  const lost = [
    ...columns.filter((name) => !present.has(name)),
    ...[...lock.definitions.keys()].filter((id) => !definitions.has(id)),
  ];
  return lost.map((item) => ({ code: 'gone', severity: 'note', item, text: 'the database has it no more' }));
}
