import type { CheckId } from '../../src/jobs/verify/report.ts';
import { mark } from './verify-proof.ts';

/** A small database, and damages of a restored one, each of which must turn a proof red. */

export interface DatabaseDamage {
  /** What it is, in words. */
  name: string;
  /** Run in the restored database; `$database` is its quoted name. */
  sql: string;
  /** The check that must be red. */
  red: CheckId;
  /** Undoes what belongs to the cluster. */
  undo?: string;
}

export const ledgerRoles = `
CREATE ROLE ledger_owner NOLOGIN; CREATE ROLE ledger_reader LOGIN CONNECTION LIMIT 5; CREATE ROLE ledger_third;
ALTER ROLE ledger_reader PASSWORD '${mark}';
GRANT ledger_owner TO ledger_reader; ALTER ROLE ledger_reader SET work_mem = '5MB';`;

/** What does not come along when a database is copied: for the one that is backed up, and for each copy. */
export const ledgerProperties = [
  `ALTER DATABASE $database OWNER TO ledger_owner`,
  `ALTER DATABASE $database SET search_path = ledger, public`,
  `ALTER ROLE ledger_reader IN DATABASE $database SET statement_timeout = '1h'`,
  `GRANT CREATE ON DATABASE $database TO ledger_third`,
  `COMMENT ON DATABASE $database IS 'of the ledger'`,
  `ALTER DATABASE $database CONNECTION LIMIT 50`,
];

