/** A scratch cluster of this machine's own PostgreSQL: reached through a socket only, by nobody else, thrown away. */
import { chown, mkdir } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import { GiB, MiB } from '../../base/units.ts';
import { listBinaries, type PostgresBinaries, serverPrograms } from '../../sources/postgres/binaries.ts';
import type { PostgresConnection } from '../../sources/postgres/connection.ts';
import { openSession } from '../../sources/postgres/session.ts';
import { startThrowaway, type Throwaway } from '../../sources/postgres/throwaway.ts';
import { unprivilegedAccount } from '../../sources/postgres/unprivileged.ts';
import type { Check } from '../../sources/source.ts';
import type { OpenScratch, ScratchNeeds } from './scratch.ts';
import { clusterPath, prepareScratchParent } from './scratch-directory.ts';
import { embeddedBinaries } from './scratch-embedded.ts';

export interface ClusterWish {
  /** `server_version_num` of the source. */
  serverVersion: number;
  encoding: string;
  /** Name of the source's first superuser, so that what belongs to it belongs to it here. */
  superuser: string;
  /** Name of the database that the snapshot is restored into. */
  database: string;
}

/** @throws HoldfastError `tool-missing`, `could-not-verify`, `target-failed` */
export async function openClusterScratch(needs: ScratchNeeds, wish: ClusterWish): Promise<OpenScratch> {
  const { settings, env, clock, signal } = needs;
  const wanted = Math.floor(wish.serverVersion / 10_000);
  const binaries = await fittingBinaries(needs, wanted);
  await prepareScratchParent(settings.directory);
  signal.throwIfAborted();
  const cluster = await startThrowaway({
    directory: clusterPath(settings.directory),
    environment: env,
    binaries,
    // Databases bring their own locale; with the encoding of this one it can be tried out beforehand.
    encoding: wish.encoding,
    locale: 'C',
    superuser: wish.superuser,
    settings: quickSettings(totalmem()),
    unprivilegedUser: settings.user,
    clock,
  });
  try {
    await compressQuickly(cluster.connection, signal);
  } catch (error) {
    await cluster.remove();
    throw error;
  }
  const { version, major } = binaries;
  const notes: Check[] = [];
  if (major !== wanted) {
    notes.push({
      kind: 'version',
      object: `PostgreSQL ${version}`,
      verdict: 'could-not-compare',
      detail: `The source runs PostgreSQL ${wanted}, which is not installed here: that it can be restored there was not tried.`,
    });
  }
  return new ClusterScratch(cluster, { kind: settings.kind === 'embedded' ? 'embedded' : 'local', version }, notes, {
    major,
    database: wish.database,
    user: settings.user,
  });
}

/**
 * Long values are compressed as they are loaded: with lz4, where the server was built with it, as pglz takes
 * several times as long. A column that names its own compression keeps it; how values are compressed shows in no dump of them.
 */
async function compressQuickly(connection: PostgresConnection, signal: AbortSignal): Promise<void> {
  await using session = await openSession(connection, {
    applicationName: 'holdfast verify',
    failure: 'target-failed',
    signal,
  });
  // Given at the start, it would keep a server from starting that knows nothing of it.
  const [known] = await session.query(
    `SELECT FROM pg_catalog.pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)`,
  );
  if (known === undefined) return;
  await session.query(`ALTER SYSTEM SET default_toast_compression = 'lz4'`);
  await session.query('SELECT pg_catalog.pg_reload_conf()');
}

class ClusterScratch implements OpenScratch {
  readonly report: OpenScratch['report'];
  readonly place: OpenScratch['place'];
  readonly notes: readonly Check[];
  readonly #cluster: Throwaway;

  constructor(
    cluster: Throwaway,
    report: OpenScratch['report'],
    notes: readonly Check[],
    { major, database, user }: { major: number; database: string; user: string | undefined },
  ) {
    this.#cluster = cluster;
    this.report = report;
    this.notes = notes;
    const admin: PostgresConnection = { ...cluster.connection };
    let spaces = 0;
    this.place = {
      kind: 'database',
      admin,
      connection: { ...admin, database },
      serverMajor: major,
      binaries: cluster.binaries.directory,
      tablespaces: async () => {
        const account = await unprivilegedAccount(user);
        const path = join(cluster.directory, `tablespace-${++spaces}`);
        await mkdir(path, { mode: 0o700 });
        if (account) await chown(path, account.uid, account.gid);
        return path;
      },
    };
  }

  async keep(): Promise<void> {
    await this.#cluster.keep();
    const { host, port, user } = this.#cluster.connection;
    const { connection } = this.place as Extract<OpenScratch['place'], { kind: 'database' }>;
    const query = `host=${encodeURIComponent(host)}&port=${port}`;
    this.report.kept = `postgres://${encodeURIComponent(user)}@/${encodeURIComponent(connection.database)}?${query}`;
    const { pid, directory } = this.#cluster;
    // Until it has ended it writes; a process that is gone for long left the file behind.
    const ended = `timeout 60 sh -c 'while [ -e ${join(directory, 'data', 'postmaster.pid')} ]; do sleep 0.1; done'`;
    this.report.remove = `kill -INT ${pid} && ${ended}; rm -rf ${directory} ${host}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster[Symbol.asyncDispose]();
  }
}

/** Of the source's own major, else of the next newer one: an older server does not know all that a newer one can hold. */
async function fittingBinaries({ settings, env }: ScratchNeeds, wanted: number): Promise<PostgresBinaries> {
  if (settings.kind === 'embedded') return embeddedBinaries(wanted);
  const { binaries: only } = settings;
  const search = { programs: serverPrograms, path: only ?? env.PATH };
  const all = await listBinaries(only === undefined ? search : { ...search, debianDirectory: only });
  const fitting = all.filter(({ major }) => major >= wanted);
  const nearest = fitting.reduce((major, one) => Math.min(major, one.major), Number.POSITIVE_INFINITY);
  const found = fitting.find(({ major }) => major === nearest);
  if (found) return found;
  throw new HoldfastError('tool-missing', `There is no PostgreSQL ${wanted} or newer for a scratch cluster.`, {
    why: all.length === 0 ? `No server was found${only ? ` in ${only}` : ''}.` : `Found only ${versionsOf(all)}.`,
    hint: `Run as root: apt-get install --no-install-recommends postgresql-${wanted}; or use a server: --scratch server.`,
  });
}

function versionsOf(all: readonly PostgresBinaries[]): string {
  return [...new Set(all.map(({ version }) => version))].join(', ');
}

/**
 * What makes loading rows and building indexes quick, by the memory of the machine: a quarter of it for the cache, up to a
 * gigabyte, since everything is read back from the system's cache at once.
 */
export function quickSettings(memory: number): Record<string, string | number> {
  const between = (least: number, bytes: number, most: number) =>
    `${Math.floor(Math.min(most, Math.max(least, bytes)) / MiB)}MB`;
  return {
    shared_buffers: between(128 * MiB, memory / 4, GiB),
    maintenance_work_mem: between(64 * MiB, memory / 16, 512 * MiB),
    work_mem: between(4 * MiB, memory / 128, 64 * MiB),
    // Dumping the schema locks every table.
    max_locks_per_transaction: 1024,
    // Nor need what was made here be read after a crash: pages are written once, and none of them to the log.
    wal_skip_threshold: 0,
    wal_init_zero: 'off',
    wal_recycle: 'off',
  };
}
