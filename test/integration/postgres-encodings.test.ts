import { expect, it } from 'vitest';
import { fillNastyDatabase } from '../support/nasty-database.ts';
import { useCluster } from '../support/postgres.ts';
import { makeBackup } from '../support/postgres-backup.ts';
import { compareWith, restoreBackup } from '../support/postgres-restore.ts';

const cluster = useCluster();

it.each([
  ['latin one', `ENCODING 'LATIN1' LOCALE 'C'`],
  ['no encoding', `ENCODING 'SQL_ASCII' LOCALE 'C'`],
  [`a "b"; c=d'e`, `ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de-u-co-phonebk' LOCALE 'C.UTF-8'`],
])('a restored database in %s equals its source', async (name, options) => {
  const admin = await cluster.client();
  await admin.query(`CREATE DATABASE "${name.replaceAll('"', '""')}" TEMPLATE template0 ${options}`);
  const client = await cluster.client(name);
  await fillNastyDatabase(client);
  const connection = { ...cluster.connection, database: name };
  const backup = await makeBackup(connection);
  expect(backup.outcome.shortfalls.filter(({ degrades }) => degrades)).toEqual([]);
  const { shortfalls } = await restoreBackup(backup, cluster.connection, `${name} copy`);
  expect(shortfalls.filter(({ degrades }) => degrades)).toEqual([]);
  const { checks, equal } = await compareWith(backup, { ...connection, database: `${name} copy` });
  expect(checks).toEqual([]);
  expect(equal).toBeGreaterThan(500);
});
