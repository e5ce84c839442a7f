import type { ArchiveToc } from '../../../sources/postgres/archive-toc.ts';
import { readUnenforced } from '../../../sources/postgres/catalog-database.ts';
import {
  describeKey,
  type ForeignKey,
  foreignKeysOf,
  violationCountQuery,
  violationQuery,
} from '../../../sources/postgres/foreign-keys.ts';
import { displayName } from '../../../sources/postgres/quote.ts';
import type { Session } from '../../../sources/postgres/session.ts';
import type { Check } from '../../../sources/source.ts';
import { type Answer, someOf } from './question.ts';

/**
 * Whether constraints and indexes of a restored database are in force. That they are there, and the same, is a matter of
 * the schema's comparison; but a dump of the schema does not tell an index that is there and broken.
 */

export interface ConstraintsInput {
  /** To the restored database. */
  session: Session;
  /** The snapshot's archive, which tells what was NOT VALID in the source. */
  archive: Pick<ArchiveToc, 'entries'>;
  /**
   * `doubtful`: rows are held against the foreign keys that PostgreSQL did not look at when the restore made them: those that
   * are NOT VALID, and those of tables of extensions, whose rows are put in with triggers off. `all`: against every one.
   */
  foreignKeys: 'doubtful' | 'all';
}

/** @throws HoldfastError when the database cannot be asked */
export async function examineConstraints({ session, archive, foreignKeys }: ConstraintsInput): Promise<Answer> {
  const findings: Check[] = [];
  const notes: string[] = [];
  const constraints = await unvalidatedIn(session);
  const asInSource = knownAsNotValid(archive);
  const known = constraints.unvalidated.filter(({ keys }) => keys.some((key) => asInSource.has(keyText(key))));
  for (const constraint of constraints.unvalidated) {
    if (known.includes(constraint)) continue;
    findings.push(differs('constraint', shownConstraint(constraint), 'It is NOT VALID, and was valid in the source.'));
  }
  if (known.length > 0) notes.push(`NOT VALID as in the source: ${someOf(known.map(shownConstraint))}.`);

  const unenforced = await readUnenforced(session);
  for (const { schema, table, name } of unenforced) {
    const object = `${displayName(schema, table)} ${JSON.stringify(name)}`;
    findings.push(differs('constraint', object, 'Its own triggers are switched off, so that nothing enforces it.'));
  }

  const indexes = await brokenIndexes(session);
  const incomplete = indexes.broken.filter(({ incomplete: is }) => is);
  for (const index of indexes.broken) {
    if (index.incomplete) continue;
    const object = `${displayName(index.schema, index.name)} of ${displayName(index.schema, index.table)}`;
    findings.push(differs('index', object, `It is not ${index.lacks}, so PostgreSQL does not use it, or not fully.`));
  }
  if (incomplete.length > 0) {
    const names = incomplete.map(({ schema, name }) => displayName(schema, name));
    notes.push(`Indexes that not every partition has, as in the source: ${someOf(names)}.`);
  }

  const keys = await keysToExamine(session, foreignKeys);
  const violations = await violationsOf(session, keys);
  let violatingRows = 0;
  for (const { key, rows } of violations) {
    violatingRows += rows;
    const text = rows === 1 ? 'One row refers to nothing' : `${rows} rows refer to nothing`;
    // What is NOT VALID there and here may be violated; where it should be valid, that has been told.
    if (key.validated) findings.push(differs('foreign-key', describeKey(key), `${text}, although it is valid.`));
    else notes.push(`${text} by the foreign key ${describeKey(key)}, which is NOT VALID.`);
  }
  const equal =
    constraints.total - constraints.unvalidated.length - unenforced.length + indexes.total - indexes.broken.length;
  return {
    equal: Math.max(0, equal),
    figures: {
      constraints: constraints.total,
      indexes: indexes.total,
      notValidInSource: known.length,
      foreignKeysExamined: keys.length,
      violatingRows,
    },
    findings,
    // A note is no reason to fail, but nobody should have to look for it.
    ...(findings.length === 0 && notes.length > 0 ? { why: notes.join(' ') } : {}),
  };
}

function differs(kind: string, object: string, detail: string): Check {
  return { kind, object, verdict: 'differs', detail };
}

/** Schema, table or domain, constraint. */
type ConstraintKey = [string, string, string];

interface Unvalidated {
  schema: string;
  /** The table, or the domain. */
  of: string;
  name: string;
  /** Itself, and those that it may have come from. */
  keys: ConstraintKey[];
}

const keyText = ([schema, of, name]: ConstraintKey) => JSON.stringify([schema, `${of} ${name}`]);

function shownConstraint({ schema, of, name }: Unvalidated): string {
  return `${displayName(schema, of)} ${JSON.stringify(name)}`;
}

