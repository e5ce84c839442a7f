import { randomSecret } from '../../../crypt/secrets.ts';
import type { PostgresConnection } from '../../../sources/postgres/connection.ts';
import { quoteIdentifier, quoteLiteral } from '../../../sources/postgres/quote.ts';
import { isConnectionLost, sqlstateOf } from '../../../sources/postgres/server-errors.ts';
import { openSession, type Session } from '../../../sources/postgres/session.ts';

/**
 * Views and functions of a restored database were written by whoever works with the source. A query of ours that meets one
 * runs it; so queries of the configuration are asked by a role that may read everything and do nothing else.
 */

const applicationName = 'holdfast verify';
/** Since PostgreSQL 14 there is `pg_read_all_data`. */
const oldestVersion = 140_000;

/**
 * Makes such a role for the time of `work`. Where the server does not let us, the connection itself is used.
 *
 * @param connection to the restored database
 * @throws what `work` throws; HoldfastError when there is no connection
 */
export async function withReader<T>(
  connection: PostgresConnection,
  signal: AbortSignal,
  work: (reader: PostgresConnection) => Promise<T>,
): Promise<T> {
  await using session = await openSession(connection, { applicationName, signal, failure: 'could-not-verify' });
  if (!session.superuser || session.serverVersion < oldestVersion) return await work(connection);
  const user = `holdfast_reader_${randomSecret(6).toString('hex')}`;
  const reader = { ...connection, user, password: randomSecret(24).toString('hex') };
  await makeRole(session, reader);
  try {
    return await work((await canConnect(reader, signal)) ? reader : connection);
  } finally {
    if (!session.lost) await dropRole(session, user);
  }
}

async function makeRole(session: Session, { user, password, database }: PostgresConnection): Promise<void> {
  const role = quoteIdentifier(user);
  await session.run(
    `SET session_replication_role = replica;
     CREATE ROLE ${role} LOGIN BYPASSRLS PASSWORD ${quoteLiteral(password!)};
     GRANT pg_read_all_data TO ${role};
     GRANT CONNECT, TEMPORARY ON DATABASE ${quoteIdentifier(database)} TO ${role}`,
    'Could not make a role that only reads.',
  );
}

async function dropRole(session: Session, user: string): Promise<void> {
  const role = quoteIdentifier(user);
  await session.run(`DROP OWNED BY ${role}; DROP ROLE ${role}`, 'Could not drop the role that only reads.');
}

/** Not where the server asks the operating system who we are. */
async function canConnect(reader: PostgresConnection, signal: AbortSignal): Promise<boolean> {
  try {
    await using _ = await openSession(reader, { applicationName, signal, failure: 'could-not-verify' });
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (sqlstateOf(error) === undefined && !isConnectionLost(error)) throw error;
    return false;
  }
}
