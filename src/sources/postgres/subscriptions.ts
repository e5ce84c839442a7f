import { quoteIdentifier } from './quote.ts';
import type { Session } from './session.ts';

/**
 * Drops the subscriptions of a database that is to be dropped, which they would prevent. Each is first parted from its
 * replication slot: dropping it otherwise connects to the publisher and drops the slot there, which is the original's.
 *
 * @throws HoldfastError
 */
export async function dropForeignSubscriptions(session: Session): Promise<void> {
  const what = 'Could not drop the subscriptions of an unfinished database.';
  const found = await session.query<{ name: string }>(
    `SELECT s.subname::text AS name FROM pg_catalog.pg_subscription s
     JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE d.datname = pg_catalog.current_database()`,
    [],
    what,
  );
  for (const { name } of found) {
    const quoted = quoteIdentifier(name);
    await session.run(`ALTER SUBSCRIPTION ${quoted} DISABLE`, what);
    await session.run(`ALTER SUBSCRIPTION ${quoted} SET (slot_name = NONE)`, what);
    await session.run(`DROP SUBSCRIPTION ${quoted}`, what);
  }
}
