import type { Clock } from '../../base/clock.ts';
import { isoTime } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import { describeConnection } from './connection.ts';
import { quoteIdentifier, quoteLiteral } from './quote.ts';
import { sqlstateOf } from './server-errors.ts';
import { openSession, type Session } from './session.ts';

/**
 * Puts a restored database in the place of one that exists.
 *
 * Both renames are one transaction, so at every moment the name belongs to a whole database, whoever is killed. RENAME takes
 * the lock that every new session of the database has to pass, and then waits 5 s for the sessions in it to end; those are
 * ended meanwhile from another session of ours. So nobody can write to the old database between the end of their session
 * and the rename, and nothing (such as ALLOW_CONNECTIONS) is changed that a kill could leave behind.
 */

/** Bytes of a name. */
export const longestName = 63;
/** For how long sessions are ended and the rename tried again, in milliseconds. */
const patience = 60_000;
const objectInUse = '55006';
const applicationName = 'holdfast restore';

/** A database whose name a swap takes. */
export interface ReplacedDatabase {
  database: string;
  /** As pg_database_size tells it. */
  sizeBytes: number;
  /** Who is connected to it now. */
  sessions: { user: string; application: string; client: string; count: number }[];
  /** What else stays with it, one sentence each. */
  notes: string[];
}

/** @throws HoldfastError */
export async function databaseExists(admin: Session, name: string): Promise<boolean> {
  return (await admin.query('SELECT FROM pg_catalog.pg_database WHERE datname = $1', [name])).length > 0;
}

/**
 * What a swap would do to the database that has the name.
 *
 * @returns undefined when there is none
 * @throws HoldfastError `target-failed` for what would not survive it: prepared transactions, enabled subscriptions
 */
export async function inspectReplaced(admin: Session, name: string): Promise<ReplacedDatabase | undefined> {
  const what = `Could not look at the database ${JSON.stringify(name)}.`;
  const [row] = await admin.query<{
    oid: number;
    size: string;
    prepared: string[];
    subscriptions: { name: string; enabled: boolean }[];
    slots: { name: string; active: boolean }[];
  }>(
    `SELECT d.oid, pg_catalog.pg_database_size(d.oid)::text AS size,
            ARRAY(SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE database = d.datname) AS prepared,
            (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('name', subname, 'enabled', subenabled)
                             ORDER BY subname), '[]')
             FROM pg_catalog.pg_subscription WHERE subdbid = d.oid) AS subscriptions,
            (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('name', slot_name, 'active', active)
                             ORDER BY slot_name), '[]')
             FROM pg_catalog.pg_replication_slots WHERE datoid = d.oid) AS slots
     FROM pg_catalog.pg_database d WHERE d.datname = $1`,
    [name],
    what,
  );
  if (row === undefined) return undefined;
  assertReplaceable(admin, name, row);
  const sessions = await admin.query<ReplacedDatabase['sessions'][number]>(
    `SELECT coalesce(usename::text, '') AS user, coalesce(application_name, '') AS application,
            CASE WHEN backend_type <> 'client backend' THEN backend_type ELSE coalesce(host(client_addr), 'local') END AS client,
            pg_catalog.count(*)::pg_catalog.int4 AS count
     FROM pg_catalog.pg_stat_activity
     WHERE datid = $1 AND backend_type NOT IN ('autovacuum worker', 'parallel worker')
     GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3`,
    [row.oid],
    what,
  );
  const notes = [
    ...row.subscriptions.map((each) => `The subscription ${each.name} stays with it.`),
    ...row.slots.map(
      (each) =>
        `The replication slot ${each.name} stays with it${each.active ? '; whoever reads from it is cut off' : ''}.`,
    ),
  ];
  return { database: name, sizeBytes: Number(row.size), sessions, notes };
}

function assertReplaceable(
  admin: Session,
  name: string,
  { prepared, subscriptions }: { prepared: string[]; subscriptions: { name: string; enabled: boolean }[] },
): void {
  const what = `The database ${JSON.stringify(name)} cannot give up its name.`;
  if (admin.connection.database === name) {
    throw new HoldfastError('usage', what, {
      why: `The server is reached through it: ${describeConnection(admin.connection)}.`,
      hint: 'Name the server in a URL: --to postgres://user@host/name.',
    });
  }
  if (prepared.length > 0) {
    throw new HoldfastError('target-failed', what, {
      why: `It has prepared transactions: ${prepared.map((gid) => JSON.stringify(gid)).join(', ')}.`,
      hint: 'Finish them with COMMIT PREPARED or ROLLBACK PREPARED.',
    });
  }
  const enabled = subscriptions.filter((each) => each.enabled).map((each) => each.name);
  if (enabled.length > 0) {
    throw new HoldfastError('target-failed', what, {
      why: `Its subscription ${enabled.join(', ')} is enabled: rows would go on coming into the old database.`,
      hint: `In it: ALTER SUBSCRIPTION ${quoteIdentifier(enabled[0]!)} DISABLE`,
    });
  }
}

