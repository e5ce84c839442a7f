/** A snapshot as the source of a copy: restored in full into a private cluster, which is gone afterwards. */
import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import type { HoldfastEvent } from '../../base/events.ts';
import { accessAt, type RepositoryAccess, sitesOf, withEmit } from '../../repository/access.ts';
import { isSiteFailure } from '../../repository/run-sites.ts';
import type { Site } from '../../sites/site.ts';
import type { PostgresConnection } from '../../sources/postgres/connection.ts';
import type { Environment } from '../../sources/postgres/dump-archive.ts';
import { readManifest } from '../../sources/postgres/manifest-read.ts';
import { restorePostgres } from '../../sources/postgres/restore.ts';
import type { RestoreContext, Shortfall } from '../../sources/source.ts';
import { openReader, withReading } from '../restore.ts';
import { type FoundSnapshot, findSnapshot } from '../snapshots.ts';
import { bootstrapOf } from '../verify/bootstrap-role.ts';
import { prepareServer } from '../verify/prove-database.ts';
import type { ScratchSettings } from '../verify/scratch.ts';
import { databaseBytes } from '../verify/scratch-room.ts';
import { assertLocal, openPrivateCluster, type PrivateCluster } from './scratch-place.ts';

export interface SnapshotRequest {
  /** `app`, `app@latest`, `app@2026-11-22`, `app@<id>`. */
  address: string;
  /** Name of the one site to read from; by default any that has the snapshot, the newest of all where a day is named. */
  site?: string | undefined;
  scratch: ScratchSettings;
  /** Bytes that the scratch may be expected to take; undefined: what is free. */
  scratchLimit?: number | undefined;
  /** Lanes of the restore; the number of cores unless given. */
  jobs?: number | undefined;
  env: Environment;
}

export interface SnapshotInfo {
  source: string;
  snapshotId: string;
  /** ISO 8601. */
  takenAt: string;
  /** Name of the site that it was read from. */
  site: string;
  /** What the restored database lacks of the source: what the snapshot did not carry, and what could not be restored. */
  shortfalls: Shortfall[];
}

/** One site that shows the snapshot. */
interface Holder extends FoundSnapshot {
  site: Site;
  access: RepositoryAccess;
}

/**
 * Restores a snapshot in full into a cluster of this machine that nobody else reaches, and removes it once `work` has
 * ended, however it ends. Every chunk is held against its id. A site that fails, or holds damage, gives way to the next.
 *
 * @param access with the identity of an owner
 * @param work gets a connection as a superuser; nothing in the database may refer to its name, which is arbitrary
 * @throws HoldfastError `usage` for an address that names no database, a site that is none of ours, a scratch on a server;
 *   `not-found`, `rollback`, `wrong-key`; `target-failed` naming what the cluster lacks, or that there is no room;
 *   `tool-missing`; of the last site: `site-unavailable`, `object-missing`, `object-damaged`, `not-trusted`; what `work` throws
 */
export async function withSnapshotDatabase<T>(
  access: RepositoryAccess,
  request: SnapshotRequest,
  work: (connection: PostgresConnection, info: SnapshotInfo) => Promise<T>,
): Promise<T> {
  assertLocal(request.scratch);
  const holders = await findHolders(access, request);
  await using restored = await restoreFromAny(holders, request);
  return await work(restored.cluster.place.connection, restored.info);
}

