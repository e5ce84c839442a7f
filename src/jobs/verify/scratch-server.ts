/**
 * A scratch database on a server that somebody runs. It has a name that tells whose it is, is dropped at the end, and
 * whatever exists there is left as it is.
 */
import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { HoldfastError } from '../../base/errors.ts';
import type { Emit } from '../../base/events.ts';
import type { PostgresConnection } from '../../sources/postgres/connection.ts';
import { ownerLives, ownMark } from '../../sources/postgres/owner-mark.ts';
import { quoteIdentifier } from '../../sources/postgres/quote.ts';
import { openSession, type Session } from '../../sources/postgres/session.ts';
import type { OpenScratch, ScratchNeeds } from './scratch.ts';

const applicationName = 'holdfast verify';

/** Machine, process, start of the process, then chance; while it is filled a restore adds its own suffix. */
const namePattern =
  /^holdfast_verify_([0-9a-f]{6})_([0-9a-z]{1,6})_([0-9a-z]{1,10})_[0-9a-f]{3}(_holdfast_[0-9a-f]{12})?$/;

/** Tells machines apart in names that processes of several may see: 6 hex digits. */
export function machineOf(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 6);
}

/** A name of at most 41 bytes: a restore needs the rest of 63 for its suffix. */
async function scratchName(): Promise<string> {
  const { pid, startTime } = await ownMark('');
  const words = [machineOf(), pid.toString(36), Number(startTime || 0).toString(36), randomBytes(2).toString('hex')];
  return `holdfast_verify_${words.join('_').slice(0, -1)}`;
}

/** Scratch databases of this machine whose process is gone. Those that anybody is connected to stay. */
export async function removeLeakedDatabases(session: Session, emit: Emit): Promise<void> {
  const rows = await session.query<{ name: string }>(
    `SELECT d.datname::text AS name FROM pg_catalog.pg_database d
     WHERE d.datname LIKE 'holdfast\\_verify\\_%'
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid)`,
  );
  for (const { name } of rows) {
    const [, machine, pid, start] = namePattern.exec(name) ?? [];
    if (machine !== machineOf()) continue;
    const mark = {
      pid: Number.parseInt(pid!, 36),
      startTime: String(Number.parseInt(start!, 36)),
      socketDirectory: '',
    };
    if (await ownerLives(mark)) continue;
    await session.run(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)}`);
    emit({ type: 'note', text: `Removed what a killed run left behind: the database ${name}` });
  }
}

export interface ServerScratch extends OpenScratch {
  /** Roles that were there before. */
  readonly rolesBefore: ReadonlySet<string>;
  /** Roles that the restore makes where they are missing, to be told before it begins. */
  made: readonly string[];
}

/**
 * Looks at the server, and chooses a name there. The restore makes the database.
 *
 * @throws HoldfastError `usage` without a server, `target-failed` when it cannot be used
 */
export async function openServerScratch(needs: ScratchNeeds, emit: Emit): Promise<ServerScratch> {
  const { settings, signal } = needs;
  const { admin } = settings;
  if (admin === undefined) {
    throw new HoldfastError('usage', 'It is not said which server scratch databases are made on.', {
      hint: 'Name one: --scratch-url postgres://postgres@host/, or verify.scratch.url in the configuration.',
    });
  }
  await using session = await openSession(admin, { applicationName, failure: 'target-failed', signal });
  if (!session.superuser || session.inRecovery) {
    throw new HoldfastError('target-failed', `Scratch databases cannot be made on ${admin.host}:${admin.port}.`, {
      why: session.inRecovery ? 'It is a standby.' : 'The role is no superuser, and objects get owners of all kinds.',
      hint: 'Name a superuser of a server that is for tests, or use --scratch local.',
    });
  }
  await removeLeakedDatabases(session, emit);
  const rows = await session.query<{ name: string }>('SELECT rolname::text AS name FROM pg_catalog.pg_roles');
  const serverMajor = Math.floor(session.serverVersion / 10_000);
  return new Scratch(admin, await scratchName(), serverMajor, new Set(rows.map(({ name }) => name)), emit);
}

class Scratch implements ServerScratch {
  readonly report: OpenScratch['report'];
  readonly place: OpenScratch['place'];
  readonly notes = [];
  made: readonly string[] = [];
  readonly rolesBefore: ReadonlySet<string>;
  readonly #admin: PostgresConnection;
  readonly #database: string;
  readonly #emit: Emit;
  #isKept = false;

  constructor(
    admin: PostgresConnection,
    database: string,
    serverMajor: number,
    rolesBefore: ReadonlySet<string>,
    emit: Emit,
  ) {
    this.#admin = admin;
    this.#database = database;
    this.#emit = emit;
    this.rolesBefore = rolesBefore;
    this.report = { kind: 'server', version: String(serverMajor) };
    this.place = { kind: 'database', admin, connection: { ...admin, database }, serverMajor };
  }

  async keep(): Promise<void> {
    // A name that no later run takes for a leak.
    const kept = this.#database.replace(/^holdfast_verify_/, 'holdfast_kept_');
    await using session = await openSession(this.#admin, { applicationName, failure: 'target-failed' });
    await session.run(`ALTER DATABASE ${quoteIdentifier(this.#database)} RENAME TO ${quoteIdentifier(kept)}`);
    this.#isKept = true;
    const { host, port, user } = this.#admin;
    const query = `host=${encodeURIComponent(host)}&port=${port}`;
    this.report.kept = `postgres://${encodeURIComponent(user)}@/${kept}?${query}`;
    this.report.remove = `dropdb --force -h ${host} -p ${port} -U ${user} ${kept}`;
  }

  /** Roles that the restore made go with the database: on somebody's server a stray superuser is a way in. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isKept) return;
    try {
      await using session = await openSession(this.#admin, { applicationName, failure: 'target-failed' });
      await session.run(`DROP DATABASE IF EXISTS ${quoteIdentifier(this.#database)} WITH (FORCE)`);
      for (const role of await this.#rolesMade(session)) await session.run(`DROP ROLE ${quoteIdentifier(role)}`);
    } catch (error) {
      const why = error instanceof HoldfastError ? [error.message, error.why].filter(Boolean).join(' ') : '';
      this.#emit({
        type: 'warning',
        text: `The scratch database ${this.#database}, or roles that were made for it, may be left: ${why}`,
        hint: 'Drop them by hand; the next run drops the database.',
      });
    }
  }

  async #rolesMade(session: Session): Promise<string[]> {
    const mine = this.made.filter((name) => !this.rolesBefore.has(name));
    const rows = await session.query<{ name: string }>(
      `SELECT rolname::text AS name FROM pg_catalog.pg_roles r WHERE rolname = ANY ($1)
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_shdepend d
                         WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND d.refobjid = r.oid)`,
      [mine],
    );
    return rows.map(({ name }) => name);
  }
}
