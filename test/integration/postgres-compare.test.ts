import { beforeAll, describe, expect, it } from 'vitest';
import { useCluster } from '../support/postgres.ts';
import { type MadeBackup, makeBackup } from '../support/postgres-backup.ts';
import { compareWith, restoreBackup } from '../support/postgres-restore.ts';

const cluster = useCluster();

const source = `
  CREATE ROLE owner_a; CREATE ROLE owner_b;
  CREATE SCHEMA app;
  CREATE TABLE app.changed (id int PRIMARY KEY, secret text);
  INSERT INTO app.changed SELECT i, 'value ' || i FROM generate_series(1, 500) i;
  CREATE TABLE app.dropped_row (LIKE app.changed); INSERT INTO app.dropped_row TABLE app.changed;
  CREATE TABLE app.doubled (LIKE app.changed); INSERT INTO app.doubled TABLE app.changed;
  CREATE TABLE app.reordered (LIKE app.changed); INSERT INTO app.reordered TABLE app.changed;
  CREATE TABLE app.swapped (LIKE app.changed); INSERT INTO app.swapped TABLE app.changed;
  CREATE TABLE app.gone (id int);
  CREATE TABLE app.stale (a int, twice int GENERATED ALWAYS AS (a * 2) STORED); INSERT INTO app.stale VALUES (1), (2);
  CREATE INDEX changed_secret ON app.changed (secret);
  CREATE INDEX changed_lower ON app.changed (lower(secret));
  CREATE SEQUENCE app.moved; SELECT setval('app.moved', 17);
  CREATE SEQUENCE app.uncalled; SELECT setval('app.uncalled', 17, false);
  CREATE SEQUENCE app.lost;
  CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
  CREATE TRIGGER touched BEFORE INSERT ON app.changed FOR EACH ROW EXECUTE FUNCTION app.touch();
  CREATE VIEW app.shown AS SELECT id FROM app.changed;
  GRANT SELECT ON app.changed TO owner_b;
  GRANT SELECT (id) ON app.doubled TO owner_b;
  COMMENT ON TABLE app.changed IS 'as it was';
  COMMENT ON COLUMN app.changed.secret IS 'not for everybody';
  ALTER TABLE app.swapped OWNER TO owner_a;
  ALTER TABLE app.doubled ALTER secret SET STATISTICS 500;
  CREATE TYPE app.mood AS ENUM ('a', 'b');
  CREATE TABLE app.by_mood (m app.mood, n int) PARTITION BY HASH (m);
  CREATE TABLE app.by_mood_0 PARTITION OF app.by_mood FOR VALUES WITH (MODULUS 2, REMAINDER 0);
  CREATE TABLE app.by_mood_1 PARTITION OF app.by_mood FOR VALUES WITH (MODULUS 2, REMAINDER 1);
  INSERT INTO app.by_mood SELECT (ARRAY['a', 'b'])[1 + i % 2]::app.mood, i FROM generate_series(1, 50) i;
  CREATE EXTENSION hstore SCHEMA app;
  SELECT lo_from_bytea(90001, convert_to(repeat('large', 5000), 'UTF8')), lo_from_bytea(90002, 'two'),
    lo_from_bytea(90003, 'three'), lo_from_bytea(90004, 'four'), lo_from_bytea(90005, 'five'), lo_from_bytea(90006, 'six');
  ALTER LARGE OBJECT 90002 OWNER TO owner_a;
  GRANT SELECT ON LARGE OBJECT 90003 TO owner_b;
  COMMENT ON LARGE OBJECT 90004 IS 'four';
  COMMENT ON DATABASE source IS 'the source';
  ALTER DATABASE source SET work_mem = '7MB';
  GRANT CONNECT ON DATABASE source TO owner_b;
`;

let backup: MadeBackup;

beforeAll(async () => {
  const connection = await cluster.createDatabase('source');
  const client = await cluster.client('source');
  await client.query(source);
  backup = await makeBackup(connection);
  await restoreBackup(backup, cluster.connection, 'restored');
});

const restored = () => ({ ...cluster.connection, database: 'restored' });

