import type { Check } from '../source.ts';
import type { LargeObject } from './large-objects.ts';
import type { DatabaseLine, SequenceLine } from './manifest.ts';
import { displayName, quoteQualified } from './quote.ts';

/** Comparisons of what the catalogs tell; each gives one check for each thing, equal ones too. */

export function compareSequences(expected: readonly SequenceLine[], found: readonly SequenceLine[]): Check[] {
  const byName = new Map(found.map((line) => [quoteQualified(line.schema, line.name), line]));
  return expected.map((line) => {
    const other = byName.get(quoteQualified(line.schema, line.name));
    const detail =
      other === undefined
        ? 'It is missing.'
        : other.lastValue !== line.lastValue
          ? `Its last value is ${other.lastValue} instead of ${line.lastValue}.`
          : other.isCalled !== line.isCalled
            ? 'Its next value is off by one step.'
            : undefined;
    return verdictOf('sequence', displayName(line.schema, line.name), detail);
  });
}

export function compareLargeObjects(expected: readonly LargeObject[], found: readonly LargeObject[]): Check[] {
  const byOid = new Map(found.map((object) => [object.oid, object]));
  const checks = expected.map((object) => {
    const other = byOid.get(object.oid);
    byOid.delete(object.oid);
    return verdictOf('large-object', `large object ${object.oid}`, differenceOf(object, other));
  });
  for (const oid of byOid.keys()) {
    checks.push(verdictOf('large-object', `large object ${oid}`, 'It is not in the snapshot.'));
  }
  return checks;
}

function differenceOf(object: LargeObject, other: LargeObject | undefined): string | undefined {
  if (other === undefined) return 'It is missing.';
  if (other.size !== object.size) return `It has ${other.size} bytes instead of ${object.size}.`;
  if (other.sha256 !== object.sha256) return 'Its content is another.';
  if (other.owner !== object.owner) return `Its owner is ${other.owner} and not ${object.owner}.`;
  if (!sameItems(other.acl, object.acl)) return 'Its privileges are others.';
  if (other.comment !== object.comment) return 'Its comment is another.';
  return undefined;
}

/** Properties of the database that a restore gives back, in the words of messages. */
const properties: readonly (readonly [key: keyof DatabaseLine, name: string])[] = [
  ['encoding', 'encoding'],
  ['localeProvider', 'locale provider'],
  ['collate', 'collation'],
  ['ctype', 'character classes'],
  ['locale', 'locale'],
  ['icuRules', 'ICU rules'],
  ['owner', 'owner'],
  ['tablespace', 'tablespace'],
  ['comment', 'comment'],
  ['connectionLimit', 'connection limit'],
  ['isTemplate', 'template mark'],
  ['allowConnections', 'permission to connect'],
  ['hasPublicSchema', 'schema public'],
];

export function compareProperties(expected: DatabaseLine, found: Omit<DatabaseLine, 'dumpVersion'>): Check[] {
  const checks = properties.map(([key, name]) => {
    const same = expected[key] === found[key as keyof typeof found];
    return verdictOf('database', name, same ? undefined : 'It is another.');
  });
  checks.push(verdictOf('database', 'privileges', sameItems(expected.acl, found.acl) ? undefined : 'They are others.'));
  const settings = (line: Pick<DatabaseLine, 'settings'>) =>
    line.settings.flatMap(({ role, values }) => values.map((value) => JSON.stringify([role, value])));
  checks.push(
    verdictOf('database', 'settings', sameItems(settings(expected), settings(found)) ? undefined : 'They are others.'),
  );
  if (expected.securityLabels !== undefined) {
    const labels = (line: Pick<DatabaseLine, 'securityLabels'>) =>
      (line.securityLabels ?? []).map(({ provider, label }) => JSON.stringify([provider, label]));
    const same = sameItems(labels(expected), labels(found));
    checks.push(verdictOf('database', 'security labels', same ? undefined : 'They are others.'));
  }
  // Only those that are new: a restore enforces everything.
  const known = new Set((expected.unenforced ?? []).map((constraint) => JSON.stringify(constraint)));
  for (const { schema, table, name } of found.unenforced ?? []) {
    if (known.has(JSON.stringify({ schema, table, name }))) continue;
    const object = `${name} of ${displayName(schema, table)}`;
    checks.push(verdictOf('constraint', object, 'Nothing enforces it: its triggers are disabled.'));
  }
  const byName = new Map(found.extensions.map((extension) => [extension.name, extension]));
  for (const { name, version, schema } of expected.extensions) {
    const other = byName.get(name);
    byName.delete(name);
    const detail =
      other === undefined
        ? 'It is missing.'
        : other.version !== version
          ? `Its version is ${other.version} instead of ${version}.`
          : other.schema !== schema
            ? `It lies in schema ${other.schema} instead of ${schema}.`
            : undefined;
    checks.push(verdictOf('extension', name, detail));
  }
  for (const name of byName.keys()) checks.push(verdictOf('extension', name, 'It is not in the snapshot.'));
  return checks;
}

/** A check of something that is equal when there is nothing to tell. */
export function verdictOf(kind: string, object: string, detail: string | undefined): Check {
  return detail === undefined ? { kind, object, verdict: 'equal' } : { kind, object, verdict: 'differs', detail };
}

/** Lists that are sets: privileges, settings. null is the default, which no list is. */
export function sameItems(a: readonly string[] | null, b: readonly string[] | null): boolean {
  if (a === null || b === null) return a === b;
  return JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());
}
