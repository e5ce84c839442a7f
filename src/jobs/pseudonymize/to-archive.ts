/** A pseudonymized copy as an archive that pg_restore or psql takes: built in a private cluster, dumped, and named when it is whole. */
import { HoldfastError } from '../../base/errors.ts';
import { checkRecipients } from '../../crypt/sealed-stream.ts';
import { tableName } from '../../pseudonyms/discovery-catalog.ts';
import type { Lock } from '../../pseudonyms/lock.ts';
import { findDump } from '../../sources/postgres/dump-archive.ts';
import { openSession, type Session } from '../../sources/postgres/session.ts';
import type { Shortfall } from '../../sources/source.ts';
import type { ScratchSettings } from '../verify/scratch.ts';
import { clusterBytes } from '../verify/scratch-room.ts';
import { type ArchiveFormat, dumpCopy, type Written } from './archive-dump.ts';
import { claimArchive } from './archive-place.ts';
import { readLock } from './classify.ts';
import { copyDatabase } from './copy-database.ts';
import type { CopyReport, CopySettings } from './copy-settings.ts';
import { assertFileRoom, assertLocal, openPrivateCluster } from './scratch-place.ts';

export interface ArchiveWish {
  /** Absolute path; its directory exists. */
  file: string;
  format: ArchiveFormat;
  /** `age1…`: it is sealed to all of them, and nobody else opens it. */
  recipients?: readonly string[] | undefined;
  /** Whether an archive that has the name gives it up once the new one is whole. */
  overwrite?: boolean | undefined;
  /** Name of the database in it, for `pg_restore --create`; default: the source's, and `_copy`. */
  database?: string | undefined;
  /** Where the cluster is made in which the copy is built. */
  scratch: ScratchSettings;
  /** Bytes that the scratch may be expected to take; undefined: what is free. */
  scratchLimit?: number | undefined;
}

/** What was written is told only of a copy that was published. */
export interface ArchiveReport extends CopyReport, Partial<Written> {
  file: string;
  format: ArchiveFormat;
  encrypted: boolean;
}

const applicationName = 'holdfast pseudonymize';

/**
 * Copies a database into an archive. What stands under the name was copied, looked at and written in full.
 *
 * @throws HoldfastError as `copyDatabase`; `usage` for what does not go together, `wrong-key` for what is no recipient,
 *   `target-exists`, `target-failed` also without room, `tool-missing`; then nothing of the archive is left
 */
export async function copyToArchive(settings: Omit<CopySettings, 'target'>, wish: ArchiveWish): Promise<ArchiveReport> {
  const { clock, emit, signal, env, jobs } = settings;
  const { file, format, recipients = [], overwrite = false, scratch, scratchLimit } = wish;
  const started = clock.monotonic();
  assertFits(wish);
  const { serverVersion, encoding, needs } = await lookAt(settings);
  await using place = await claimArchive(
    { file, kind: format === 'directory' ? 'directory' : 'file', overwrite },
    emit,
  );
  const rate = format === 'plain-sql' ? leastOfText : leastCompressed;
  await assertFileRoom(file, needs.rows * rate, { directory: scratch.directory, needed: needs.scratch });
  const database = nameOf(wish, settings);
  // Archives name the owner of everything; this one exists on most servers.
  const cluster = { serverVersion, encoding, superuser: 'postgres', database };
  await using built = await openPrivateCluster(
    { scratch, scratchLimit, env, clock, emit, signal },
    cluster,
    needs.scratch,
  );
  const { admin, connection, serverMajor } = built.place;
  const sameMajor = serverMajor === Math.floor(serverVersion / 10_000);
  const program = await findDump(serverMajor * 10_000, env, sameMajor ? settings.pgDump : undefined);
  const report = await copyDatabase({ ...settings, target: { admin, database, replace: false } });
  const archive = {
    file,
    format,
    encrypted: recipients.length > 0,
    shortfalls: [...report.shortfalls.map(elsewhere), ...(sameMajor ? [] : [newerMajor(serverVersion, serverMajor)])],
  };
  // Something of the originals was found in it, and it is gone already.
  if (!report.published) return { ...report, ...archive, durationMs: clock.monotonic() - started };
  emit({ type: 'step', text: `Writing ${file}` });
  const { partial } = place;
  const written = await dumpCopy({ connection, program, format, recipients, partial, file, jobs, env, signal });
  await place.publish();
  return { ...report, ...written, ...archive, durationMs: clock.monotonic() - started };
}

