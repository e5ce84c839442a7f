import { HoldfastError } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import { LargeObjectDigests } from './binary-copy.ts';
import { copyOut } from './copy-out.ts';
import type { LargeObjectsLine } from './manifest.ts';
import type { Session } from './session.ts';
import { rowsError } from './table-copy.ts';

/** Large objects by their oids; an end that is left out is open. */
export interface LargeObjectRange {
  from?: number;
  /** Not included. */
  to?: number;
}

/**
 * Large objects in one binary COPY: ten times faster than one by one. OFFSET 0 keeps the order below the calls of
 * lo_get, so that never more than one object is in the server's memory.
 */
export function largeObjectsStatement({ from, to }: LargeObjectRange = {}): string {
  const bounds = [
    ...(from === undefined ? [] : [`oid >= ${Math.trunc(from)}`]),
    ...(to === undefined ? [] : [`oid < ${Math.trunc(to)}`]),
  ];
  const where = bounds.length === 0 ? '' : `WHERE ${bounds.join(' AND ')} `;
  const ordered = `SELECT oid FROM pg_largeobject_metadata ${where}ORDER BY oid OFFSET 0`;
  return `COPY (SELECT oid, lo_get(oid) FROM (${ordered}) AS o) TO STDOUT (FORMAT binary)`;
}

/** Bytes on disk of what one lane reads at a time, about, and the most parts there are. */
const rangeBytes = 32 * MiB;
const mostRanges = 256;

/** Cuts the large objects into ranges of as many objects each, for lanes to read side by side. @param size bytes on disk */
export async function largeObjectRanges(session: Session, size: number): Promise<LargeObjectRange[]> {
  const count = Math.min(mostRanges, Math.ceil(size / rangeBytes));
  if (count < 2) return [{}];
  const starts = await session.query<{ first: string }>(
    `SELECT min(oid::int8)::text AS first
     FROM (SELECT oid, ntile($1) OVER (ORDER BY oid) AS range FROM pg_largeobject_metadata) AS o
     GROUP BY range ORDER BY min(oid::int8)`,
    [count],
    'Could not list the large objects.',
  );
  return starts.map(({ first }, i) => {
    const next = starts[i + 1];
    return { ...(i > 0 && { from: Number(first) }), ...(next && { to: Number(next.first) }) };
  });
}

/** What the catalogs say of a large object. */
export interface LargeObjectRights {
  oid: number;
  owner: string;
  acl: string[] | null;
  comment: string | null;
}

/** A large object whole, as in the manifest. */
export type LargeObject = LargeObjectsLine['objects'][number];

/** Owner, ACL and comment of every large object, ordered by oid. */
export async function readLargeObjectRights(session: Session): Promise<LargeObjectRights[]> {
  return session.query<LargeObjectRights>(
    `SELECT m.oid, pg_get_userbyid(m.lomowner)::text AS owner, m.lomacl::text[] AS acl,
            obj_description(m.oid, 'pg_largeobject') AS comment
     FROM pg_largeobject_metadata m ORDER BY m.oid`,
    [],
    'Could not list the large objects.',
  );
}

/** Large objects this role may not read: how many, and the first few. */
export async function unreadableLargeObjects(session: Session): Promise<{ count: number; first: number[] }> {
  // Superusers may read all; has_largeobject_privilege exists only since PostgreSQL 18.
  const [row] = await session.query<{ count: number; first: number[] | null }>(
    `SELECT count(*)::int4 AS count, (array_agg(oid ORDER BY oid))[1:5]::int8[]::text[] AS first
     FROM pg_largeobject_metadata m
     WHERE current_setting('is_superuser') <> 'on'
       AND NOT pg_has_role(m.lomowner, 'USAGE')
       AND NOT EXISTS (
         SELECT FROM aclexplode(m.lomacl) AS a
         WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))`,
    [],
    'Could not read the rights on large objects.',
  );
  return { count: row!.count, first: (row!.first ?? []).map(Number) };
}

/** Every large object with size and SHA-256, ordered by oid: to compare a restored database. @throws HoldfastError */
export async function readLargeObjects(session: Session): Promise<LargeObject[]> {
  const rights = await readLargeObjectRights(session);
  if (rights.length === 0) return [];
  const digests = new LargeObjectDigests();
  const buffer = Buffer.allocUnsafeSlow(256 * 1024);
  try {
    await copyOut(session, largeObjectsStatement(), {
      space: () => buffer,
      filled: async (length) => digests.update(buffer.subarray(0, length)),
    });
  } catch (error) {
    throw rowsError(session, error, 'Could not read the large objects.');
  }
  return joinLargeObjects(rights, digests.end());
}

/** Brings together what the catalogs and the COPY say. @throws HoldfastError when they are not of one snapshot */
export function joinLargeObjects(
  rights: readonly LargeObjectRights[],
  contents: readonly { oid: number; size: number; sha256: string }[],
): LargeObject[] {
  const byOid = new Map(rights.map((right) => [right.oid, right]));
  return contents.map(({ oid, size, sha256 }) => {
    const right = byOid.get(oid);
    if (right === undefined || contents.length !== rights.length) {
      throw new HoldfastError('source-failed', 'The large objects changed while they were read.', {
        why: `There are ${rights.length} in the catalog and ${contents.length} came.`,
        hint: 'Run it again.',
      });
    }
    const { owner, acl, comment } = right;
    return { oid, size, sha256, owner, acl, comment };
  });
}

/** Bytes on disk of all large objects; undefined when there are none. */
export async function largeObjectsSize(session: Session): Promise<number | undefined> {
  const [row] = await session.query<{ some: boolean; size: string }>(
    `SELECT EXISTS (SELECT FROM pg_largeobject_metadata) AS some, pg_table_size('pg_largeobject')::text AS size`,
  );
  return row!.some ? Number(row!.size) : undefined;
}