/** A constraint that is inherited stands in the archive with the table that it comes from, and only there. */
async function unvalidatedIn(session: Session): Promise<{ total: number; unvalidated: Unvalidated[] }> {
  const what = 'Could not look for constraints that are not validated.';
  const [row] = await session.query<{ total: number }>(
    `SELECT count(*)::int4 AS total FROM pg_constraint WHERE oid >= 16384 AND contype <> 't'`,
    [],
    what,
  );
  const unvalidated = await session.query<Unvalidated>(
    `WITH RECURSIVE bad AS (
       SELECT oid, conrelid, contypid, conname, conparentid FROM pg_constraint
       WHERE NOT convalidated AND oid >= 16384
     ), above AS (
       SELECT bad.oid, bad.conrelid AS rel, bad.conname FROM bad WHERE conrelid <> 0
       UNION SELECT above.oid, i.inhparent, above.conname FROM above JOIN pg_inherits i ON i.inhrelid = above.rel
     ), parents AS (
       SELECT bad.oid, bad.conparentid AS parent FROM bad WHERE conparentid <> 0
       UNION SELECT parents.oid, k.conparentid FROM parents JOIN pg_constraint k ON k.oid = parents.parent
       WHERE k.conparentid <> 0
     ), key AS (
       SELECT above.oid, n.nspname, c.relname, above.conname FROM above
       JOIN pg_class c ON c.oid = above.rel JOIN pg_namespace n ON n.oid = c.relnamespace
       UNION SELECT parents.oid, n.nspname, c.relname, k.conname FROM parents
       JOIN pg_constraint k ON k.oid = parents.parent
       JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       UNION SELECT bad.oid, n.nspname, t.typname, bad.conname FROM bad
       JOIN pg_type t ON t.oid = bad.contypid JOIN pg_namespace n ON n.oid = t.typnamespace
     )
     SELECT n.nspname::text AS schema, coalesce(c.relname, t.typname)::text AS "of", bad.conname::text AS name,
            (SELECT json_agg(json_build_array(key.nspname, key.relname, key.conname)) FROM key WHERE key.oid = bad.oid) AS keys
     FROM bad
     LEFT JOIN pg_class c ON c.oid = bad.conrelid AND bad.conrelid <> 0
     LEFT JOIN pg_type t ON t.oid = bad.contypid AND bad.contypid <> 0
     JOIN pg_namespace n ON n.oid = coalesce(c.relnamespace, t.typnamespace)
     ORDER BY 1, 2, 3`,
    [],
    what,
  );
  return { total: row!.total, unvalidated };
}

/** What pg_dump wrote with `NOT VALID`, or since version 18 with `NOT ENFORCED`, as `keyText` has it. */
function knownAsNotValid({ entries }: Pick<ArchiveToc, 'entries'>): Set<string> {
  return new Set(
    entries
      .filter(
        ({ desc, defn }) => /CONSTRAINT$/.test(desc) && /\bNOT (VALID|ENFORCED);\s*$/.test(defn.toString('latin1')),
      )
      .map(({ namespace, tag }) => JSON.stringify([namespace, tag])),
  );
}

interface BrokenIndex {
  schema: string;
  name: string;
  table: string;
  /** `valid`, `valid and not ready`, … */
  lacks: string;
  /** Of a partitioned table, some of whose partitions lack theirs: then it is as its definition says. */
  incomplete: boolean;
}

/**
 * Broken indexes are in no dump, so a restored database has none; only the index of a partitioned table may be invalid, when
 * not every partition has its own.
 */
async function brokenIndexes(session: Session): Promise<{ total: number; broken: BrokenIndex[] }> {
  const what = 'Could not look for indexes that are not valid.';
  const [row] = await session.query<{ total: number }>(
    'SELECT count(*)::int4 AS total FROM pg_index WHERE indexrelid >= 16384',
    [],
    what,
  );
  const broken = await session.query<BrokenIndex>(
    `SELECT n.nspname::text AS schema, c.relname::text AS name, t.relname::text AS "table",
            concat_ws(' and not ', CASE WHEN NOT x.indisvalid THEN 'valid' END, CASE WHEN NOT x.indisready THEN 'ready' END,
                      CASE WHEN NOT x.indislive THEN 'live' END) AS lacks,
            c.relkind = 'I' AND x.indisready AND x.indislive AND EXISTS (
              SELECT FROM pg_inherits p WHERE p.inhparent = x.indrelid AND NOT EXISTS (
                SELECT FROM pg_inherits a JOIN pg_index ax ON ax.indexrelid = a.inhrelid
                WHERE a.inhparent = x.indexrelid AND ax.indrelid = p.inhrelid AND ax.indisvalid)) AS incomplete
     FROM pg_index x
     JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_class t ON t.oid = x.indrelid
     WHERE x.indexrelid >= 16384 AND NOT (x.indisvalid AND x.indisready AND x.indislive)
     ORDER BY 1, 2`,
    [],
    what,
  );
  return { total: row!.total, broken };
}

async function keysToExamine(session: Session, which: ConstraintsInput['foreignKeys']): Promise<ForeignKey[]> {
  const tables = await session.query<{ oid: number; extension: boolean }>(
    `SELECT c.oid, EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
              AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e') AS extension
     FROM pg_class c WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND c.oid >= 16384`,
    [],
    'Could not list the tables.',
  );
  const ofExtensions = new Set(tables.filter(({ extension }) => extension).map(({ oid }) => oid));
  const all = await foreignKeysOf(
    session,
    tables.map(({ oid }) => oid),
  );
  if (which === 'all') return all;
  return all.filter(({ validated, from, to }) => !validated || ofExtensions.has(from.oid) || ofExtensions.has(to.oid));
}

async function violationsOf(
  session: Session,
  keys: readonly ForeignKey[],
): Promise<{ key: ForeignKey; rows: number }[]> {
  const found: { key: ForeignKey; rows: number }[] = [];
  for (const key of keys) {
    const what = `Could not hold rows against the foreign key ${describeKey(key)}.`;
    const [row] = await session.query<{ violated: boolean }>(violationQuery(key), [], what);
    if (!row!.violated) continue;
    const [counted] = await session.query<{ rows: string }>(violationCountQuery(key), [], what);
    found.push({ key, rows: Number(counted!.rows) });
  }
  return found;
}
