/** The side of a pseudonymized copy that is read: one moment of a database, its definitions, and what becomes of its rows. */
import type { Clock } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import { type DatabaseFacts, readFacts } from '../../pseudonyms/column-facts.ts';
import { commentFilter } from '../../pseudonyms/copy/kept-comments.ts';
import type { PlannedCopy } from '../../pseudonyms/copy/row-jobs.ts';
import { transformTable } from '../../pseudonyms/copy/table-transform.ts';
import { type Catalog, readCatalog, tableName } from '../../pseudonyms/discovery-catalog.ts';
import type { Lock } from '../../pseudonyms/lock.ts';
import { type ArchiveToc, readToc, type TocEntry } from '../../sources/postgres/archive-toc.ts';
import { planBackup } from '../../sources/postgres/backup-plan.ts';
import { readDatabase } from '../../sources/postgres/catalog-database.ts';
import { type Relation, readColumns } from '../../sources/postgres/catalog-relations.ts';
import { dumpArchive, type Environment, findDump } from '../../sources/postgres/dump-archive.ts';
import { holdSnapshot } from '../../sources/postgres/held-snapshot.ts';
import type { DatabaseLine, SequenceLine } from '../../sources/postgres/manifest.ts';
import { assertReadable } from '../../sources/postgres/preflight.ts';
import { readSequences } from '../../sources/postgres/sequences.ts';
import type { Session } from '../../sources/postgres/session.ts';
import { TablePatterns } from '../../sources/postgres/table-patterns.ts';

const lockTimeoutMs = 30_000;

export interface CopySource {
  exportedSnapshot: string;
  database: DatabaseLine;
  toc: ArchiveToc;
  tables: PlannedCopy[];
  catalog: Catalog;
  facts: DatabaseFacts;
  sequences: SequenceLine[];
  /** Names of roles that policies are for: nothing else of a copy refers to any. */
  policyRoles: string[];
  /** Whether an entry of the archive belongs into the copy. */
  wanted(entry: TocEntry): boolean;
  /** What the copy lacks, in words. */
  omitted: { object: string; reason: string }[];
}

export interface CopySourceSettings {
  lock: Lock;
  /** Absolute: where the paths of rules start. */
  baseDirectory?: string;
  env: Environment;
  pgDump?: string | undefined;
  clock: Clock;
  signal: AbortSignal;
}

/** Privileges and publications are for the roles and subscribers of production. */
const ofProduction = new Set([
  'ACL',
  'ACL LANGUAGE',
  'DEFAULT ACL',
  'PUBLICATION',
  'PUBLICATION TABLE',
  'SECURITY LABEL',
]);

/**
 * Locks the tables, exports a snapshot in `session`, and reads under it everything but rows.
 *
 * @throws HoldfastError `source-failed`; `config` when the lock file does not decide what becomes of a column
 */
export async function holdSource(session: Session, settings: CopySourceSettings): Promise<CopySource> {
  const { lock, env, clock, signal } = settings;
  const program = await findDump(session.serverVersion, env, settings.pgDump);
  const plan = (relations: readonly Relation[]) => planBackup(relations, new TablePatterns([]), session.inRecovery);
  const held = await holdSnapshot(session, {
    clock,
    signal,
    lockTimeout: lockTimeoutMs,
    needsLock: ({ kind, readable }) => (kind === 'r' || kind === 'p') && readable,
    inspect: (relations) => {
      const { tables, roots, sequences } = plan(relations);
      assertReadable(session, [...tables.map(({ relation }) => relation), ...roots, ...sequences]);
    },
  });
  const { tables, sequences, omitted, withoutSchema } = plan(held.relations);
  const pieces: Buffer[] = [];
  await dumpArchive(
    session,
    {
      program,
      exportedSnapshot: held.exportedSnapshot,
      lockTimeout: lockTimeoutMs,
      exclude: withoutSchema,
      environment: env,
      signal,
      applicationName: 'holdfast pseudonymize dump',
    },
    async (bytes) => void pieces.push(Buffer.from(bytes)),
  );
  const toc = readToc(Buffer.concat(pieces));
  const columns = await readColumns(
    session,
    tables.map(({ relation }) => relation.oid),
  );
  const catalog = await readCatalog(session);
  const facts = await readFacts(session, catalog);
  const names = new Map(catalog.tables.map((table) => [table.oid, tableName(table)]));
  const relations = new Map(held.relations.map((relation) => [relation.oid, relation]));
  const planned = tables.map((table): PlannedCopy => {
    const root = rootOf(table.relation, relations);
    const name = names.get(root.oid) ?? tableName(root);
    const found = columns.get(table.relation.oid)!;
    const none = new Map<never, never>();
    const transform = transformTable(
      name,
      found.plain,
      lock.tables.get(name) ?? none,
      facts.get(name) ?? none,
      settings.baseDirectory,
    );
    return { planned: table, columns: found, transform };
  });
  const keepsComment = commentFilter(lock);
  return {
    exportedSnapshot: held.exportedSnapshot,
    database: { ...(await readDatabase(session)), dumpVersion: program.version },
    toc,
    tables: planned,
    catalog,
    facts,
    sequences: await readSequences(session, sequences),
    policyRoles: await readPolicyRoles(session),
    wanted: (entry) => (entry.desc === 'COMMENT' ? keepsComment(entry) : !ofProduction.has(entry.desc)),
    omitted,
  };
}

function rootOf(relation: Relation, relations: ReadonlyMap<number, Relation>): Relation {
  let at = relation;
  while (at.parent !== null) {
    const parent = relations.get(at.parent);
    if (parent === undefined) {
      throw new HoldfastError(
        'source-failed',
        `The table that ${relation.schema}.${relation.name} is a part of is gone.`,
      );
    }
    at = parent;
  }
  return at;
}

async function readPolicyRoles(session: Session): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    `SELECT DISTINCT r.rolname::text AS name FROM pg_policy p, unnest(p.polroles) AS o (oid) JOIN pg_roles r ON r.oid = o.oid
     WHERE r.oid >= 16384 ORDER BY 1`,
    [],
    'Could not list the roles of policies.',
  );
  return rows.map(({ name }) => name);
}

/** Rows of a table as far as the catalog tells: partitions count with their root, so each has its share by size. */
export function rowsOf({ catalog }: CopySource): (table: PlannedCopy) => number {
  const known = new Map(catalog.tables.map((table) => [tableName(table), table]));
  return ({ transform, columns, ctids }) => {
    if (ctids !== undefined) return ctids.length;
    const table = known.get(transform.table);
    // Never analyzed: as many rows as a heap of that size has with a hundred bytes each.
    if (table === undefined || table.rows < 0) return Math.ceil(columns.size / leastRowBytes);
    return table.partitioned ? Math.min(table.rows, Math.ceil(columns.size / leastRowBytes)) : table.rows;
  };
}

const leastRowBytes = 64;
