import { HoldfastError } from '../../base/errors.ts';
import type { PostgresConnection } from '../postgres/connection.ts';
import { quietSettings } from '../postgres/quiet-settings.ts';
import { quoteLiteral } from '../postgres/quote.ts';
import { serverSaid, sqlstateOf } from '../postgres/server-errors.ts';
import { openSession, type Session } from '../postgres/session.ts';
import type { RestoreContext, Shortfall } from '../source.ts';
import { differencesOf } from './differences.ts';
import type { Globals, Tablespace } from './globals.ts';
import { readStoredGlobals } from './manifest.ts';
import { type GlobalsPlan, planGlobals, type Step } from './plan.ts';
import { databaseNames, readGlobals } from './read.ts';
import { createTablespaceStatement, tablespaceStatements } from './statements.ts';

export interface RestoreGlobalsSettings {
  /** To any database of the cluster, as a superuser. */
  connection: PostgresConnection;
  /** Directories of tablespaces, by name; others go where they were. */
  tablespaceMap?: ReadonlyMap<string, string> | undefined;
}

/**
 * Makes in a cluster what it lacks of the snapshot. Nothing that exists is changed; what differs at the end is named.
 * Everything but tablespaces is made in one transaction.
 *
 * Totals: how many `roles`, `memberships`, `settings`, `parameters`, `comments`, `labels` and `tablespaces` were made.
 *
 * @throws HoldfastError `target-failed`, `object-damaged`, `usage` when the map does not fit; then nothing was made
 */
export async function restoreGlobals(
  context: RestoreContext,
  settings: RestoreGlobalsSettings,
): Promise<{ totals: Record<string, number>; shortfalls: Shortfall[] }> {
  const { signal, emit } = context;
  const globals = await readStoredGlobals(context);
  const { tablespaceMap = new Map() } = settings;
  assertMapFits(globals, tablespaceMap);
  await using session = await openSession(settings.connection, {
    applicationName: 'holdfast restore',
    failure: 'target-failed',
    signal,
  });
  assertSuperuser(session);
  const target = {
    globals: await readGlobals(session, { passwords: true }),
    databases: await databaseNames(session),
    roleNames: await roleNames(session),
  };
  const plan = planGlobals(globals, target, tablespaceMap);
  emit({ type: 'step', text: 'Making roles' });
  const { totals, shortfalls, parts } = await apply(session, plan);
  emit({ type: 'step', text: 'Comparing with the snapshot' });
  const different = await remaining(session, globals, tablespaceMap);
  return { totals, shortfalls: [...shortfalls, ...different.filter(({ object }) => !parts.has(object))] };
}

function assertMapFits({ tablespaces }: Globals, map: ReadonlyMap<string, string>): void {
  const own = tablespaces.filter(({ location }) => location !== '').map(({ name }) => name);
  for (const [name, directory] of map) {
    if (!own.includes(name)) {
      throw new HoldfastError('usage', `The snapshot has no tablespace ${name}.`, {
        why: own.length === 0 ? 'It has none at all.' : `It has ${own.join(', ')}.`,
      });
    }
    if (directory.startsWith('/')) continue;
    throw new HoldfastError('usage', `The tablespace ${name} wants a directory on the server.`, {
      hint: `Write --tablespace-map ${name}=/path.`,
    });
  }
}

function assertSuperuser(session: Session): void {
  if (session.superuser && !session.inRecovery) return;
  throw new HoldfastError('target-failed', 'The globals cannot be restored into this cluster.', {
    why: session.inRecovery ? 'It is a standby.' : 'The role that restores is no superuser there.',
    hint: session.inRecovery
      ? 'Restore into the primary.'
      : 'Connect as a superuser; or restore to a directory (--to dir:/path), and run what you may of globals.sql.',
  });
}

async function roleNames(session: Session): Promise<Set<string>> {
  const rows = await session.query<{ name: string }>('SELECT rolname::text AS name FROM pg_catalog.pg_roles');
  return new Set(rows.map(({ name }) => name));
}