/** The last row of a heap holds what differs in little: its update leaves the order of rows as it was. */
export const ledger = `
CREATE SCHEMA ledger; CREATE SCHEMA unused;
CREATE EXTENSION pgcrypto; CREATE EXTENSION pg_trgm VERSION '1.3';
CREATE TYPE ledger.mood AS ENUM ('sad', 'so-so', 'happy');
CREATE DOMAIN ledger.positive AS int CONSTRAINT above_zero CHECK (VALUE > 0);
CREATE COLLATION ledger.posix FROM "C"; CREATE COLLATION ledger.spare FROM "C";
CREATE FUNCTION ledger.tax(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 0.20';
CREATE FUNCTION ledger.mark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TABLE ledger.people (
  id int PRIMARY KEY, name text NOT NULL DEFAULT 'nobody', note text, empty text, fixed char(30), amount numeric,
  ratio float8, zoned timestamptz, clock timetz, local timestamp, day date, span interval, document json, list text[],
  bytes bytea, mood ledger.mood, CONSTRAINT amount_known CHECK (amount IS NOT NULL));
INSERT INTO ledger.people SELECT i, '${mark} ' || i, NULL, '', 'x', i, i / 3.0, '2026-03-29 01:30+00'::timestamptz + i * interval '1 hour',
  '12:00+00', '2026-01-01', '2026-01-01', '1 day', '{}', '{}', '\\x00', 'sad' FROM generate_series(1, 19) i;
INSERT INTO ledger.people VALUES (20, '${mark} last', NULL, '', '${mark}', 1.50, '-0', '2026-03-29 02:30:00.123456+01', '12:00:00+02',
  '2026-01-01 00:00:00.123456', '2026-01-01', '24 hours', '{"a": "${mark}", "a": 2}', '{${mark},NULL}', '\\x00ff', 'so-so');
CREATE TABLE ledger.others (LIKE ledger.people INCLUDING ALL);
INSERT INTO ledger.others SELECT * FROM ledger.people WHERE id > 15 ORDER BY id;
DELETE FROM ledger.people WHERE id BETWEEN 16 AND 19; DELETE FROM ledger.others WHERE id = 20;
CREATE TABLE ledger.entries (
  id serial PRIMARY KEY, person int NOT NULL REFERENCES ledger.people, total numeric CHECK (total > 0), kind text,
  half numeric GENERATED ALWAYS AS (total / 2) STORED);
INSERT INTO ledger.entries (person, total, kind) SELECT 1 + i % 15, i, '${mark} ' || i FROM generate_series(1, 30) i;
CREATE TABLE ledger.numbered (id bigint GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 10), t text) WITH (fillfactor = 80);
INSERT INTO ledger.numbered (t) VALUES ('${mark}');
CREATE TABLE ledger.parts (id int, region text, t text) PARTITION BY LIST (region);
CREATE TABLE ledger.parts_a PARTITION OF ledger.parts FOR VALUES IN ('a');
CREATE TABLE ledger.parts_b PARTITION OF ledger.parts FOR VALUES IN ('b');
INSERT INTO ledger.parts VALUES (1, 'a', '${mark}'), (2, 'b', '${mark}');
CREATE TABLE ledger.base (id int, t text); CREATE TABLE ledger.heir (more text) INHERITS (ledger.base);
INSERT INTO ledger.base VALUES (1, '${mark}'); INSERT INTO ledger.heir VALUES (2, '${mark}', '${mark}');
CREATE TABLE ledger.whole (n ledger.positive, t text COLLATE ledger.posix); INSERT INTO ledger.whole VALUES (7, '${mark}');
CREATE UNLOGGED TABLE ledger.quick (t text); INSERT INTO ledger.quick VALUES ('${mark}');
CREATE TABLE ledger.wide (id int, t text); ALTER TABLE ledger.wide ALTER t SET STORAGE EXTERNAL;
INSERT INTO ledger.wide SELECT i, repeat('${mark} ' || i, 2000) FROM generate_series(1, 3) i;
CREATE TABLE ledger.bulk AS SELECT i, md5(i::text) || md5('x' || i) AS t FROM generate_series(1, 7000) i;
CREATE SEQUENCE ledger.counter; SELECT setval('ledger.counter', 42); CREATE SEQUENCE ledger.uncalled START 5;
CREATE UNIQUE INDEX people_name ON ledger.people (name); CREATE INDEX people_day ON ledger.people (day);
CREATE INDEX people_some ON ledger.people (name) WHERE id > 10; CREATE INDEX people_like ON ledger.people (name text_pattern_ops);
CREATE STATISTICS ledger.people_stats (ndistinct) ON day, amount FROM ledger.people;
ALTER TABLE ledger.people REPLICA IDENTITY FULL;
CREATE VIEW ledger.rich AS SELECT id, name FROM ledger.people WHERE amount > 5;
CREATE MATERIALIZED VIEW ledger.sums AS SELECT person, sum(total) AS total FROM ledger.entries GROUP BY person;
CREATE TRIGGER mark BEFORE UPDATE ON ledger.entries FOR EACH ROW EXECUTE FUNCTION ledger.mark();
CREATE RULE quiet AS ON DELETE TO ledger.whole DO INSTEAD NOTHING;
ALTER TABLE ledger.others ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON ledger.others USING (name = current_user);
SELECT lo_from_bytea(880001, '\\x00ff5c0a0d'), lo_from_bytea(880002, convert_to('${mark}', 'UTF8'));
ALTER LARGE OBJECT 880001 OWNER TO ledger_owner; COMMENT ON LARGE OBJECT 880001 IS 'large';
GRANT SELECT ON LARGE OBJECT 880001 TO ledger_reader;
ALTER TABLE ledger.entries OWNER TO ledger_owner; GRANT SELECT ON ledger.entries TO ledger_reader;
GRANT SELECT (id), UPDATE (note) ON ledger.people TO ledger_reader; GRANT USAGE ON SCHEMA ledger TO ledger_reader, ledger_owner;
REVOKE EXECUTE ON FUNCTION ledger.tax(numeric) FROM PUBLIC; GRANT EXECUTE ON FUNCTION ledger.tax(numeric) TO ledger_third;
ALTER DEFAULT PRIVILEGES FOR ROLE ledger_owner IN SCHEMA ledger GRANT SELECT ON TABLES TO ledger_reader;
COMMENT ON TABLE ledger.people IS 'table'; COMMENT ON COLUMN ledger.people.name IS 'column'; COMMENT ON INDEX ledger.people_day IS 'index';
CREATE PUBLICATION changes FOR TABLE ledger.people;
CREATE FUNCTION ledger.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE FOREIGN TABLE') EXECUTE FUNCTION ledger.on_ddl();`;

/** Rewrites a table in another order, or with other rows. */
const rewritten = (table: string, select: string) =>
  `CREATE TEMP TABLE held AS SELECT * FROM ${table}; TRUNCATE ${table}; INSERT INTO ${table} ${select}`;
const last = (change: string) => `UPDATE ledger.people SET ${change} WHERE id = 20`;

