import { type CompareSettings, compareDatabase } from '../../src/sources/postgres/compare.ts';
import type { PostgresConnection } from '../../src/sources/postgres/connection.ts';
import { type PostgresRestoreSettings, restorePostgres } from '../../src/sources/postgres/restore.ts';
import type { MadeBackup } from './postgres-backup.ts';

/** Restores a backup made in memory under a new name. */
export function restoreBackup(
  backup: MadeBackup,
  admin: PostgresConnection,
  database: string,
  settings: Partial<PostgresRestoreSettings> = {},
  options: { lanes?: number; signal?: AbortSignal } = {},
) {
  return backup.repository.restore((context) => restorePostgres(context, { admin, database, ...settings }), options);
}

export function compareWith(
  backup: MadeBackup,
  connection: PostgresConnection,
  settings: Partial<Pick<CompareSettings, 'isolated' | 'maps'>> = {},
) {
  return backup.repository.restore((context) =>
    compareDatabase(context, { connection, env: process.env, ...settings }),
  );
}