describe('compareDatabase', () => {
  it('finds a restored database equal, and has compared it', async () => {
    const { checks, equal } = await compareWith(backup, restored());
    expect(checks).toEqual([]);
    // Tables, sequences, large objects, properties, and at least one entry for each object above.
    expect(equal).toBeGreaterThan(60);
  });

  it('finds every change, names it, and tells no value', async () => {
    const client = await cluster.client('restored');
    await client.query(`
      UPDATE app.changed SET secret = 'Value 77' WHERE id = 77;
      DELETE FROM app.dropped_row WHERE id = 3;
      INSERT INTO app.doubled SELECT * FROM app.doubled WHERE id = 5;
      CREATE TABLE app.backwards AS SELECT * FROM app.reordered ORDER BY id DESC; TRUNCATE app.reordered;
      INSERT INTO app.reordered SELECT * FROM app.backwards; DROP TABLE app.backwards;
      UPDATE app.swapped SET secret = 'value 2' WHERE id = 1; UPDATE app.swapped SET secret = 'value 1' WHERE id = 2;
      DROP TABLE app.gone;
      ALTER TABLE app.stale ALTER twice DROP EXPRESSION; UPDATE app.stale SET twice = 5 WHERE a = 2;
      DROP INDEX app.changed_secret;
      DROP INDEX app.changed_lower; CREATE INDEX changed_lower ON app.changed (upper(secret));
      SELECT nextval('app.moved'); SELECT setval('app.uncalled', 17, true); DROP SEQUENCE app.lost;
      ALTER TABLE app.changed DISABLE TRIGGER touched;
      CREATE VIEW app.extra AS SELECT 1;
      REVOKE SELECT ON app.changed FROM owner_b;
      REVOKE SELECT (id) ON app.doubled FROM owner_b;
      COMMENT ON TABLE app.changed IS 'as it is';
      COMMENT ON COLUMN app.changed.secret IS NULL;
      ALTER TABLE app.swapped OWNER TO owner_b;
      DELETE FROM app.by_mood WHERE n = 7;
      ALTER EXTENSION hstore SET SCHEMA public;
      SELECT lo_truncate(lo_open(90001, 131072), 24999); SELECT lo_put(90005, 0, 'F');
      ALTER LARGE OBJECT 90002 OWNER TO owner_b; REVOKE ALL ON LARGE OBJECT 90003 FROM owner_b;
      COMMENT ON LARGE OBJECT 90004 IS 'vier'; SELECT lo_unlink(90006); SELECT lo_from_bytea(90007, 'seven');
      COMMENT ON DATABASE restored IS 'restored'; ALTER DATABASE restored SET work_mem = '8MB';
      REVOKE CONNECT ON DATABASE restored FROM owner_b; ALTER DATABASE restored CONNECTION LIMIT 5;
      ALTER DATABASE restored OWNER TO owner_a;
    `);
    const { checks } = await compareWith(backup, restored());
    expect(checks.every(({ verdict }) => verdict === 'differs')).toBe(true);
    expect(checks.map(({ kind, object, detail }) => `${kind}: ${object}: ${detail}`).sort()).toEqual(
      [
        'database: comment: It is another.',
        'database: connection limit: It is another.',
        'database: owner: It is another.',
        'database: privileges: They are others.',
        'database: settings: They are others.',
        'extension: hstore: It lies in schema public instead of app.',
        'generated-columns: app.stale (twice): The columns were worked out anew and came out otherwise; the stored ones may have been stale.',
        'large-object: large object 90001: It has 24999 bytes instead of 25000.',
        'large-object: large object 90002: Its owner is owner_b and not owner_a.',
        'large-object: large object 90003: Its privileges are others.',
        'large-object: large object 90004: Its comment is another.',
        'large-object: large object 90005: Its content is another.',
        'large-object: large object 90006: It is missing.',
        'large-object: large object 90007: It is not in the snapshot.',
        'schema: privileges of column doubled.id in app: It is missing.',
        'schema: privileges of table changed in app: It is missing.',
        'schema: comment on column changed.secret in app: It is missing.',
        'schema: comment on table changed in app: The comment is another.',
        'schema: extension hstore: The definition is another.',
        'schema: index app.changed_lower: The definition is another.',
        'schema: index app.changed_secret: It is missing.',
        'schema: sequence app.lost: It is missing.',
        'schema: table app.gone: It is missing.',
        'schema: table app.stale: The definition is another.',
        'schema: table app.swapped: The owner is owner_b and not owner_a.',
        'schema: trigger changed touched in app: The definition is another.',
        'schema: view app.extra: It is not in the snapshot.',
        'sequence: app.lost: It is missing.',
        'sequence: app.moved: Its last value is 18 instead of 17.',
        'sequence: app.uncalled: Its next value is off by one step.',
        'table: app.by_mood (all partitions together): It has 49 rows instead of 50.',
        'table: app.changed: It has as many rows, but not the same.',
        'table: app.doubled: It has 501 rows instead of 500.',
        'table: app.dropped_row: It has 499 rows instead of 500.',
        'table: app.gone: It is missing.',
        'table: app.reordered: It has the same rows in another order.',
        'table: app.swapped: It has as many rows, but not the same.',
      ].sort(),
    );
  });

  it('calls what it cannot read not comparable, never equal', async () => {
    const client = await cluster.client('restored');
    await client.query('CREATE ROLE blind LOGIN; ALTER DATABASE restored CONNECTION LIMIT -1');
    const { checks } = await compareWith(backup, { ...restored(), user: 'blind' });
    const unread = checks.filter(({ verdict }) => verdict === 'could-not-compare');
    expect(unread.map(({ kind, object }) => `${kind} ${object}`).sort()).toEqual([
      'generated-columns app.stale (twice)',
      'large-object all large objects',
      'schema all definitions',
      'sequence app.moved',
      'sequence app.uncalled',
      'table app.by_mood (all partitions together)',
      'table app.changed',
      'table app.doubled',
      'table app.dropped_row',
      'table app.reordered',
      'table app.stale',
      'table app.swapped',
    ]);
    expect(unread.every(({ detail }) => (detail ?? '') !== '')).toBe(true);
  });
});
