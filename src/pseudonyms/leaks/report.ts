/** What a search for leaks came to. It names places and counts, and never holds a value. */
import type { Tolerated } from '../lock.ts';
import type { PlaceKind } from './hits.ts';

export interface LeakFinding {
  place: PlaceKind;
  /** `app.people.notes`, `enum app.plan`, `large object 500001`, `docs/contract.pdf`. */
  name: string;
  /** What was found: something that only one has, a name of several words or a text, or one word of a name. */
  what: 'identifier' | 'phrase' | 'word';
  /** How often an original stands there. */
  count: number;
  /** How many different ones. */
  values: number;
  /** Columns whose originals they are: `app.people.email`. */
  originals: string[];
}

export interface AnonymityReport {
  table: string;
  columns: string[];
  k: number;
  rows: number;
  /** Different combinations. */
  groups: number;
  /** Rows of the smallest; 0 when there is no row. */
  smallestGroup: number;
  groupsBelowK: number;
  rowsBelowK: number;
}

export interface FrequencyWarning {
  table: string;
  column: string;
  kind: string;
  /** Of the rows looked at that have a value. */
  rows: number;
  distinct: number;
  /** Part of the rows that the most common value has: 0 to 1. */
  share: number;
}

export interface LeakReport {
  verdict: 'pass' | 'fail' | 'could-not-verify';
  findings: LeakFinding[];
  scanned: {
    tables: number;
    rows: number;
    /** Of rows as COPY text, large objects and files. */
    bytes: number;
    definitions: number;
    largeObjects: number;
    files: number;
  };
  /** What was found and is tolerated, with the lock file's reason. */
  tolerated: (LeakFinding & { reason: string })[];
  /** Places with parts that could not be read: encrypted, damaged, too large. */
  unread: { place: PlaceKind; name: string; count: number }[];
  anonymity: AnonymityReport[];
  frequencies: FrequencyWarning[];
}

/** Tells apart what the lock file tolerates at a place. */
export function sortOut(
  findings: readonly LeakFinding[],
  known: readonly Tolerated[],
): Pick<LeakReport, 'findings' | 'tolerated'> {
  const tolerated: LeakReport['tolerated'] = [];
  const left = findings.filter((finding) => {
    const entry = known.find(({ place, what }) => place === finding.name && what === finding.what);
    if (entry !== undefined) tolerated.push({ ...finding, reason: entry.reason });
    return entry === undefined;
  });
  return { findings: left, tolerated };
}

/** Fails on a leak; what nobody could read is no pass. */
export function verdictOf({ findings, unread }: Pick<LeakReport, 'findings' | 'unread'>): LeakReport['verdict'] {
  if (findings.length > 0) return 'fail';
  return unread.length > 0 ? 'could-not-verify' : 'pass';
}