/** @returns `parts`: what is known not to be as in the snapshot, by the names that a comparison uses */
async function apply(
  session: Session,
  plan: GlobalsPlan,
): Promise<{ totals: Record<string, number>; shortfalls: Shortfall[]; parts: Set<string> }> {
  const totals: Record<string, number> = {};
  const count = (what: string) => {
    totals[what] = (totals[what] ?? 0) + 1;
  };
  const shortfalls = [...plan.shortfalls];
  const parts = new Set(shortfalls.map(({ object }) => object));
  await session.run(['BEGIN', ...quiet('SET LOCAL')].join('; '), 'Could not begin to restore roles.');
  try {
    for (const step of plan.steps) {
      const refusal = await take(session, step);
      if (refusal === undefined) count(step.makes);
      else {
        shortfalls.push(refusal);
        parts.add(step.part);
      }
    }
    await session.run('COMMIT', 'Could not restore the roles; nothing was changed.');
  } catch (error) {
    if (!session.lost) await session.run('ROLLBACK');
    throw error;
  }
  for (const { tablespace, location } of plan.tablespaces) {
    const refusal = await makeTablespace(session, tablespace, location);
    if (refusal === undefined) count('tablespaces');
    else {
      shortfalls.push(refusal);
      parts.add(refusal.object);
    }
  }
  return { totals, shortfalls, parts };
}

function quiet(how: 'SET' | 'SET LOCAL'): string[] {
  return quietSettings.map(([name, value]) => `${how} ${name} = ${quoteLiteral(value)}`);
}

async function take(session: Session, { object, statements, mayFail }: Step): Promise<Shortfall | undefined> {
  const what = `Could not make ${object}; nothing was changed.`;
  if (!mayFail) {
    for (const statement of statements) await session.run(statement, what);
    return undefined;
  }
  await session.run('SAVEPOINT holdfast', what);
  try {
    for (const statement of statements) await session.run(statement, what);
    await session.run('RELEASE SAVEPOINT holdfast', what);
    return undefined;
  } catch (error) {
    const refusal = refusedBy(session, error, object);
    await session.run('ROLLBACK TO SAVEPOINT holdfast; RELEASE SAVEPOINT holdfast', what);
    return refusal;
  }
}

/** What the server did not take. @throws the error, when it is not about the statement */
function refusedBy(session: Session, error: unknown, object: string): Shortfall {
  const state = sqlstateOf(error);
  if (session.lost || state === undefined || /^(57|53|58P|XX)/.test(state)) throw error;
  // The message could quote a value.
  return { object, reason: `The server does not take it (SQLSTATE ${state}): it was left out.`, degrades: true };
}

async function makeTablespace(
  session: Session,
  tablespace: Tablespace,
  location: string,
): Promise<Shortfall | undefined> {
  const object = `tablespace ${tablespace.name}`;
  const what = `Could not make the ${object}.`;
  const hint =
    'Make the directory on the server, empty and owned by its account, or name another: --tablespace-map NAME=/path.';
  const refused = (why: string): Shortfall => ({ object, reason: `It was not made: ${why} ${hint}`, degrades: true });
  let made = false;
  try {
    const [there] = await session.query<{ isdir: boolean | null }>(
      'SELECT isdir FROM pg_catalog.pg_stat_file($1, true)',
      [location],
      what,
    );
    if (there?.isdir !== true) return refused('its directory does not exist.');
    await session.run(createTablespaceStatement(tablespace, location), what);
    made = true;
    const statements = tablespaceStatements(tablespace);
    if (statements.length > 0) await session.run(['BEGIN', ...statements, 'COMMIT'].join(';\n'), what);
    return undefined;
  } catch (error) {
    if (session.lost || sqlstateOf(error) === undefined) throw error;
    if (!made) return refused(serverSaid(error));
    await session.run('ROLLBACK');
    return { object, reason: `It was made without all of its properties. ${serverSaid(error)}`, degrades: true };
  }
}

/** What is still not as in the snapshot: it existed, and differs. */
async function remaining(session: Session, globals: Globals, map: ReadonlyMap<string, string>): Promise<Shortfall[]> {
  const found = await readGlobals(session, { passwords: true });
  const placed = globals.tablespaces.map((one) => ({ ...one, location: map.get(one.name) ?? one.location }));
  const checks = differencesOf({ ...globals, tablespaces: placed }, found, await databaseNames(session));
  return checks
    .filter(({ verdict, extra }) => verdict === 'differs' && !extra)
    .map(({ kind, object, detail, expected }) => ({
      object: kind === 'membership' || kind === 'settings' ? object : `${kind} ${object}`,
      reason: `It is not as in the snapshot, and was left as it is. ${detail ?? ''}`.trim(),
      degrades: expected !== true,
    }));
}