const rows: readonly Omit<DatabaseDamage, 'red'>[] = [
  { name: 'a row changed', sql: last(`name = 'other'`) },
  { name: 'a row dropped', sql: 'DELETE FROM ledger.people WHERE id = 20' },
  { name: 'a row in the middle dropped', sql: 'DELETE FROM ledger.wide WHERE id = 2' },
  { name: 'a row duplicated', sql: 'INSERT INTO ledger.base SELECT * FROM ONLY ledger.base' },
  {
    name: 'a row duplicated in the place of another',
    sql: `UPDATE ledger.wide SET t = repeat('${mark} 2', 2000), id = 2 WHERE id = 3`,
  },
  {
    name: 'a row moved to another table of the same columns',
    sql: `INSERT INTO ledger.others SELECT * FROM ledger.people WHERE id = 20; DELETE FROM ledger.people WHERE id = 20`,
  },
  {
    name: 'two rows swapped in their order',
    sql: rewritten('ledger.wide', 'SELECT * FROM held ORDER BY id = 1, id = 3'),
  },
  { name: 'two rows that exchanged a value', sql: `UPDATE ledger.wide SET id = 5 - id WHERE id IN (2, 3)` },
  { name: 'NULL instead of an empty text', sql: last('empty = NULL') },
  { name: 'an empty text instead of NULL', sql: last(`note = ''`) },
  { name: 'the word NULL instead of NULL', sql: last(`note = 'NULL'`) },
  { name: 'a space at the end', sql: last(`name = name || ' '`) },
  { name: 'a letter in the other case', sql: last(`name = replace(name, 'l', 'L')`) },
  { name: 'a letter composed otherwise', sql: last(`name = replace(name, 'e', 'ë')`) },
  { name: 'one decimal less', sql: last('amount = 1.5') },
  { name: '0 instead of -0', sql: last('ratio = 0') },
  { name: 'a time an hour later', sql: last(`zoned = zoned + interval '1 hour'`) },
  { name: 'the same moment in another time zone', sql: last(`clock = '10:00:00+00'`) },
  { name: 'a microsecond', sql: last(`local = local + interval '1 microsecond'`) },
  { name: 'a day instead of 24 hours', sql: last(`span = '1 day'`) },
  { name: 'json without the key that came twice', sql: last(`document = document::jsonb::json`) },
  { name: 'the word NULL in an array', sql: last(`list[2] = 'NULL'`) },
  { name: 'a byte of a bytea', sql: last(`bytes = '\\x00fe'`) },
  { name: 'another label of an enum', sql: last(`mood = 'happy'`) },
  { name: 'a byte at the end of a long value', sql: `UPDATE ledger.wide SET t = left(t, -1) || '4' WHERE id = 3` },
  { name: 'an unlogged table without its rows', sql: 'TRUNCATE ledger.quick' },
  { name: 'a partition without its rows', sql: 'TRUNCATE ledger.parts_b' },
  {
    name: 'rows of an heir in its parent',
    sql: 'INSERT INTO ledger.base SELECT id, t FROM ledger.heir; DELETE FROM ledger.heir',
  },
  { name: 'a table that was skipped', sql: 'DROP TABLE ledger.numbered' },
  { name: 'a table whose rows were skipped', sql: 'TRUNCATE ledger.numbered' },
];

const sequences: readonly Omit<DatabaseDamage, 'red'>[] = [
  { name: 'a value of a sequence', sql: `SELECT setval('ledger.counter', 41)` },
  { name: 'a sequence called once less', sql: `SELECT setval('ledger.counter', 42, false)` },
  { name: 'a sequence that was called', sql: `SELECT nextval('ledger.uncalled')` },
  { name: 'the sequence of an identity column', sql: 'ALTER TABLE ledger.numbered ALTER id RESTART' },
  { name: 'the sequence of a serial column', sql: `SELECT setval('ledger.entries_id_seq', 1)` },
];

