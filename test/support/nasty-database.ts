import pg from 'pg';
import {
  nastyCode,
  nastyConstraints,
  nastyEventTrigger,
  nastyReverseCompare,
  nastyRights,
  nastyRoles,
} from './nasty-objects.ts';
import { nastyColumns, nastyNames, nastyPartitions, nastySequences, nastyTypes, nastyUnicode } from './nasty-tables.ts';

/** Parts that depend on the server: by its version, its build and its extensions. */
export interface NastyParts {
  /** Names of the parts that were made beside those every server has. */
  made: string[];
}

/**
 * Fills an empty database in UTF8, LATIN1 or SQL_ASCII with everything that a backup may lose. Needs a superuser called
 * `postgres`; makes roles in the cluster. Holds a disabled subscription: drop it (`nasty_subscription`) before the database.
 */
export async function fillNastyDatabase(client: pg.Client): Promise<NastyParts> {
  await client.query(`SET TimeZone = 'UTC'; SET lc_monetary = 'C'; SET client_min_messages = error`);
  const { rows } = await client.query(
    `SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding`,
  );
  const { version, encoding }: { version: number; encoding: string } = rows[0];
  const run = (part: string, sql: string) => runPart(client, part, fitting(sql, encoding));
  for (const role of nastyRoles) {
    const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
    if (rowCount === 0) await client.query(`CREATE ROLE ${pg.escapeIdentifier(role)}`);
  }
  await client.query('CREATE SCHEMA nasty');
  for (const [part, sql] of [
    ['types', nastyTypes],
    ['partitions', nastyPartitions],
    ['columns', nastyColumns],
    ...(encoding === 'UTF8' ? ([['unicode', nastyUnicode]] as const) : []),
    ['names', nastyNames],
    ['sequences', nastySequences],
    ['constraints', nastyConstraints],
    ['comparison', nastyReverseCompare],
    ['code', nastyCode],
    ['rights', nastyRights],
  ] as const) {
    await run(part, sql);
  }
  const made: string[] = [];
  for (const { name, sql, from = 0, when } of serverDependent) {
    if (version < from || (when !== undefined && (await client.query(when)).rowCount === 0)) continue;
    await run(name, sql);
    made.push(name);
  }
  // Last, so that it does not fire for what is made above.
  await run('event trigger', nastyEventTrigger);
  // Not the whole database: that would try to reach the foreign server of a partition.
  await client.query('ANALYZE nasty.indexed, nasty.texts; RESET ALL');
  return { made };
}

/** SQL in characters that the encoding of the database has. */
function fitting(sql: string, encoding: string): string {
  if (encoding === 'UTF8') return sql;
  // A server that knows no characters counts bytes, and takes none from an escape beyond ASCII.
  if (encoding === 'SQL_ASCII') return sql.replaceAll("'äöü'", "'ä'").replaceAll('\\u00e9', '\\u0065');
  return sql.replace(/[^\0-\u00ff]/gu, '¿');
}

async function runPart(client: pg.Client, part: string, sql: string): Promise<void> {
  try {
    await client.query(sql);
  } catch (cause) {
    const { message, position } = cause as { message: string; position?: string };
    const near = position === undefined ? '' : ` near ${JSON.stringify(sql.slice(Number(position) - 1).slice(0, 80))}`;
    throw new Error(`${part}: ${message}${near}`, { cause });
  }
}

/**
 * Gives the database defaults that break a careless client: each changes how values are written, or what a session
 * may do. Only sessions that start later see them.
 */
export async function setHostileDefaults(client: pg.Client): Promise<void> {
  const name = pg.escapeIdentifier(client.database!);
  for (const setting of [
    `DateStyle = 'German, DMY'`,
    `IntervalStyle = 'sql_standard'`,
    `TimeZone = 'America/St_Johns'`,
    'extra_float_digits = -15',
    `bytea_output = 'escape'`,
    `client_encoding = 'LATIN1'`,
    'search_path = nasty, pg_temp',
    'default_transaction_read_only = on',
    `default_transaction_isolation = 'serializable'`,
    'default_transaction_deferrable = on',
    'statement_timeout = 50',
    'lock_timeout = 10',
    'idle_in_transaction_session_timeout = 100',
    'row_security = on',
    'quote_all_identifiers = on',
    'synchronize_seqscans = on',
    'standard_conforming_strings = off',
    'array_nulls = off',
    `xmloption = 'document'`,
    `session_replication_role = 'origin'`,
    `default_tablespace = ''`,
    `check_function_bodies = on`,
  ]) {
    await client.query(`ALTER DATABASE ${name} SET ${setting}`);
  }
}

