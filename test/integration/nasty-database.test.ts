import { describe, expect, it } from 'vitest';
import { fillNastyDatabase, setHostileDefaults } from '../support/nasty-database.ts';
import { useCluster } from '../support/postgres.ts';

const catalogs =
  `pg_am pg_cast pg_collation pg_constraint pg_conversion pg_default_acl pg_enum pg_event_trigger pg_extension
  pg_foreign_data_wrapper pg_foreign_server pg_opclass pg_operator pg_opfamily pg_policy pg_proc pg_publication pg_rewrite
  pg_statistic_ext pg_subscription pg_trigger pg_ts_config pg_ts_dict pg_type`.split(/\s+/);

describe('the nasty database', () => {
  const cluster = useCluster();

  it('fills on this server, with every kind of object in it', async () => {
    await cluster.createDatabase('nasty');
    const client = await cluster.client('nasty');
    const { made } = await fillNastyDatabase(client);
    expect(made).toEqual(
      expect.arrayContaining(['extensions', 'citext', 'postgres_fdw', 'file_fdw', 'icu collations']),
    );

    const { rows: kinds } = await client.query<{ kind: string }>(
      `SELECT DISTINCT relkind::text AS kind FROM pg_class WHERE oid >= 16384`,
    );
    expect(
      kinds
        .map(({ kind }) => kind)
        .sort()
        .join(''),
    ).toBe('IScfimprtv');
    // Each of these catalogs holds something of ours.
    for (const catalog of catalogs) {
      const { rows } = await client.query(`SELECT count(*)::int AS n FROM ${catalog} WHERE oid >= 16384`);
      expect(rows[0].n, catalog).toBeGreaterThan(0);
    }
    const ask = async (sql: string) => (await client.query(sql)).rows[0].value;
    expect(
      await ask(
        `SELECT array_agg(count ORDER BY count) AS value FROM (SELECT count(*)::int FROM nasty.one_column GROUP BY t) x`,
      ),
    ).toEqual([1, 1, 1, 2]);
    expect(await ask('SELECT count(*)::int AS value FROM nasty.three_rows_without_columns')).toBe(3);
    expect(await ask('SELECT count(*)::int AS value FROM nasty.only_generated')).toBe(2);
    expect(await ask('SELECT count(*)::int AS value FROM pg_largeobject_metadata')).toBe(4);
    expect(await ask(`SELECT t AS value FROM nasty.triggered WHERE id = 1`)).toBe('as it was');
  });

  it('can be given defaults that change how values are written', async () => {
    await setHostileDefaults(await cluster.client('nasty'));
    const client = await cluster.client('nasty');
    const { rows } = await client.query(
      `SELECT current_setting('transaction_read_only') AS read_only, '2026-12-24'::date::text AS day`,
    );
    expect(rows[0]).toEqual({ read_only: 'on', day: '24.12.2026' });
  });
});