const definitions: readonly Omit<DatabaseDamage, 'red'>[] = [
  { name: 'a sequence owned by nobody', sql: 'ALTER SEQUENCE ledger.entries_id_seq OWNED BY NONE' },
  { name: 'a sequence with another step', sql: 'ALTER SEQUENCE ledger.counter INCREMENT 2' },
  {
    name: 'an identity column that takes other values',
    sql: 'ALTER TABLE ledger.numbered ALTER id SET GENERATED BY DEFAULT',
  },
  { name: 'an index lost', sql: 'DROP INDEX ledger.people_day' },
  {
    name: 'an index of other columns',
    sql: 'DROP INDEX ledger.people_day; CREATE INDEX people_day ON ledger.people (day, id)',
  },
  {
    name: 'an index of other rows',
    sql: 'DROP INDEX ledger.people_some; CREATE INDEX people_some ON ledger.people (name) WHERE id > 11',
  },
  {
    name: 'an index with another operator class',
    sql: 'DROP INDEX ledger.people_like; CREATE INDEX people_like ON ledger.people (name)',
  },
  {
    name: 'a unique index that is none',
    sql: 'DROP INDEX ledger.people_name; CREATE INDEX people_name ON ledger.people (name)',
  },
  {
    name: 'an index that was made unique',
    sql: 'DROP INDEX ledger.people_some; CREATE UNIQUE INDEX people_some ON ledger.people (name) WHERE id > 10',
  },
  { name: 'a primary key lost', sql: 'ALTER TABLE ledger.entries DROP CONSTRAINT entries_pkey' },
  { name: 'a foreign key lost', sql: 'ALTER TABLE ledger.entries DROP CONSTRAINT entries_person_fkey' },
  {
    name: 'a foreign key with another action',
    sql: `ALTER TABLE ledger.entries DROP CONSTRAINT entries_person_fkey;
          ALTER TABLE ledger.entries ADD CONSTRAINT entries_person_fkey FOREIGN KEY (person) REFERENCES ledger.people ON DELETE CASCADE`,
  },
  { name: 'a check lost', sql: 'ALTER TABLE ledger.entries DROP CONSTRAINT entries_total_check' },
  { name: 'a column that may be NULL', sql: 'ALTER TABLE ledger.people ALTER name DROP NOT NULL' },
  { name: 'another default', sql: `ALTER TABLE ledger.people ALTER name SET DEFAULT 'Nobody'` },
  { name: 'a column of another type', sql: 'ALTER TABLE ledger.quick ALTER t TYPE varchar(100)' },
  { name: 'a column more', sql: 'ALTER TABLE ledger.quick ADD more int' },
  { name: 'a generated column made plain', sql: 'ALTER TABLE ledger.entries ALTER half DROP EXPRESSION' },
  { name: 'a grant lost', sql: 'REVOKE SELECT ON ledger.entries FROM ledger_reader' },
  { name: 'a grant more', sql: 'GRANT SELECT ON ledger.whole TO PUBLIC' },
  { name: 'a grant of a column lost', sql: 'REVOKE SELECT (id) ON ledger.people FROM ledger_reader' },
  { name: 'a grant of a function lost', sql: 'REVOKE EXECUTE ON FUNCTION ledger.tax(numeric) FROM ledger_third' },
  { name: 'a function that everybody may call again', sql: 'GRANT EXECUTE ON FUNCTION ledger.tax(numeric) TO PUBLIC' },
  {
    name: 'a default privilege lost',
    sql: 'ALTER DEFAULT PRIVILEGES FOR ROLE ledger_owner IN SCHEMA ledger REVOKE SELECT ON TABLES FROM ledger_reader',
  },
  { name: 'another owner', sql: 'ALTER TABLE ledger.entries OWNER TO ledger_third' },
  { name: 'another owner of a function', sql: 'ALTER FUNCTION ledger.mark() OWNER TO ledger_third' },
  { name: 'a comment of a table lost', sql: 'COMMENT ON TABLE ledger.people IS NULL' },
  { name: 'another comment of a column', sql: `COMMENT ON COLUMN ledger.people.name IS 'columns'` },
  { name: 'a trigger lost', sql: 'DROP TRIGGER mark ON ledger.entries' },
  { name: 'a trigger switched off', sql: 'ALTER TABLE ledger.entries DISABLE TRIGGER mark' },
  { name: 'a trigger of a key switched off', sql: 'ALTER TABLE ledger.people DISABLE TRIGGER ALL' },
  { name: 'a rule lost', sql: 'DROP RULE quiet ON ledger.whole' },
  { name: 'a policy lost', sql: 'DROP POLICY mine ON ledger.others' },
  { name: 'a policy for everybody', sql: 'ALTER POLICY mine ON ledger.others USING (true)' },
  { name: 'row security off', sql: 'ALTER TABLE ledger.others DISABLE ROW LEVEL SECURITY' },
  { name: 'row security that its owner passes', sql: 'ALTER TABLE ledger.others NO FORCE ROW LEVEL SECURITY' },
  {
    name: 'another view',
    sql: 'CREATE OR REPLACE VIEW ledger.rich AS SELECT id, name FROM ledger.people WHERE amount >= 5',
  },
  {
    name: 'one character of a function',
    sql: `CREATE OR REPLACE FUNCTION ledger.tax(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 0.21'`,
  },
  { name: 'a function that is not immutable', sql: 'ALTER FUNCTION ledger.tax(numeric) STABLE' },
  { name: 'a function with the rights of its owner', sql: 'ALTER FUNCTION ledger.mark() SECURITY DEFINER' },
  { name: 'a function with a setting', sql: `ALTER FUNCTION ledger.mark() SET search_path = ''` },
  { name: 'a label of an enum renamed', sql: `ALTER TYPE ledger.mood RENAME VALUE 'sad' TO 'unhappy'` },
  { name: 'a label of an enum more', sql: `ALTER TYPE ledger.mood ADD VALUE 'first' BEFORE 'sad'` },
  { name: 'a check of a domain lost', sql: 'ALTER DOMAIN ledger.positive DROP CONSTRAINT above_zero' },
  { name: 'a materialized view without rows', sql: 'REFRESH MATERIALIZED VIEW ledger.sums WITH NO DATA' },
  { name: 'a partition detached', sql: 'ALTER TABLE ledger.parts DETACH PARTITION ledger.parts_b' },
  { name: 'an heir that inherits no more', sql: 'ALTER TABLE ledger.heir NO INHERIT ledger.base' },
  {
    name: 'a table that inherits',
    sql: 'ALTER TABLE ledger.heir ADD x int; CREATE TABLE ledger.more () INHERITS (ledger.heir)',
  },
  { name: 'an unlogged table that is logged', sql: 'ALTER TABLE ledger.quick SET LOGGED' },
  { name: 'a storage parameter of a table', sql: 'ALTER TABLE ledger.numbered RESET (fillfactor)' },
  { name: 'the storage of a column', sql: 'ALTER TABLE ledger.wide ALTER t SET STORAGE EXTENDED' },
  { name: 'the replica identity', sql: 'ALTER TABLE ledger.people REPLICA IDENTITY DEFAULT' },
  { name: 'a statistics object lost', sql: 'DROP STATISTICS ledger.people_stats' },
  { name: 'a collation lost', sql: 'DROP COLLATION ledger.spare' },
  { name: 'another collation of a column', sql: 'ALTER TABLE ledger.whole ALTER t TYPE text COLLATE ledger.spare' },
  { name: 'an extension lost', sql: 'DROP EXTENSION pgcrypto' },
  { name: 'another version of an extension', sql: `ALTER EXTENSION pg_trgm UPDATE TO '1.4'` },
  { name: 'a publication lost', sql: 'DROP PUBLICATION changes' },
  { name: 'a publication of other changes', sql: `ALTER PUBLICATION changes SET (publish = 'insert')` },
  { name: 'an event trigger lost', sql: 'DROP EVENT TRIGGER watch' },
  { name: 'an event trigger switched off', sql: 'ALTER EVENT TRIGGER watch DISABLE' },
  { name: 'a schema lost', sql: 'DROP SCHEMA unused' },
  { name: 'a table more', sql: 'CREATE TABLE ledger.extra (a int)' },
];

