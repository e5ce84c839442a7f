import pg from 'pg';
import type { PostgresConnection } from '../../src/sources/postgres/connection.ts';

const objects = `
  CREATE SCHEMA s; CREATE TABLE s.t (id int PRIMARY KEY, "a ""b""" text); CREATE SEQUENCE s.q; CREATE VIEW s.v AS SELECT 1 AS one;
  CREATE MATERIALIZED VIEW s.m AS SELECT 1 AS one; CREATE FUNCTION s.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE PROCEDURE s.p() LANGUAGE sql AS ''; CREATE AGGREGATE s.sum(int) (sfunc = int4pl, stype = int);
  CREATE DOMAIN s.d AS int; CREATE TYPE s.e AS ENUM ('a'); CREATE PUBLICATION pub;
  CREATE FUNCTION s.et() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
  CREATE EVENT TRIGGER et ON ddl_command_end WHEN TAG IN ('CREATE CAST') EXECUTE FUNCTION s.et();
  CREATE SUBSCRIPTION sub CONNECTION 'host=192.0.2.1' PUBLICATION far WITH (connect = false, slot_name = NONE);
  CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE s.ft (a int) SERVER far;
  SELECT lo_create(4711);`;

/** Every kind of object that pg_dump writes security labels of. */
const labelled = [
  'SCHEMA s',
  'TABLE s.t',
  'COLUMN s.t."a ""b"""',
  'SEQUENCE s.q',
  'VIEW s.v',
  'COLUMN s.v.one',
  'MATERIALIZED VIEW s.m',
  'FUNCTION s.f(int)',
  'PROCEDURE s.p()',
  'AGGREGATE s.sum(int)',
  'DOMAIN s.d',
  'TYPE s.e',
  'PUBLICATION pub',
  'EVENT TRIGGER et',
  'SUBSCRIPTION sub',
  'FOREIGN TABLE s.ft',
  'LARGE OBJECT 4711',
  'LANGUAGE plpgsql',
];

/** Makes a database whose objects, and itself, carry labels of the provider `dummy`. */
export async function labelDatabase(server: PostgresConnection, database: string): Promise<void> {
  const name = pg.escapeIdentifier(database);
  const admin = new pg.Client(server);
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.query(`CREATE ROLE labelled`);
  await admin.query(`SECURITY LABEL FOR dummy ON ROLE labelled IS 'secret'`);
  await admin.query(`SECURITY LABEL FOR dummy ON DATABASE ${name} IS 'top secret'`);
  await admin.end();
  const client = new pg.Client({ ...server, database });
  await client.connect();
  await client.query(objects);
  for (const object of labelled) await client.query(`SECURITY LABEL FOR dummy ON ${object} IS 'classified'`);
  await client.query('ALTER TABLE s.t OWNER TO labelled');
  await client.end();
}

/** Changes the labels of a table and of the database itself. */
export async function changeLabels(connection: PostgresConnection): Promise<void> {
  const client = new pg.Client(connection);
  await client.connect();
  await client.query(`SECURITY LABEL FOR dummy ON TABLE s.t IS 'secret'`);
  await client.query(`SECURITY LABEL FOR dummy ON DATABASE ${pg.escapeIdentifier(connection.database!)} IS 'secret'`);
  await client.end();
}
