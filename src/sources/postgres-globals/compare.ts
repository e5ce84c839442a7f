import type { Comparison } from '../postgres/compare.ts';
import type { PostgresConnection } from '../postgres/connection.ts';
import { openSession } from '../postgres/session.ts';
import type { RestoreContext } from '../source.ts';
import { differencesOf } from './differences.ts';
import { readStoredGlobals } from './manifest.ts';
import { databaseNames, readGlobals } from './read.ts';

/**
 * Compares a cluster with the snapshot: roles, passwords as their hashes, memberships, settings, tablespaces, privileges
 * on parameters. What the cluster has beyond the snapshot differs, too.
 *
 * @throws HoldfastError when the snapshot cannot be read, or there is no connection to the server
 */
export async function compareGlobals(
  context: RestoreContext,
  settings: { connection: PostgresConnection },
): Promise<Comparison> {
  const globals = await readStoredGlobals(context);
  context.emit({ type: 'step', text: 'Comparing roles' });
  await using session = await openSession(settings.connection, {
    applicationName: 'holdfast compare',
    signal: context.signal,
  });
  const other = await readGlobals(session, { passwords: true });
  const databases = await databaseNames(session);
  const all = differencesOf(globals, other, databases);
  return {
    equal: all.filter(({ verdict }) => verdict === 'equal').length,
    checks: all.filter(({ verdict }) => verdict !== 'equal').map(({ expected: _, extra: __, ...check }) => check),
  };
}