export interface Swap {
  /** The restored database; no session of ours is in it, and it lets nobody in. */
  from: string;
  /** The name it gets, which another database has. */
  to: string;
  /** Run in the same transaction. @param quotedName of the restored database */
  statements: (quotedName: string) => string[];
  clock: Clock;
  signal: AbortSignal;
}

/**
 * Renames both databases, after ending all sessions in them.
 *
 * @returns the name under which the old database is kept
 * @throws HoldfastError; then nothing is changed but that sessions may have been ended
 */
export async function swapNames(admin: Session, swap: Swap): Promise<string> {
  const { from, to, clock, signal } = swap;
  const deadline = clock.monotonic() + patience;
  await using ender = await openSession(admin.connection, { applicationName, signal, failure: 'target-failed' });
  for (;;) {
    await inspectReplaced(admin, to);
    const ids = await oidsOf(admin, [from, to]);
    const attempt = new AbortController();
    const ending = endSessions(ender, ids, clock, attempt.signal);
    try {
      return await renameBoth(admin, swap);
    } catch (error) {
      await admin.run('ROLLBACK').catch(() => {});
      if (sqlstateOf(error) !== objectInUse || clock.monotonic() > deadline || signal.aborted) throw error;
    } finally {
      attempt.abort();
      await ending;
    }
  }
}

async function renameBoth(admin: Session, { from, to, statements, clock }: Swap): Promise<string> {
  const what = `Could not put the restored database in the place of ${JSON.stringify(to)}.`;
  const now = isoTime(clock.now());
  const keptAs = await freeName(admin, to, now);
  const [kept, restored, final] = [keptAs, from, to].map(quoteIdentifier) as [string, string, string];
  await admin.run('BEGIN', what);
  for (const statement of statements(restored)) await admin.run(statement, what);
  await admin.run(`ALTER DATABASE ${final} RENAME TO ${kept}`, what);
  const [comment] = await admin.query(
    `SELECT FROM pg_catalog.pg_shdescription c JOIN pg_catalog.pg_database d ON d.oid = c.objoid
     WHERE c.classoid = 'pg_catalog.pg_database'::pg_catalog.regclass AND d.datname = $1`,
    [keptAs],
    what,
  );
  // Its own comment says more than ours; its name tells what it is, too.
  if (comment === undefined) {
    const text = `Was ${JSON.stringify(to)} until ${now}, when holdfast put a restored database in its place.`;
    await admin.run(`COMMENT ON DATABASE ${kept} IS ${quoteLiteral(text)}`, what);
  }
  await admin.run(`ALTER DATABASE ${restored} RENAME TO ${final}`, what);
  await admin.run('COMMIT', what);
  return keptAs;
}

/** `app_before_20261122T031500Z`, with a number when that is taken. */
async function freeName(admin: Session, name: string, now: string): Promise<string> {
  const time = `${now.slice(0, 19).replace(/[-:]/g, '')}Z`;
  for (let n = 1; ; n++) {
    const candidate = withSuffix(name, `_before_${time}${n === 1 ? '' : `_${n}`}`);
    if (!(await databaseExists(admin, candidate))) return candidate;
  }
}

/** `name`, cut to leave room for `suffix`, and that. */
export function withSuffix(name: string, suffix: string): string {
  let head = Buffer.from(name)
    .subarray(0, longestName - suffix.length)
    .toString();
  // A character cut in two has become a replacement character, which is longer.
  while (Buffer.byteLength(head) > longestName - suffix.length || !name.startsWith(head)) head = head.slice(0, -1);
  return head + suffix;
}

async function oidsOf(admin: Session, names: string[]): Promise<number[]> {
  const rows = await admin.query<{ oid: number }>('SELECT oid FROM pg_catalog.pg_database WHERE datname = ANY ($1)', [
    names,
  ]);
  return rows.map(({ oid }) => oid);
}

/** Ends sessions again and again until told to stop. By number: after the rename the name means the new database. */
async function endSessions(ender: Session, ids: number[], clock: Clock, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    try {
      await ender.query(
        `SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
         WHERE datid = ANY ($1) AND pid <> pg_catalog.pg_backend_pid() AND backend_type <> 'autovacuum worker'`,
        [ids],
      );
      await clock.sleep(100, stop);
    } catch {
      // Without it the rename fails, and says why.
      if (!stop.aborted && ender.lost) return;
      if (!stop.aborted) await clock.sleep(100, stop).catch(() => {});
    }
  }
}
