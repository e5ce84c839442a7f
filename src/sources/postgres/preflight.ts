import { HoldfastError } from '../../base/errors.ts';
import type { Shortfall } from '../source.ts';
import type { Relation } from './catalog-relations.ts';
import { describeConnection } from './connection.ts';
import { unreadableLargeObjects } from './large-objects.ts';
import { displayName } from './quote.ts';
import type { Session } from './session.ts';

/** What is found out before anything is read, so that a backup fails early and in words. */

export const oldestServer = 13;

export interface Findings {
  /** Worth a line, nothing is wrong. */
  notes: string[];
  shortfalls: Shortfall[];
}

/**
 * Looks at the server and at what the role may do with it as a whole; `assertReadable` looks at the tables.
 *
 * @throws HoldfastError `source-failed` when a backup cannot be whole
 */
export async function examineServer(session: Session): Promise<Findings> {
  const major = Math.floor(session.serverVersion / 10_000);
  if (major < oldestServer) {
    throw new HoldfastError(session.failure, `PostgreSQL ${major} is too old to be backed up.`, {
      why: `Version ${oldestServer} is the oldest that is supported.`,
      hint: 'Upgrade the server; it no longer gets security fixes.',
    });
  }
  const findings: Findings = { notes: [], shortfalls: [] };
  if (session.inRecovery) findings.notes.push('The server is a standby.');
  const objects = await unreadableLargeObjects(session);
  if (objects.count > 0) {
    throw new HoldfastError(session.failure, `This role may not read ${objects.count} large objects.`, {
      why: `No SELECT on ${objects.first.join(', ')}${objects.count > objects.first.length ? ' and more' : ''}.`,
      hint: 'GRANT SELECT ON LARGE OBJECT … TO the role, or make it a member of their owner.',
    });
  }
  if (!session.superuser) findings.shortfalls.push(...(await hiddenFromRole(session)));
  return findings;
}

/** What only a superuser sees whole, and pg_dump leaves out for others. */
async function hiddenFromRole(session: Session): Promise<Shortfall[]> {
  const rows = await session.query<{ object: string; kind: 'subscription' | 'mapping' }>(
    `SELECT s.subname::text AS object, 'subscription' AS kind FROM pg_subscription s
     WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
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

/**
 * @param relations those whose content is wanted, and partitioned tables above them
 * @throws HoldfastError that names what the role may not read, or whose rows a policy hides from it
 */
export function assertReadable(session: Session, relations: readonly Relation[]): void {
  const denied = relations.filter(({ readable }) => !readable);
  if (denied.length > 0) {
    throw new HoldfastError(session.failure, `This role may not read ${naming(denied)}.`, {
      why: `It lacks SELECT there or USAGE on the schema, in ${describeConnection(session.connection)}.`,
      hint: `GRANT pg_read_all_data TO the role (PostgreSQL 14 and newer), or name the tables under exclude.tables.`,
    });
  }
  const hidden = relations.filter(({ hidesRows }) => hidesRows);
  if (hidden.length > 0) {
    throw new HoldfastError(session.failure, `Row security hides rows of ${naming(hidden)} from this role.`, {
      why: 'A backup as this role would hold fewer rows than there are.',
      hint: 'ALTER ROLE … BYPASSRLS, or back up as the owner of the tables or a superuser.',
    });
  }
}

function naming(relations: readonly Relation[]): string {
  const names = relations.slice(0, 5).map(({ schema, name }) => displayName(schema, name));
  return names.join(', ') + (relations.length > 5 ? ` and ${relations.length - 5} more` : '');
}

/**
 * Room in the server's lock table, as text when it is short: the locks of a backup fill it for everybody.
 *
 * @param tables how many tables are locked
 */
export async function lockTableWarning(session: Session, tables: number): Promise<string | undefined> {
  const [row] = await session.query<{ room: number }>(
    `SELECT current_setting('max_locks_per_transaction')::int4
            * (current_setting('max_connections')::int4 + current_setting('max_prepared_transactions')::int4) AS room`,
  );
  if (tables <= row!.room / 2) return undefined;
  return `The backup locks ${tables} tables, and the lock table of the server is made for ${row!.room} locks: raise max_locks_per_transaction.`;
}