const available = (extension: string) => `SELECT FROM pg_available_extensions WHERE name = '${extension}'`;

const serverDependent: readonly { name: string; sql: string; from?: number; when?: string }[] = [
  {
    name: 'extensions',
    when: available('hstore'),
    sql: `CREATE SCHEMA "ext schema"; CREATE EXTENSION hstore SCHEMA "ext schema";
      CREATE TABLE nasty.of_extension (id int, h "ext schema".hstore);
      INSERT INTO nasty.of_extension VALUES (1, '"it''s"=>"\\\\.", "n"=>NULL');
      CREATE INDEX of_extension_h ON nasty.of_extension USING gin (h);`,
  },
  {
    name: 'citext',
    when: available('citext'),
    sql: `CREATE EXTENSION citext SCHEMA public;
      CREATE TABLE nasty.insensitive (name public.citext PRIMARY KEY) PARTITION BY HASH (name);
      CREATE TABLE nasty.insensitive_0 PARTITION OF nasty.insensitive FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE nasty.insensitive_1 PARTITION OF nasty.insensitive FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      INSERT INTO nasty.insensitive VALUES ('A'), ('b'), ('Ç');`,
  },
  {
    name: 'btree_gist',
    when: available('btree_gist'),
    sql: `CREATE EXTENSION btree_gist SCHEMA public;
      CREATE TABLE nasty.booked (room int, during daterange, EXCLUDE USING gist (room WITH =, during WITH &&));
      INSERT INTO nasty.booked VALUES (1, '[2026-01-01,2026-02-01)'), (2, '[2026-01-01,2026-02-01)');`,
  },
  {
    name: 'an older extension version',
    when: `SELECT FROM pg_available_extension_versions WHERE name = 'pg_trgm' AND version = '1.3'`,
    sql: `CREATE EXTENSION pg_trgm SCHEMA "ext schema" VERSION '1.3';
      CREATE INDEX texts_trgm ON nasty.texts USING gin (t "ext schema".gin_trgm_ops);`,
  },
  {
    name: 'postgres_fdw',
    when: available('postgres_fdw'),
    // 192.0.2.1 is reserved for documentation: nothing answers there.
    sql: `CREATE EXTENSION postgres_fdw;
      CREATE SERVER "far away" TYPE 'x' VERSION '1' FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '192.0.2.1', dbname 'production', connect_timeout '1');
      CREATE USER MAPPING FOR nasty_owner SERVER "far away" OPTIONS (user 'u', password 'made up');
      CREATE USER MAPPING FOR PUBLIC SERVER "far away";
      GRANT USAGE ON FOREIGN SERVER "far away" TO nasty_member;
      CREATE FOREIGN TABLE nasty.far_table (id int OPTIONS (column_name 'ID'), t text DEFAULT 'x', CHECK (id > 0)) SERVER "far away" OPTIONS (table_name 'it''s');
      CREATE TABLE nasty.with_foreign_leaf (id int) PARTITION BY LIST (id);
      CREATE FOREIGN TABLE nasty.foreign_leaf PARTITION OF nasty.with_foreign_leaf FOR VALUES IN (1) SERVER "far away";
      CREATE TABLE nasty.local_leaf PARTITION OF nasty.with_foreign_leaf FOR VALUES IN (2);
      INSERT INTO nasty.local_leaf VALUES (2);
      COMMENT ON FOREIGN TABLE nasty.far_table IS 'foreign table'; COMMENT ON SERVER "far away" IS 'server';
      COMMENT ON FOREIGN DATA WRAPPER postgres_fdw IS 'wrapper'; GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO nasty_owner;`,
  },
  {
    name: 'file_fdw',
    when: available('file_fdw'),
    sql: `CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
      CREATE FOREIGN TABLE nasty.from_file (line text) SERVER files OPTIONS (filename '/nonexistent/nasty', format 'text');`,
  },
  {
    name: 'xml',
    when: `SELECT FROM pg_config WHERE name = 'CONFIGURE' AND setting LIKE '%--with-libxml%'`,
    sql: `CREATE TABLE nasty.xmls (x xml); SET xmloption = content;
      INSERT INTO nasty.xmls VALUES ('<a b="1">é</a>'), ('just <b>content</b>'), (xmlparse(DOCUMENT '<!DOCTYPE a><a/>'));`,
  },
  {
    name: 'icu collations',
    // ICU has no name for some encodings.
    when: `SELECT FROM pg_collation WHERE collprovider = 'i' AND getdatabaseencoding() <> 'SQL_ASCII'`,
    sql: `CREATE COLLATION nasty.ignores_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      COMMENT ON COLLATION nasty.ignores_case IS 'not deterministic';
      CREATE TABLE nasty.collated (t text COLLATE nasty.ignores_case PRIMARY KEY, c text COLLATE "C" UNIQUE);
      INSERT INTO nasty.collated VALUES ('Abc', 'B'), ('abd', 'a');
      CREATE TABLE nasty.by_collation (t text COLLATE nasty.ignores_case) PARTITION BY HASH (t);
      CREATE TABLE nasty.by_collation_0 PARTITION OF nasty.by_collation FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE nasty.by_collation_1 PARTITION OF nasty.by_collation FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      INSERT INTO nasty.by_collation VALUES ('x'), ('Y'), (NULL), ('é');`,
  },
  {
    name: 'since 15',
    from: 150_000,
    sql: `CREATE TABLE nasty.nulls_once (a int UNIQUE NULLS NOT DISTINCT); INSERT INTO nasty.nulls_once VALUES (NULL), (1);
      CREATE VIEW nasty.as_invoker WITH (security_invoker) AS SELECT id FROM nasty.secret;
      CREATE UNLOGGED SEQUENCE nasty.unlogged_sequence; SELECT nextval('nasty.unlogged_sequence');
      CREATE PUBLICATION nasty_filtered FOR TABLE nasty.triggered (id, t) WHERE (id > 1);
      CREATE PUBLICATION nasty_schema FOR TABLES IN SCHEMA "Nasty.Schema";
      CREATE TABLE nasty.set_null (a int, b int, FOREIGN KEY (a) REFERENCES nasty.cycle_a ON DELETE SET NULL (a));
      GRANT SET ON PARAMETER log_min_duration_statement TO nasty_member;`,
  },
  {
    name: 'since 16',
    from: 160_000,
    sql: `CREATE TABLE nasty.stored (t text STORAGE EXTERNAL, p text STORAGE PLAIN); INSERT INTO nasty.stored VALUES ('a', 'b');
      GRANT nasty_owner TO nasty_member WITH INHERIT FALSE, SET TRUE;`,
  },
  {
    name: 'since 17',
    from: 170_000,
    sql: `CREATE TABLE nasty.identity_partitioned (id int GENERATED ALWAYS AS IDENTITY, k int) PARTITION BY LIST (k);
      CREATE TABLE nasty.identity_leaf PARTITION OF nasty.identity_partitioned FOR VALUES IN (1, 2);
      INSERT INTO nasty.identity_partitioned (k) VALUES (1), (2), (1);
      INSERT INTO nasty.times (i) VALUES ('infinity'), ('-infinity');
      GRANT MAINTAIN ON nasty.texts TO nasty_member;`,
  },
  {
    name: 'since 18',
    from: 180_000,
    sql: `CREATE TABLE nasty.virtual (a int, v int GENERATED ALWAYS AS (a + 1) VIRTUAL, b int); INSERT INTO nasty.virtual (a, b) VALUES (1, 2);
      CREATE TABLE nasty.not_null_later (a int); INSERT INTO nasty.not_null_later VALUES (NULL);
      ALTER TABLE nasty.not_null_later ADD CONSTRAINT a_later NOT NULL a NOT VALID;
      CREATE TABLE nasty.not_enforced (a int, CONSTRAINT not_really CHECK (a > 0) NOT ENFORCED); INSERT INTO nasty.not_enforced VALUES (-1);`,
  },
];