const largeObjects: readonly Omit<DatabaseDamage, 'red'>[] = [
  { name: 'a large object cut', sql: 'SELECT lo_truncate(lo_open(880001, 131072), 3)' },
  { name: 'a byte of a large object', sql: `SELECT lo_put(880002, 3, 'x')` },
  { name: 'a large object lost', sql: 'SELECT lo_unlink(880002)' },
  { name: 'another owner of a large object', sql: 'ALTER LARGE OBJECT 880001 OWNER TO ledger_third' },
  { name: 'a comment of a large object lost', sql: 'COMMENT ON LARGE OBJECT 880001 IS NULL' },
  { name: 'a grant of a large object lost', sql: 'REVOKE SELECT ON LARGE OBJECT 880001 FROM ledger_reader' },
  { name: 'a large object more', sql: 'SELECT lo_create(880003)' },
];

const properties: readonly Omit<DatabaseDamage, 'red'>[] = [
  { name: 'a setting of the database lost', sql: 'ALTER DATABASE $database RESET search_path' },
  {
    name: 'a setting of a role there lost',
    sql: 'ALTER ROLE ledger_reader IN DATABASE $database RESET statement_timeout',
  },
  { name: 'another owner of the database', sql: 'ALTER DATABASE $database OWNER TO ledger_third' },
  { name: 'a grant on the database lost', sql: 'REVOKE CREATE ON DATABASE $database FROM ledger_third' },
  { name: 'the comment of the database lost', sql: 'COMMENT ON DATABASE $database IS NULL' },
  { name: 'another connection limit of the database', sql: 'ALTER DATABASE $database CONNECTION LIMIT -1' },
];

