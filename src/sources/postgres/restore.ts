import type { RestoreContext, Shortfall } from '../source.ts';
import { type PartWanted, selectEntries } from './archive-selection.ts';
import { readToc } from './archive-toc.ts';
import type { PostgresConnection } from './connection.ts';
import { planProperties } from './database-properties.ts';
import { readManifest } from './manifest-read.ts';
import { quoteIdentifier } from './quote.ts';
import { buildDatabase } from './restore-build.ts';
import { createMissingRoles } from './restore-roles.ts';
import { createTarget } from './restore-target.ts';

export interface PostgresRestoreSettings extends PartWanted {
  /** To the server, through any database that exists; a superuser, since objects get owners of all kinds. */
  admin: PostgresConnection;
  /** Name of the database to make; must not exist. */
  database: string;
  /** How many things are done at the same time; default: one for each lane. */
  jobs?: number | undefined;
  /** Leaves out subscriptions and user mappings: for a scratch or pre-production database. */
  isolated?: boolean | undefined;
}

export interface RestoreOutcome {
  /** `tables`, `rows`, `bytes`, `sequences`, `largeObjects` */
  totals: Record<string, number>;
  shortfalls: Shortfall[];
}

/**
 * Restores a database, or a part of one, under a new name. The name appears when everything is there.
 *
 * @throws HoldfastError `target-exists`, `not-found` for a table or schema, `target-failed` naming what the server
 *   refused, and what reading the repository throws; then nothing is left but roles that were missing
 */
export async function restorePostgres(
  context: RestoreContext,
  settings: PostgresRestoreSettings,
): Promise<RestoreOutcome> {
  const manifest = await readManifest(context.lines());
  const { database } = manifest;
  const toc = readToc(await context.reader.whole(manifest.archive.stream));
  const selection = selectEntries(toc, database, settings);
  const shortfalls: Shortfall[] = selection.leftOut.map((left) => ({ ...left, degrades: false }));
  await using target = await createTarget({
    admin: settings.admin,
    database: settings.database,
    like: database,
    clock: context.clock,
    signal: context.signal,
  });
  shortfalls.push(...(await createMissingRoles(target.admin, database)));
  for (const { name } of database.tablespaces) {
    if (target.tablespaces.has(name)) continue;
    const reason = 'The server has no such tablespace; what lay in it is in the default one.';
    shortfalls.push({ object: `tablespace ${name}`, reason, degrades: true });
  }
  const built = await buildDatabase(context, {
    connection: target.connection,
    place: { tablespaces: target.tablespaces },
    manifest,
    toc,
    selection,
    places: settings.jobs ?? context.lanes.count,
    isolated: settings.isolated ?? false,
  });
  shortfalls.push(...built.shortfalls);
  for (const { object, reason } of selection.whole ? manifest.omitted : []) {
    shortfalls.push({ object, reason: `Not in the snapshot: ${reason}`, degrades: false });
  }
  const properties = await planProperties(target.admin, database, quoteIdentifier(target.connection.database));
  shortfalls.push(...properties.shortfalls);
  await target.finish(properties.statements);
  return { totals: built.totals, shortfalls };
}
