import type { Clock } from '../../base/clock.ts';
import { formatBytes, formatCount } from '../../base/units.ts';
import { planBackup } from '../../sources/postgres/backup-plan.ts';
import { clientPrograms, findBinaries } from '../../sources/postgres/binaries.ts';
import { readRelations } from '../../sources/postgres/catalog-relations.ts';
import { findDump } from '../../sources/postgres/dump-archive.ts';
import { assertReadable, examineServer, type Findings as ServerFindings } from '../../sources/postgres/preflight.ts';
import { assertLockRoom, locksNeeded } from '../../sources/postgres/preflight-locks.ts';
import { openSession, type Session } from '../../sources/postgres/session.ts';
import { TablePatterns } from '../../sources/postgres/table-patterns.ts';
import type { Environment, PostgresGlobalsSettings, PostgresSettings } from '../source-settings.ts';
import { judgeClock } from './clocks.ts';
import { examine, type Finding, type Findings } from './finding.ts';

export interface PostgresSurroundings {
  environment: Environment;
  clock: Clock;
  signal: AbortSignal;
}

export interface Examined {
  findings: Finding[];
  /** Bytes that a backup reads; undefined when that could not be found out. */
  size?: number;
}

/** Everything a backup does before it reads rows, each step by itself. */
export async function examinePostgres(settings: PostgresSettings, around: PostgresSurroundings): Promise<Examined> {
  const { name, connection, excludeTables } = settings;
  return inSession(name, connection, around, async (session, step) => {
    let [size, version] = [0, ''];
    await step(async (findings) => {
      const [row] = await session.query<{ size: string; version: string }>(
        `SELECT pg_database_size(current_database())::text AS size, current_setting('server_version') AS version`,
      );
      [size, version] = [Number(row!.size), row!.version];
      findings.ok(`Logged in: PostgreSQL ${version}, ${formatBytes(size)}.`);
    });
    await step(async (findings) => {
      const dump = await findDump(session.serverVersion, around.environment);
      const major = Math.floor(session.serverVersion / 10_000);
      findings.ok(`${dump.version} will dump the schema${dump.major > major ? '; it is newer than the server' : ''}.`);
    });
    await step(async (findings) => {
      const { version: restore } = await findBinaries({
        programs: clientPrograms,
        path: around.environment.PATH,
        oldest: Math.floor(session.serverVersion / 10_000),
      });
      findings.ok(`pg_restore ${restore} can restore it.`);
    });
    let server: ServerFindings | undefined;
    await step(async (findings) => {
      server = await examineServer(session);
      for (const text of server.notes) findings.ok(text);
      for (const { text, hint } of server.warnings) findings.warn(text, { hint });
      for (const { object, reason, degrades } of server.shortfalls) {
        if (degrades) findings.warn(`${object}: ${reason}`, { why: 'Backups without it count as partly done.' });
        else findings.ok(`Not carried: ${object}. ${reason}`);
      }
    });
    await step((findings) => examineExtensions(session, findings));
    const relations = await readRelations(session);
    const patterns = new TablePatterns(excludeTables);
    await step((findings) => {
      const plan = planBackup(relations, patterns, session.inRecovery);
      for (const pattern of settings.sharedExcludes ? [] : patterns.unused()) {
        findings.warn(`exclude.tables: ${pattern} fits no table.`, { hint: 'Mend it, or take it out.' });
      }
      assertReadable(session, [...plan.tables.map(({ relation }) => relation), ...plan.roots, ...plan.sequences]);
      findings.ok(`All ${formatCount(plan.tables.length)} tables can be read whole.`);
    });
    const { locks } = server ?? {};
    if (locks) {
      await step((findings) => {
        const warning = assertLockRoom(session, relations, locks);
        if (warning) findings.warn(warning);
        else
          findings.ok(
            `The backup takes ${formatCount(locksNeeded(relations, locks))} of ${formatCount(locks.total)} locks.`,
          );
      });
    }
    return size;
  });
}

/** @returns no size: what a cluster holds beside its databases is small */
export async function examineGlobals(
  settings: PostgresGlobalsSettings,
  around: PostgresSurroundings,
): Promise<Examined> {
  return inSession(settings.name, settings.connection, around, async (session, step) => {
    await step(async (findings) => {
      findings.ok('Logged in.');
      if (!settings.passwords) return;
      const [row] = await session.query<{ may: boolean }>(
        `SELECT has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS may`,
      );
      if (row!.may) findings.ok('Passwords of roles can be read.');
      else {
        findings.problem('This role may not read the passwords of roles.', {
          why: 'Only superusers see pg_authid.',
          hint: 'Connect as a superuser, or set passwords: false.',
        });
      }
    });
    return undefined;
  });
}

type Step = (check: (findings: Findings) => Promise<void> | void) => Promise<void>;

async function inSession(
  name: string,
  connection: PostgresSettings['connection'],
  { clock, signal }: PostgresSurroundings,
  work: (session: Session, step: Step) => Promise<number | undefined>,
): Promise<Examined> {
  const list: Finding[] = [];
  let size: number | undefined;
  const whole = await examine(
    'sources',
    name,
    async () => {
      await using session = await openSession(connection, { applicationName: 'holdfast doctor', signal });
      list.push(...(await examine('clocks', name, (findings) => examineClock(session, clock, findings), signal)));
      size = await work(session, async (check) => {
        list.push(...(await examine('sources', name, check, signal)));
      });
    },
    signal,
  );
  return { findings: [...list, ...whole], ...(size !== undefined && { size }) };
}

async function examineClock(session: Session, clock: Clock, findings: Findings): Promise<void> {
  const before = clock.now();
  const [row] = await session.query<{ now: number }>(
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now',
  );
  judgeClock(findings, 'the database server', row!.now, (before + clock.now()) / 2);
}

/** A restore creates the version that there is, which the server may have forgotten since its packages were upgraded. */
async function examineExtensions(session: Session, findings: Findings): Promise<void> {
  const rows = await session.query<{ name: string; version: string; there: boolean }>(
    `SELECT e.extname::text AS name, e.extversion AS version, EXISTS (
       SELECT FROM pg_available_extension_versions v WHERE v.name = e.extname AND v.version = e.extversion) AS there
     FROM pg_extension e ORDER BY 1`,
  );
  const gone = rows.filter(({ there }) => !there).map(({ name, version }) => `${name} ${version}`);
  if (gone.length === 0) {
    findings.ok(
      `Extensions can be created again: ${rows.map(({ name, version }) => `${name} ${version}`).join(', ') || 'none'}.`,
    );
  } else {
    findings.warn(`Extensions that this server can no longer create: ${gone.join(', ')}.`, {
      why: 'A restore to it makes them in the version that the snapshot has.',
      hint: 'ALTER EXTENSION … UPDATE, or restore where that version is installed.',
    });
  }
}
