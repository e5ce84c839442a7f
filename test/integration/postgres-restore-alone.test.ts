import { beforeAll, expect, it } from 'vitest';
import { compareTables } from '../../src/sources/postgres/compare-tables.ts';
import type { TableLine } from '../../src/sources/postgres/manifest.ts';
import { displayName } from '../../src/sources/postgres/quote.ts';
import { restorePostgres } from '../../src/sources/postgres/restore.ts';
import type { RestoreContext } from '../../src/sources/source.ts';
import { fillNastyDatabase } from '../support/nasty-database.ts';
import { useCluster } from '../support/postgres.ts';
import { type MadeBackup, makeBackup } from '../support/postgres-backup.ts';

const cluster = useCluster();
const to = (database: string) => ({ ...cluster.connection, database });

let nasty: MadeBackup;
beforeAll(async () => {
  await cluster.createDatabase('nasty');
  const client = await cluster.client('nasty');
  await fillNastyDatabase(client);
  await client.end();
  nasty = await makeBackup(to('nasty'));
});

it('every table of the nasty database can be restored alone, and has its rows', async () => {
  const admin = await cluster.client();
  const lines = nasty.of('table').filter(({ extension }) => extension === undefined);
  // The rows of a partition that cannot be told beforehand come with all of its siblings.
  const groups = new Map<string, TableLine[]>();
  for (const line of lines) {
    const { schema, name } = line.loadThrough ?? line;
    const shown = displayName(schema, name);
    groups.set(shown, [...(groups.get(shown) ?? []), line]);
  }
  const failed: string[] = [];
  const alone = async (context: RestoreContext, [shown, group]: [string, TableLine[]], database: string) => {
    const { schema, name } = group[0]!.loadThrough ?? group[0]!;
    try {
      const settings = { admin: cluster.connection, database, tables: [{ schema, name }], jobs: 1 };
      const { shortfalls } = await restorePostgres(context, settings);
      const { checks } = await compareTables(context, to(database), group);
      for (const { object, detail } of checks) failed.push(`${object}: ${detail}`);
      const degrading = shortfalls.filter(({ degrades }) => degrades);
      for (const { object, reason } of degrading) failed.push(`(${object}: ${reason})`);
    } catch (error) {
      const { message, why, hint } = error as { message: string; why?: string; hint?: string };
      failed.push(`${shown}: ${message} ${why} ${hint}`);
    }
    await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
  };
  await nasty.repository.restore(
    async (context) => {
      const queue = [...groups];
      let made = 0;
      const worker = async () => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          await alone(context, next, `alone_${made++}`);
        }
      };
      await Promise.all([worker(), worker()]);
    },
    { lanes: 2 },
  );
  expect(lines.length).toBeGreaterThan(70);
  // Their rows name a type and an index that are no part of them; all others come.
  expect(failed.sort()).toEqual([
    expect.stringMatching(/^nasty\.names_an_index: .*A value names a relation that is not there.*--schema/),
    expect.stringMatching(/^nasty\.odd_types: .*42704.*--schema/),
  ]);
}, 180_000);
