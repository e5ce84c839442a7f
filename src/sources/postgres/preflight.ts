import { HoldfastError } from '../../base/errors.ts';
import type { Shortfall } from '../source.ts';
import type { Relation } from './catalog-relations.ts';
import { describeConnection } from './connection.ts';
import { unreadableLargeObjects } from './large-objects.ts';
import { whatIsNotCarried } from './preflight-carried.ts';
import { collationWarning, readCollationDrift } from './preflight-collations.ts';
import { type LockRoom, readLockRoom } from './preflight-locks.ts';
import { readStandby, type Standby, standbyWarning } from './preflight-standby.ts';
import { displayName } from './quote.ts';
import type { Session } from './session.ts';

/** What is found out before anything is read, so that a backup fails early and in words. */

export const oldestServer = 13;

export interface Findings {
  /** Worth a line, nothing is wrong. */
  notes: string[];
  /** Something is wrong, though not with the backup. */
  warnings: { text: string; hint?: string }[];
  shortfalls: Shortfall[];
  locks: LockRoom;
  /** Undefined when the server is none. */
  standby: Standby | undefined;
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
  const objects = await unreadableLargeObjects(session);
  if (objects.count > 0) {
    throw new HoldfastError(session.failure, `This role may not read ${objects.count} large objects.`, {
      why: `No SELECT on ${objects.first.join(', ')}${objects.count > objects.first.length ? ' and more' : ''}.`,
      hint: 'GRANT SELECT ON LARGE OBJECT … TO the role, or make it a member of their owner.',
    });
  }
  const { notes, shortfalls } = await whatIsNotCarried(session);
  const standby = await readStandby(session);
  if (standby) notes.unshift('The server is a standby.');
  const warnings = [standby && standbyWarning(standby), collationWarning(await readCollationDrift(session))];
  return {
    notes,
    warnings: warnings.filter((warning) => warning !== undefined),
    shortfalls,
    locks: await readLockRoom(session),
    standby,
  };
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