/** Of the cluster: no two of them at the same time, and none beside anything else. */
const roles: readonly Omit<DatabaseDamage, 'red'>[] = [
  {
    name: 'a role that is a superuser',
    sql: 'ALTER ROLE ledger_third SUPERUSER',
    undo: 'ALTER ROLE ledger_third NOSUPERUSER',
  },
  {
    name: 'a role that may not log in',
    sql: 'ALTER ROLE ledger_reader NOLOGIN',
    undo: 'ALTER ROLE ledger_reader LOGIN',
  },
  {
    name: 'a setting of a role lost',
    sql: 'ALTER ROLE ledger_reader RESET work_mem',
    undo: `ALTER ROLE ledger_reader SET work_mem = '5MB'`,
  },
  {
    name: 'a membership lost',
    sql: 'REVOKE ledger_owner FROM ledger_reader',
    undo: 'GRANT ledger_owner TO ledger_reader',
  },
  {
    name: 'a role lost',
    sql: 'ALTER ROLE ledger_third RENAME TO ledger_fourth',
    undo: 'ALTER ROLE ledger_fourth RENAME TO ledger_third',
  },
];

const as = (red: CheckId, damages: readonly Omit<DatabaseDamage, 'red'>[]) =>
  damages.map((damage): DatabaseDamage => ({ ...damage, red }));

export const databaseDamages: readonly DatabaseDamage[] = [
  ...as('tables', rows),
  ...as('sequences', sequences),
  ...as('schema', definitions),
  ...as('large-objects', largeObjects),
  ...as('database', properties),
  ...as('constraints-and-indexes', [
    {
      name: 'a foreign key that is NOT VALID',
      sql: `ALTER TABLE ledger.entries DROP CONSTRAINT entries_person_fkey;
            ALTER TABLE ledger.entries ADD CONSTRAINT entries_person_fkey FOREIGN KEY (person) REFERENCES ledger.people NOT VALID`,
    },
    {
      name: 'a check that is NOT VALID',
      sql: `ALTER TABLE ledger.people DROP CONSTRAINT amount_known;
            ALTER TABLE ledger.people ADD CONSTRAINT amount_known CHECK (amount IS NOT NULL) NOT VALID`,
    },
    {
      name: 'an index that is not valid',
      sql: `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ledger.people_day'::regclass`,
    },
  ]),
];

export const roleDamages: readonly DatabaseDamage[] = as('roles', roles);

/** What a restore may do otherwise than the source, and is no damage. */
export const harmless: readonly Omit<DatabaseDamage, 'red'>[] = [
  { name: 'the last row written anew', sql: last('name = name') },
  { name: 'tables written anew', sql: 'VACUUM FULL ledger.people' },
  { name: 'indexes built anew', sql: 'REINDEX TABLE ledger.people' },
];

/** Each takes a cluster, so there are few. */
export const globalsDamages: readonly { name: string; sql: string; red: boolean }[] = [
  { name: 'pass as they are', sql: '', red: false },
  { name: 'are red without a role', sql: 'DROP ROLE ledger_third', red: true },
  { name: 'are red without a membership', sql: 'REVOKE ledger_owner FROM ledger_reader', red: true },
  { name: 'are red with another password', sql: `ALTER ROLE ledger_reader PASSWORD 'another'`, red: true },
  { name: 'are red with a role more', sql: 'CREATE ROLE ledger_fourth SUPERUSER', red: true },
];

/** What nobody may ever leave out; of all others each run of the tests takes one in ten. */
const always =
  /^(a row (changed|dropped|duplicated|moved.*)|NULL instead.*|an empty text.*|a value of a sequence|an index (lost|that is not valid)|a (check|foreign key) that is NOT VALID|a grant lost|another owner|a comment of a table lost|a trigger switched off|a policy lost|a large object cut|a table .*skipped)$/;

export const isOfEveryRun = ({ name }: { name: string }, at: number) => always.test(name) || at % 10 === 0;
