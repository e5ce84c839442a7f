import { HoldfastError } from '../../base/errors.ts';
import type { RestoreContext, Shortfall } from '../source.ts';
import { type PartWanted, selectEntries } from './archive-selection.ts';
import type { PostgresConnection } from './connection.ts';
import { type MappedSnapshot, readMapped, type SnapshotMaps } from './mapped-snapshot.ts';
import { checkPreconditions, type ServerNeeds } from './restore-preconditions.ts';
import { inspectReplaced, type ReplacedDatabase } from './restore-swap.ts';
import { assertAbsent, assertName } from './restore-target.ts';
import { openSession } from './session.ts';

/** What a restore into a new database will meet on its server. */
export interface Outlook {
  /** What the server cannot take as it was. */
  shortfalls: Shortfall[];
  /** The database that gives up its name; only of a swap. */
  replaces: ReplacedDatabase | undefined;
}

export interface TargetWish extends PartWanted {
  /** To the server, through any database that exists. */
  admin: PostgresConnection;
  /** Name of the database to make. */
  database: string;
  /** Set when a database that has the name is to give it up. */
  swap?: object | undefined;
  maps?: SnapshotMaps | undefined;
}

/**
 * Looks at the server before anything is made there.
 *
 * @throws HoldfastError whatever would stop the restore: `usage`, `not-found`, `target-exists`, `target-failed`
 */
export async function inspectTarget(
  context: Pick<RestoreContext, 'lines' | 'reader' | 'signal'>,
  wish: TargetWish,
): Promise<Outlook> {
  assertName(wish.database);
  return inspectFor(await readMapped(context, wish.maps ?? {}), wish, context.signal);
}

/** The same with a snapshot that has been read. */
export async function inspectFor(
  { manifest, toc, mergesRoles }: MappedSnapshot,
  wish: TargetWish,
  signal: AbortSignal,
): Promise<Outlook> {
  const { admin, database, swap, maps = {} } = wish;
  assertName(database);
  if (swap !== undefined && mergesRoles) {
    throw new HoldfastError('usage', 'Two roles cannot become one in a swap.', {
      why: 'Their privileges could not be told apart, so the new database could not be compared with the snapshot.',
      hint: 'Restore under another name without --swap.',
    });
  }
  const selection = selectEntries(toc, manifest.database, wish);
  const wanted = toc.entries.filter((entry) => selection.entry(entry));
  const extensions = new Set(wanted.filter(({ desc }) => desc === 'EXTENSION').map(({ tag }) => tag));
  const tablespaces = new Set([manifest.database.tablespace, ...wanted.map(({ tablespace }) => tablespace ?? '')]);
  const needs: ServerNeeds = {
    database: manifest.database,
    extensions: manifest.database.extensions.filter(({ name }) => extensions.has(name)),
    tablespaces: [...tablespaces],
    named: { roles: [...(maps.roles?.values() ?? [])], tablespaces: [...(maps.tablespaces?.values() ?? [])] },
    exact: swap !== undefined,
  };
  await using session = await openSession(admin, {
    applicationName: 'holdfast restore',
    failure: 'target-failed',
    signal,
  });
  if (swap === undefined) await assertAbsent(session, database);
  const replaces = swap === undefined ? undefined : await inspectReplaced(session, database);
  return { shortfalls: await checkPreconditions(session, needs), replaces };
}