/** @throws HoldfastError `usage`, `wrong-key` */
function assertFits({ format, recipients, scratch }: ArchiveWish): void {
  assertLocal(scratch);
  if (recipients === undefined) return;
  checkRecipients(recipients);
  if (format !== 'directory') return;
  throw new HoldfastError('usage', 'A directory cannot be encrypted.', {
    why: 'An age file is one file.',
    hint: 'Use the format custom, which pg_restore reads as well.',
  });
}

/** The private cluster got the roles that policies name; whoever restores the archive has them to make. */
function elsewhere(shortfall: Shortfall): Shortfall {
  if (!shortfall.object.startsWith('role ')) return shortfall;
  return { ...shortfall, reason: 'A policy is for it: the server that the archive is restored to needs it.' };
}

function newerMajor(serverVersion: number, major: number): Shortfall {
  const source = Math.floor(serverVersion / 10_000);
  const reason = `It was made by PostgreSQL ${major}, since ${source} is not installed here: an older server may refuse it.`;
  return { object: 'archive', reason, degrades: true };
}

/** At most 50 bytes: while it is filled, the copy has a suffix. */
function nameOf({ database }: ArchiveWish, { source }: Pick<CopySettings, 'source'>): string {
  return database ?? `${source.replace(/[^A-Za-z0-9_]/g, '_').slice(0, 45)}_copy`;
}

/** Least share of the size of tables that their rows take in an archive; what compresses better is rare. */
const leastCompressed = 0.05;
const leastOfText = 0.3;
/** Pseudonyms may be longer than what they stand for; indexes are sorted on disk. */
const scratchFactor = 1.3;

interface Look {
  serverVersion: number;
  encoding: string;
  /** Bytes: of the tables whose rows are copied, and that the copy takes in a cluster. */
  needs: { rows: number; scratch: number };
}

async function lookAt(settings: Omit<CopySettings, 'target'>): Promise<Look> {
  const { connection, signal } = settings;
  const emptied = emptiedBy(await readLock(settings));
  await using session = await openSession(connection, { applicationName, signal });
  const { serverVersion, encoding } = session;
  const { rows, indexes } = await sizesOf(session, emptied);
  return { serverVersion, encoding, needs: { rows, scratch: clusterBytes + (rows + indexes) * scratchFactor } };
}

/** Tables whose rows are left out. */
function emptiedBy({ tables }: Lock): Set<string> {
  const emptied = [...tables].filter(([, columns]) =>
    [...columns.values()].every(({ rule }) => rule.kind === 'truncate'),
  );
  return new Set(emptied.map(([name]) => name));
}

/** Bytes, but for tables of which nothing is copied; partitions count with their root. */
async function sizesOf(session: Session, emptied: ReadonlySet<string>): Promise<{ rows: number; indexes: number }> {
  const found = await session.query<{ schema: string; name: string; size: string; indexes: string }>(
    `SELECT n.nspname::text AS schema, root.relname::text AS name,
            pg_catalog.sum(coalesce(pg_catalog.pg_table_size(c.oid), 0))::text AS size,
            pg_catalog.sum(coalesce(pg_catalog.pg_indexes_size(c.oid), 0))::text AS indexes
     FROM pg_catalog.pg_class c
     JOIN pg_catalog.pg_class root ON root.oid = coalesce(pg_catalog.pg_partition_root(c.oid)::pg_catalog.oid, c.oid)
     JOIN pg_catalog.pg_namespace n ON n.oid = root.relnamespace
     WHERE c.relkind IN ('r', 'm') AND c.oid >= 16384 AND c.relpersistence <> 't'
     GROUP BY n.nspname, root.relname`,
    [],
    'Could not tell how large the tables are.',
  );
  const wanted = found.filter((table) => !emptied.has(tableName(table)));
  const sum = (of: 'size' | 'indexes') => wanted.reduce((total, table) => total + Number(table[of]), 0);
  return { rows: sum('size'), indexes: sum('indexes') };
}
