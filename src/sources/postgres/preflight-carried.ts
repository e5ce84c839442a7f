import type { Shortfall } from '../source.ts';
import { objectsInSystemSchemas, unenforcedConstraints } from './preflight-system.ts';
import { displayName } from './quote.ts';
import type { Session } from './session.ts';

/** What a dump of a database leaves out, or brings back only where something else is there. */

export interface Carried {
  /** Carried, and worth knowing. */
  notes: string[];
  shortfalls: Shortfall[];
}

/** @throws HoldfastError */
export async function whatIsNotCarried(session: Session): Promise<Carried> {
  const shortfalls = [
    ...(session.superuser ? [] : await hiddenFromRole(session)),
    ...(await invalidIndexes(session)),
    ...(await securityLabels(session)),
    ...(await ofTheCluster(session)),
    ...(await objectsInSystemSchemas(session)),
    ...(await unenforcedConstraints(session)),
  ];
  return { notes: await unvalidatedConstraints(session), shortfalls };
}

const ownDatabase = '(SELECT oid FROM pg_database WHERE datname = current_database())';

/** What only a superuser sees whole, and pg_dump leaves out for others. */
async function hiddenFromRole(session: Session): Promise<Shortfall[]> {
  const rows = await session.query<{ object: string; kind: 'subscription' | 'mapping' }>(
    `SELECT s.subname::text AS object, 'subscription' AS kind FROM pg_subscription s
     WHERE s.subdbid = ${ownDatabase}
     UNION ALL
     SELECT coalesce(m.usename, 'public') || ' on ' || m.srvname, 'mapping' FROM pg_user_mappings m
     WHERE m.umoptions IS NULL AND m.usename IS DISTINCT FROM current_user`,
    [],
    'Could not look for what is hidden from the role.',
  );
  return rows.map(({ object, kind }) => ({
    object: `${kind === 'subscription' ? 'subscription' : 'user mapping'} ${object}`,
    reason:
      kind === 'subscription'
        ? 'Only a superuser may read subscriptions.'
        : 'Its options, if it has any, are hidden from this role.',
    degrades: kind === 'subscription',
  }));
}

/** Left behind by a CREATE INDEX CONCURRENTLY that failed, or in the making by one that runs. */
async function invalidIndexes(session: Session): Promise<Shortfall[]> {
  const rows = await session.query<{ schema: string; name: string }>(
    `SELECT n.nspname::text AS schema, c.relname::text AS name
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.oid >= 16384 AND n.nspname NOT LIKE 'pg\\_toast%'
     ORDER BY 1, 2`,
    [],
    'Could not look for invalid indexes.',
  );
  return rows.map(({ schema, name }) => ({
    object: `index ${displayName(schema, name)}`,
    reason: 'It is invalid, so pg_dump leaves it out: REINDEX it or drop it.',
    degrades: false,
  }));
}

/** They are in the archive, but only a server that has loaded their provider takes them. */
async function securityLabels(session: Session): Promise<Shortfall[]> {
  const rows = await session.query<{ provider: string; count: number }>(
    'SELECT provider, count(*)::int4 AS count FROM pg_seclabel GROUP BY 1 ORDER BY 1',
    [],
    'Could not look for security labels.',
  );
  return rows.map(({ provider, count }) => ({
    object: `${count === 1 ? 'one security label' : `${count} security labels`} of ${provider}`,
    reason: 'They can be restored only where that provider is loaded (shared_preload_libraries).',
    degrades: false,
  }));
}

/** What refers to this database and belongs to its cluster, or to no snapshot. */
async function ofTheCluster(session: Session): Promise<Shortfall[]> {
  const rows = await session.query<{ kind: 'prepared' | 'slot'; name: string }>(
    `SELECT 'prepared' AS kind, gid AS name FROM pg_prepared_xacts WHERE database = current_database()
     UNION ALL
     SELECT 'slot', slot_name::text FROM pg_replication_slots WHERE database = current_database()
     ORDER BY 1, 2`,
    [],
    'Could not look for prepared transactions and replication slots.',
  );
  return rows.map(({ kind, name }) =>
    kind === 'prepared'
      ? {
          object: `prepared transaction ${JSON.stringify(name)}`,
          reason: 'What it changed is not in the snapshot unless it is committed.',
          degrades: false,
        }
      : {
          object: `replication slot ${name}`,
          reason: 'It belongs to the server: after a restore its consumer has to begin anew.',
          degrades: false,
        },
  );
}

async function unvalidatedConstraints(session: Session): Promise<string[]> {
  const [row] = await session.query<{ count: number; first: string[] | null }>(
    `SELECT count(*)::int4 AS count, (array_agg(conname::text ORDER BY conname))[1:3] AS first
     FROM pg_constraint WHERE NOT convalidated AND oid >= 16384`,
    [],
    'Could not look for constraints that were not validated.',
  );
  const { count, first } = row!;
  if (count === 0) return [];
  const more = count > 3 ? ` and ${count - 3} more` : '';
  return [
    `${count === 1 ? 'One constraint is NOT VALID, and stays so' : `${count} constraints are NOT VALID, and stay so`}: ${first!.join(', ')}${more}.`,
  ];
}
