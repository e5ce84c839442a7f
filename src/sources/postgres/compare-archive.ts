import { isHoldfastError } from '../../base/errors.ts';
import type { Check } from '../source.ts';
import { isAboutLargeObjects, isElsewhere, reachesOutside } from './archive-plan.ts';
import { describeEntry } from './archive-statements.ts';
import type { ArchiveToc, TocEntry } from './archive-toc.ts';
import { mapArchiveRoles } from './role-map.ts';
import { splitItems } from './sql-items.ts';

export interface ArchiveComparison {
  /** All that are not equal. */
  checks: Check[];
  equal: number;
}

/** Compares two archives entry by entry: what the objects are, not how pg_dump numbers or orders them. */
export interface ArchiveComparisonOptions {
  /** Restored without what reaches other servers. */
  isolated: boolean;
  /** The archives are of different versions of pg_dump or the server, so that a difference need not be one. */
  versions: string | undefined;
}

export function compareArchives(
  expected: ArchiveToc,
  found: ArchiveToc,
  options: ArchiveComparisonOptions,
): ArchiveComparison {
  const checks: Check[] = [];
  let equal = 0;
  const theirs = entriesByName(found, options);
  for (const [name, entries] of entriesByName(expected, options)) {
    const others = theirs.get(name) ?? [];
    theirs.delete(name);
    const { pairs, missing, extra } = pair(entries, others);
    for (const [entry, other] of pairs) {
      const differences = differencesOf(entry, other);
      if (differences.length === 0) equal++;
      else checks.push(differing(entry, differences.join(', '), options));
    }
    for (const entry of missing) checks.push(differing(entry, 'it is missing', options));
    for (const entry of extra) checks.push(differing(entry, 'it is not in the snapshot', options));
  }
  for (const entries of theirs.values()) {
    for (const entry of entries) checks.push(differing(entry, 'it is not in the snapshot', options));
  }
  return { checks, equal };
}

function differing(entry: TocEntry, detail: string, { versions }: ArchiveComparisonOptions): Check {
  const check = { kind: 'schema', object: describeEntry(entry) };
  const sentence = `${detail[0]!.toUpperCase()}${detail.slice(1)}`;
  if (versions === undefined) return { ...check, verdict: 'differs', detail: `${sentence}.` };
  return { ...check, verdict: 'could-not-compare', detail: `${sentence}; but ${versions}.` };
}

/** By type, schema and label. Several objects can share those: operators differ in their arguments only. */
function entriesByName(toc: ArchiveToc, { isolated }: ArchiveComparisonOptions): Map<string, TocEntry[]> {
  const found = new Map<string, TocEntry[]>();
  for (const entry of toc.entries) {
    // Settings of the dump itself belong to it; the database and large objects are compared by other means.
    const setting = /^(ENCODING|STDSTRINGS|SEARCHPATH)$/.test(entry.desc);
    if (isElsewhere(entry) && !setting && !(entry.desc === 'SECURITY LABEL')) continue;
    if (entry.desc === 'SECURITY LABEL' && entry.tag.startsWith('DATABASE ')) continue;
    if (isAboutLargeObjects(entry) && entry.desc !== 'SECURITY LABEL') continue;
    if (isolated && reachesOutside(entry)) continue;
    const name = JSON.stringify([entry.desc, entry.namespace, entry.tag]);
    const same = found.get(name);
    if (same === undefined) found.set(name, [entry]);
    else same.push(entry);
  }
  return found;
}

/** Equal ones first, then whatever is left in order. */
function pair(entries: readonly TocEntry[], others: readonly TocEntry[]) {
  const pairs: [TocEntry, TocEntry][] = [];
  const rest = [...others];
  const unpaired = entries.filter((entry) => {
    const at = rest.findIndex((other) => differencesOf(entry, other).length === 0);
    if (at < 0) return true;
    pairs.push([entry, rest.splice(at, 1)[0]!]);
    return false;
  });
  while (unpaired.length > 0 && rest.length > 0) pairs.push([unpaired.shift()!, rest.shift()!]);
  return { pairs, missing: unpaired, extra: rest };
}

function differencesOf(entry: TocEntry, other: TocEntry): string[] {
  const differences: string[] = [];
  if (!sameDefinition(entry, other)) {
    differences.push(
      /^(ACL|DEFAULT ACL)$/.test(entry.desc)
        ? 'the privileges are others'
        : entry.desc === 'COMMENT'
          ? 'the comment is another'
          : 'the definition is another',
    );
  }
  if (entry.owner !== other.owner) differences.push(`the owner is ${other.owner} and not ${entry.owner}`);
  if (entry.tablespace !== other.tablespace) differences.push('the tablespace is another');
  if (entry.tableAm !== other.tableAm) differences.push('the access method is another');
  return differences;
}

/**
 * A table that inherits gets its parents' columns first, so a restored one may list columns that it also declares itself
 * in another order. Nothing else may differ.
 */
function sameDefinition(entry: TocEntry, other: TocEntry): boolean {
  if (entry.defn.equals(other.defn)) return true;
  if (entry.desc === 'POLICY') return samePolicy(entry, other);
  if (entry.desc !== 'TABLE') return false;
  const [ours, theirs] = [entry, other].map(({ defn }) => splitItems(defn.toString('latin1')));
  if (ours === undefined || theirs === undefined || !/^\s*INHERITS \(/.test(ours.after)) return false;
  if (ours.before !== theirs.before || ours.after !== theirs.after) return false;
  const sorted = (items: readonly string[]) => JSON.stringify([...items].sort());
  return sorted(ours.items) === sorted(theirs.items);
}

/** pg_dump lists the roles of a policy in the order of the catalog of roles, which any ALTER ROLE changes. */
function samePolicy(entry: TocEntry, other: TocEntry): boolean {
  const [ours, theirs] = [entry, other].map((each) => {
    try {
      return mapArchiveRoles({ entries: [each] }, new Map()).entries[0]!.defn;
    } catch (error) {
      // Not understood: then it is compared as it is.
      if (isHoldfastError(error)) return each.defn;
      throw error;
    }
  });
  return ours!.equals(theirs!);
}
