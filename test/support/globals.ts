import type { PostgresConnection } from '../../src/sources/postgres/connection.ts';
import { openSession } from '../../src/sources/postgres/session.ts';
import { backupGlobals } from '../../src/sources/postgres-globals/backup.ts';
import { compareGlobals } from '../../src/sources/postgres-globals/compare.ts';
import type { GlobalRole, Globals } from '../../src/sources/postgres-globals/globals.ts';
import { readGlobals } from '../../src/sources/postgres-globals/read.ts';
import { type RestoreGlobalsSettings, restoreGlobals } from '../../src/sources/postgres-globals/restore.ts';
import { MemoryRepository } from './memory-repository.ts';

/** A backup of globals into memory. */
export async function makeGlobalsBackup(connection: PostgresConnection, settings: { passwords?: boolean } = {}) {
  const repository = await MemoryRepository.open();
  const outcome = await repository.backup(
    (context) => backupGlobals(context, { connection, passwords: true, ...settings }),
    { lanes: 1 },
  );
  return {
    repository,
    outcome,
    restore: (to: PostgresConnection, more: Omit<RestoreGlobalsSettings, 'connection'> = {}) =>
      repository.restore((context) => restoreGlobals(context, { connection: to, ...more }), { lanes: 1 }),
    compare: (with_: PostgresConnection) =>
      repository.restore((context) => compareGlobals(context, { connection: with_ }), { lanes: 1 }),
    file: (name: string) =>
      repository.restore(
        async ({ lines, reader }) => {
          for await (const line of lines()) {
            if ((line as unknown as { filename: string }).filename !== name) continue;
            return (await reader.whole((line as unknown as { stream: never }).stream)).toString('utf8');
          }
          throw new Error(`there is no ${name}`);
        },
        { lanes: 1 },
      ),
  };
}

/** What a cluster has, as a superuser sees it. */
export async function globalsOf(connection: PostgresConnection): Promise<Globals> {
  await using session = await openSession(connection, { applicationName: 'test' });
  return await readGlobals(session, { passwords: true });
}

/** Without what differs between two equal clusters: salts. */
export function withoutSalt({ salt: _, ...globals }: Globals): Omit<Globals, 'salt'> {
  return { ...globals, roles: globals.roles.map(({ salt: __, ...role }) => role) };
}

/** A role that has nothing. */
export function bareRole(name: string, more: Partial<GlobalRole> = {}): GlobalRole {
  return {
    name,
    superuser: false,
    inherit: true,
    createRole: false,
    createDatabase: false,
    login: false,
    replication: false,
    bypassRls: false,
    connectionLimit: -1,
    validUntil: null,
    comment: null,
    labels: [],
    ...more,
  };
}

/** A cluster with nothing but its superuser. */
export function bareGlobals(more: Partial<Globals> = {}): Globals {
  const { roles = [], ...others } = more;
  return {
    kind: 'postgres-globals',
    format: 1,
    serverVersion: 150_000,
    bootstrap: 'postgres',
    passwords: 'read',
    predefined: [],
    memberships: [],
    settings: [],
    tablespaces: [],
    parameters: [],
    salt: '00',
    ...others,
    roles: [bareRole('postgres', { superuser: true, login: true }), ...roles],
  };
}
