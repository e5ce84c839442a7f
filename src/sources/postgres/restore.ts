import { HoldfastError } from '../../base/errors.ts';
import type { RestoreContext, Shortfall } from '../source.ts';
import { type PartWanted, selectEntries } from './archive-selection.ts';
import type { PostgresConnection } from './connection.ts';
import { planProperties } from './database-properties.ts';
import type { Environment } from './dump-archive.ts';
import { readMapped, type SnapshotMaps } from './mapped-snapshot.ts';
import { quoteIdentifier } from './quote.ts';
import { buildDatabase } from './restore-build.ts';
import { assertEqualToSnapshot } from './restore-equality.ts';
import { inspectFor } from './restore-inspect.ts';
import { createMissingRoles } from './restore-roles.ts';
import { createTarget } from './restore-target.ts';

export interface PostgresRestoreSettings extends PartWanted {
  /** To the server, through any database that exists; a superuser, since objects get owners of all kinds. */
  admin: PostgresConnection;
  /** Name of the database to make; must not exist, but for a swap. */
  database: string;
  /** How many things are done at the same time; default: one for each lane. */
  jobs?: number | undefined;
  /** Leaves out subscriptions and user mappings: for a scratch or pre-production database. */
  isolated?: boolean | undefined;
  /** Compares the database with the snapshot before it gets its name, which one that exists gives up. Of a whole one. */
  swap?: SwapSettings | undefined;
  /** Definitions only: no rows, values of sequences, large objects, content of materialized views. */
  schemaOnly?: boolean | undefined;
  /** Leaves out the planner's statistics, which take as long as a third of all else, for one that nobody will work with. */
  withoutStatistics?: boolean | undefined;
  maps?: SnapshotMaps | undefined;
}

export interface SwapSettings {
  /** Of the pg_dump that the comparison needs. */
  env: Environment;
}

export interface RestoreOutcome {
  /** `tables`, `rows`, `bytes`, `sequences`, `largeObjects` */
  totals: Record<string, number>;
  shortfalls: Shortfall[];
  /** The name under which a swap keeps the database that was there. */
  keptAs?: string | undefined;
}

/**
 * Restores a database, or a part of one, under a new name. The name appears when everything is there.
 *
 * @throws HoldfastError `target-exists`, `not-found` for a table or schema, `usage` for an unknown role or tablespace,
 *   `target-failed` naming what the server lacks or refused, of a swap `verification-failed` and `could-not-verify`, and
 *   what reading the repository throws; then nothing is left but roles that were missing
 */
export async function restorePostgres(
  context: RestoreContext,
  settings: PostgresRestoreSettings,
): Promise<RestoreOutcome> {
  const { swap, maps = {}, schemaOnly = false } = settings;
  const snapshot = await readMapped(context, maps);
  const { manifest, toc } = snapshot;
  const { database } = manifest;
  const selection = selectEntries(toc, database, settings);
  if (swap !== undefined) assertSwappable(selection.whole && !schemaOnly && settings.isolated !== true);
  const outlook = await inspectFor(snapshot, settings, context.signal);
  const shortfalls: Shortfall[] = selection.leftOut.map((left) => ({ ...left, degrades: false }));
  await using target = await createTarget({
    admin: settings.admin,
    database: settings.database,
    replace: swap !== undefined,
    like: database,
    clock: context.clock,
    signal: context.signal,
  });
  shortfalls.push(...(await createMissingRoles(target.admin, database)));
  // Versions of extensions are told when they are created.
  shortfalls.push(...outlook.shortfalls.filter(({ object }) => object.startsWith('tablespace ')));
  const built = await buildDatabase(context, {
    connection: target.connection,
    place: { tablespaces: target.tablespaces },
    manifest,
    toc,
    selection,
    places: settings.jobs ?? context.lanes.count,
    withoutRows: schemaOnly,
    isolated: settings.isolated ?? false,
    ...(settings.withoutStatistics && { analyze: false as const }),
  });
  shortfalls.push(...built.shortfalls);
  for (const { object, reason } of selection.whole ? manifest.omitted : []) {
    shortfalls.push({ object, reason: `Not in the snapshot: ${reason}`, degrades: false });
  }
  const properties = await planProperties(target.admin, database, quoteIdentifier(target.connection.database));
  shortfalls.push(...properties.shortfalls);
  if (swap !== undefined) {
    const { connection } = target;
    await assertEqualToSnapshot(context, { connection, env: swap.env, maps }, settings.database, shortfalls);
  }
  const keptAs = await target.finish(properties.statements);
  return { totals: built.totals, shortfalls, ...(keptAs !== undefined && { keptAs }) };
}

function assertSwappable(whole: boolean): void {
  if (whole) return;
  throw new HoldfastError('usage', 'Only a whole database can take the place of another.', {
    hint: 'Leave out --table, --schema and --schema-only, or --swap.',
  });
}
