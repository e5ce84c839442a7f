/** Backs a database up into memory and restores it under another name, telling when it begins; to be killed meanwhile. */
import { makeBackup } from './postgres-backup.ts';
import { restoreBackup } from './postgres-restore.ts';

const { connection, database, swap = false } = JSON.parse(process.argv[2]!);
const backup = await makeBackup(connection);
process.stdout.write('restoring\n');
await restoreBackup(
  backup,
  { ...connection, database: 'postgres' },
  database,
  swap ? { swap: { env: process.env } } : {},
);
process.stdout.write('restored\n');