/** The sites that show the snapshot, in the order of the access; where sites differ, those with the newest that fits. */
async function findHolders(access: RepositoryAccess, { address, site: named }: SnapshotRequest): Promise<Holder[]> {
  const { live, all } = sitesOf(access);
  const sites = named === undefined ? (live.length > 0 ? live : all) : all.filter(({ name }) => name === named);
  if (named !== undefined && sites.length === 0) {
    throw new HoldfastError('usage', `There is no site ${JSON.stringify(named)}.`, {
      hint: `Its sites: ${all.map(({ name }) => name).join(', ')}.`,
    });
  }
  const quiet = withEmit(access, onceEach(access));
  const found: Holder[] = [];
  let failure: { error: unknown } | undefined;
  for (const site of sites) {
    const at = accessAt(quiet, site);
    try {
      found.push({ ...(await findSnapshot(at, address)), site, access: at });
    } catch (error) {
      access.signal.throwIfAborted();
      if (!isOfSite(error) && !isHoldfastError(error, 'not-found', 'rollback')) throw error;
      if (isOfSite(error)) {
        quiet.emit({ type: 'warning', text: `The snapshot was not looked for at ${site.name}: ${error.message}` });
      }
      // That it is nowhere says less than why a site could not tell.
      if (failure === undefined || isHoldfastError(failure.error, 'not-found')) failure = { error };
    }
  }
  const newest = Math.max(...found.map(({ snapshot }) => snapshot.sequence));
  const [first, ...others] = found.filter(({ snapshot }) => snapshot.sequence === newest);
  if (first === undefined) throw failure!.error;
  const { type, name } = first.snapshot;
  if (type !== 'postgres') {
    throw new HoldfastError('usage', `The source ${name} is no PostgreSQL database.`, {
      why: `The snapshot is of the type ${type}.`,
      hint: 'Name a snapshot of a database.',
    });
  }
  return [first, ...others.filter(({ snapshot }) => snapshot.id === first.snapshot.id)];
}

/** Each site would tell the same of the source. */
function onceEach({ emit }: RepositoryAccess): (event: HoldfastEvent) => void {
  const told = new Set<string>();
  return (event) => {
    if (event.type === 'note' || event.type === 'warning') {
      if (told.has(event.text)) return;
      told.add(event.text);
    }
    emit(event);
  };
}

/** Whether another site may still do. */
function isOfSite(error: unknown): error is HoldfastError {
  return isSiteFailure(error) || isHoldfastError(error, 'object-missing', 'object-damaged', 'not-trusted');
}

interface Restored extends AsyncDisposable {
  cluster: PrivateCluster;
  info: SnapshotInfo;
}

async function restoreFromAny(holders: readonly Holder[], request: SnapshotRequest): Promise<Restored> {
  for (const [index, holder] of holders.entries()) {
    const { emit, signal } = holder.access;
    try {
      return await restoreFrom(holder, request);
    } catch (error) {
      signal.throwIfAborted();
      const next = holders[index + 1];
      if (next === undefined || !isOfSite(error)) throw error;
      const text = `The snapshot could not be read from ${holder.site.name}, and is read from ${next.site.name}: ${error.message}`;
      emit({ type: 'warning', source: holder.snapshot.name, text });
    }
  }
  throw new HoldfastError('internal', 'There was no site to restore from.');
}

async function restoreFrom(holder: Holder, request: SnapshotRequest): Promise<Restored> {
  const { access, snapshot, site } = holder;
  const reader = await openReader(access, holder);
  access.emit({ type: 'step', text: `Restoring the snapshot of ${snapshot.time} from ${site.name} into a scratch` });
  // Its lanes end with the restore: those of the copy need the memory.
  return await withReading(access, reader, request.jobs, async (context) => {
    const manifest = await readManifest(context.lines());
    const { database } = manifest;
    const { clock, emit, signal } = access;
    const cluster = await openPrivateCluster(
      { ...request, clock, emit, signal },
      {
        serverVersion: database.serverVersion,
        encoding: database.encoding,
        superuser: bootstrapOf(database),
        database: 'restored',
      },
      databaseBytes(manifest),
    );
    try {
      const shortfalls = [...snapshot.shortfalls, ...(await restoreInto(cluster, context, { database }, request))];
      const { name: source, id: snapshotId, time: takenAt } = snapshot;
      return {
        cluster,
        info: { source, snapshotId, takenAt, site: site.name, shortfalls },
        [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
      };
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  });
}

async function restoreInto(
  { place, notes }: PrivateCluster,
  context: RestoreContext,
  manifest: Parameters<typeof prepareServer>[1],
  { jobs }: SnapshotRequest,
): Promise<Shortfall[]> {
  const { signal } = context;
  const spaces = await prepareServer(place, manifest, { signal, exact: false });
  // With the planner's statistics: how many rows a table has decides what may be unique.
  const { shortfalls } = await restorePostgres(context, {
    admin: place.admin,
    database: place.connection.database,
    tables: [],
    schemas: [],
    jobs,
    isolated: true,
    maps: { tablespaces: spaces.lacking },
  });
  return [
    ...shortfalls,
    ...notes.map(({ object, detail }) => ({ object, reason: detail ?? 'It differs.', degrades: false })),
  ];
}
