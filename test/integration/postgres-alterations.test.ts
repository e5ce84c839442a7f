import pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Alteration,
  contentAlterations,
  databaseAlterations,
  definitionAlterations,
} from '../support/nasty-alterations.ts';
import { fillNastyDatabase } from '../support/nasty-database.ts';
import { useCluster } from '../support/postgres.ts';
import { type MadeBackup, makeBackup } from '../support/postgres-backup.ts';
import { compareWith, restoreBackup } from '../support/postgres-restore.ts';

const cluster = useCluster({ settings: { allow_system_table_mods: 'on' } });
let backup: MadeBackup;

beforeAll(async () => {
  await cluster.createDatabase('nasty');
  const client = await cluster.client('nasty');
  await fillNastyDatabase(client);
  await client.end();
  backup = await makeBackup({ ...cluster.connection, database: 'nasty' });
  // A subscription does not come along when a database is copied.
  await restoreBackup(backup, cluster.connection, 'restored', { isolated: true });
});

/** Alters a copy of the restored database and compares it. */
async function compareAltered(name: string, alterations: readonly Alteration[]): Promise<string[]> {
  const quoted = pg.escapeIdentifier(name);
  const admin = await cluster.client();
  await admin.query(`CREATE DATABASE ${quoted} TEMPLATE restored`);
  const client = await cluster.client(name);
  for (const { sql } of alterations) await client.query(sql.replaceAll('$database', quoted));
  await client.end();
  try {
    const { checks } = await compareWith(backup, { ...cluster.connection, database: name }, { isolated: true });
    expect(checks.filter(({ verdict }) => verdict !== 'differs')).toEqual([]);
    return checks.map(({ kind, object, detail }) => `${kind}: ${object}: ${detail}`).sort();
  } finally {
    for (const { undo } of alterations) if (undo !== undefined) await admin.query(undo.replaceAll('$database', quoted));
    await admin.query(`DROP DATABASE ${quoted}`);
    await admin.end();
  }
}

/** Together only what is about other objects: then what is told of one cannot hide that nothing is told of another. */
function groups(alterations: readonly Alteration[], size: number): Alteration[][] {
  const about = ({ told }: Alteration) => told.map((text) => text.slice(0, text.lastIndexOf(': ')));
  const made: Alteration[][] = [];
  for (const alteration of alterations) {
    const fits = (group: Alteration[]) =>
      group.length < size && !group.flatMap(about).some((object) => about(alteration).includes(object));
    const group = made.find(fits);
    if (group === undefined) made.push([alteration]);
    else group.push(alteration);
  }
  return made;
}

describe('a comparison', () => {
  it('finds nothing where nothing was altered', async () => {
    expect(await compareAltered('unaltered', [])).toEqual([]);
  });

  const parts = [
    ['content', contentAlterations],
    ['definitions', definitionAlterations],
    ['the database and its roles', databaseAlterations],
  ] as const;
  it.each(
    parts.flatMap(([name, alterations]) =>
      groups(alterations, 12).map((group, at) => [`${name} ${at + 1}`, group] as const),
    ),
  )('names each change of %s, and tells no value of a row', async (name, group) => {
    expect(await compareAltered(name, group)).toEqual(group.flatMap(({ told }) => told).sort());
  });
});
