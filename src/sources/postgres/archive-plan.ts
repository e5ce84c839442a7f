import type { ArchiveToc, TocEntry } from './archive-toc.ts';

/** Sorts the entries of an archive into the steps of a restore. */
export interface ArchivePlan {
  /** Every entry of the archive by its dump id, wanted or not. */
  byId: ReadonlyMap<number, TocEntry>;
  /** Schemas, extensions, types, functions, tables, …: one after the other, before any row. */
  before: TocEntry[];
  /** Indexes, and constraints that are indexes, that can be built as soon as their table has its rows; by its dump id. */
  withTable: Map<number, TocEntry[]>;
  /** What else is built on rows and needs no trigger or foreign key to be absent; after all rows. */
  afterRows: TocEntry[];
  /** Foreign keys, triggers, rules, policies, …. */
  after: TocEntry[];
  /** Privileges; one after the other. */
  privileges: TocEntry[];
  /** REFRESH of materialized views that were populated; one after the other. */
  refreshes: TocEntry[];
  /** What would act on, or by, the restore itself: event triggers, then subscriptions, with their comments. */
  last: TocEntry[];
  /** Security labels of large objects. */
  largeObjects: TocEntry[];
  /** What no step takes, though the archive has it: the label of the database itself. */
  omitted: TocEntry[];
}

/** Settings of pg_dump itself, the database (made from the manifest), large objects (too), and statistics (ANALYZE). */
const elsewhere = new Set([
  'ENCODING',
  'STDSTRINGS',
  'SEARCHPATH',
  'DATABASE',
  'DATABASE PROPERTIES',
  'BLOB',
  'BLOB METADATA',
  'BLOBS',
  'STATISTICS DATA',
]);
const privileges = new Set(['ACL', 'ACL LANGUAGE', 'DEFAULT ACL']);
/** Entries about another entry, whose tag starts with the type of that one. */
const labels = new Set(['ACL', 'COMMENT', 'SECURITY LABEL']);
const builtOnRows = new Set(['INDEX', 'CONSTRAINT', 'INDEX ATTACH', 'STATISTICS']);
/** An index that calls a function of the database may read other tables through it, so it waits for all rows. */
const mayReadOthers = new Set(['FUNCTION', 'PROCEDURE', 'AGGREGATE', 'OPERATOR', 'OPERATOR CLASS', 'OPERATOR FAMILY']);
const actsOnRestore = new Set(['EVENT TRIGGER', 'SUBSCRIPTION', 'SUBSCRIPTION TABLE']);
/** What lets the database act on other servers under somebody's name. */
const reachesOut = new Set(['SUBSCRIPTION', 'SUBSCRIPTION TABLE', 'USER MAPPING']);

/** Whether an entry is about the database itself, or about large objects: both come from other lines of the manifest. */
export function isAboutDatabase(entry: TocEntry): boolean {
  return labels.has(entry.desc) && entry.tag.startsWith('DATABASE ');
}

export function isAboutLargeObjects(entry: TocEntry): boolean {
  return entry.desc.startsWith('BLOB') || (labels.has(entry.desc) && /^LARGE OBJECTS? \d/.test(entry.tag));
}

/** Whether an entry, or the one it is about, lets the database act on other servers. */
export function reachesOutside(entry: TocEntry): boolean {
  return reachesOut.has(entry.desc) || (labels.has(entry.desc) && entry.tag.startsWith('SUBSCRIPTION '));
}

/** What no entry of an archive does by itself when it is restored or compared. */
export function isElsewhere(entry: TocEntry): boolean {
  return entry.section === 'data' || elsewhere.has(entry.desc) || isAboutDatabase(entry);
}

/**
 * @param wanted which entries to restore
 */
export function planArchive(toc: ArchiveToc, wanted: (entry: TocEntry) => boolean): ArchivePlan {
  const byId = new Map(toc.entries.map((entry) => [entry.dumpId, entry]));
  const plan: ArchivePlan = {
    byId,
    before: [],
    withTable: new Map(),
    afterRows: [],
    after: [],
    privileges: [],
    refreshes: [],
    last: [],
    largeObjects: [],
    omitted: [],
  };
  const sectionOf = (entry: TocEntry): TocEntry['section'] => {
    if (entry.section !== 'none') return entry.section;
    // Comments and labels come with what they are about.
    const later = entry.dependencies.some((id) => byId.get(id)?.section === 'post-data');
    return later ? 'post-data' : 'pre-data';
  };
  const isLast = (entry: TocEntry) =>
    actsOnRestore.has(entry.desc) ||
    (labels.has(entry.desc) && entry.dependencies.some((id) => actsOnRestore.has(byId.get(id)?.desc ?? '')));

  for (const entry of toc.entries) {
    if (!wanted(entry)) continue;
    if (isAboutLargeObjects(entry)) {
      if (entry.desc === 'SECURITY LABEL') plan.largeObjects.push(entry);
    } else if (isElsewhere(entry)) {
      if (entry.desc === 'SECURITY LABEL') plan.omitted.push(entry);
    } else if (isLast(entry)) plan.last.push(entry);
    else if (privileges.has(entry.desc)) plan.privileges.push(entry);
    else if (entry.desc === 'MATERIALIZED VIEW DATA') plan.refreshes.push(entry);
    else if (sectionOf(entry) === 'pre-data') plan.before.push(entry);
    else if (!builtOnRows.has(entry.desc)) plan.after.push(entry);
    else {
      const table = tableOf(entry, byId);
      if (table === undefined) plan.afterRows.push(entry);
      else if (plan.withTable.has(table)) plan.withTable.get(table)!.push(entry);
      else plan.withTable.set(table, [entry]);
    }
  }
  const subscriptionsLast = (entry: TocEntry) => (reachesOutside(entry) ? 1 : 0);
  plan.last.sort((a, b) => subscriptionsLast(a) - subscriptionsLast(b));
  return plan;
}

/** The table whose rows alone an index or constraint needs; undefined when it needs more. */
function tableOf(entry: TocEntry, byId: ReadonlyMap<number, TocEntry>): number | undefined {
  if (entry.desc !== 'INDEX' && entry.desc !== 'CONSTRAINT') return undefined;
  let table: number | undefined;
  for (const id of entry.dependencies) {
    const other = byId.get(id);
    if (other === undefined) continue;
    if (other.section === 'post-data' || mayReadOthers.has(other.desc)) return undefined;
    if (other.desc === 'TABLE') {
      if (table !== undefined) return undefined;
      table = id;
    } else if (/VIEW|FOREIGN TABLE/.test(other.desc)) return undefined;
  }
  return table;
}
