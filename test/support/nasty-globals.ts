/** Roles, memberships and settings of a cluster, named and set as nobody would, and everybody does once. */
import { chown, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { quoteIdentifier, quoteLiteral } from '../../src/sources/postgres/quote.ts';
import type { Throwaway } from '../../src/sources/postgres/throwaway.ts';

/** Every one is a role of the nasty cluster. */
export const nastyNames = [
  'plain',
  'Upper Case',
  'quo"te',
  "apo'strophe",
  'line\nbreak',
  '\\! touch /tmp/holdfast-psql-was-here',
  'semi;colon -- comment',
  '$holdfast$; DROP ROLE plain; $holdfast$',
  '$holdfast1$',
  ':plain :"plain" :\'plain\'',
  'ünïcødé 日本 🔐',
  'PG_monitor',
  '_pg_read_all_data',
  'user',
  'current_user',
  'all',
  'a'.repeat(63),
  ' leading and trailing ',
  'tab\tand\rreturn',
  'per%cent %s %I',
] as const;

export const passwords: Readonly<Record<string, string>> = {
  plain: 'simple',
  'Upper Case': `a'b"c\\d$e;f -- g /* h */`,
  'quo"te': 'pä\nss 🔑',
};

/** MD5 in old clusters. */
export const md5Role = "apo'strophe";

/** Fills an empty cluster. Tablespaces lie in directories beside that of the cluster. */
export async function makeNastyGlobals(client: pg.Client, cluster: Throwaway): Promise<void> {
  const run = (text: string) => client.query(text);
  const id = quoteIdentifier;
  for (const name of nastyNames) await run(`CREATE ROLE ${id(name)}`);
  for (const [name, password] of Object.entries(passwords)) {
    await run(`ALTER ROLE ${id(name)} LOGIN PASSWORD ${quoteLiteral(password)}`);
  }
  await run(
    `SET password_encryption = 'md5'; ALTER ROLE ${id(md5Role)} LOGIN PASSWORD 'old'; RESET password_encryption`,
  );
  await run(
    `ALTER ROLE plain CREATEDB CREATEROLE REPLICATION CONNECTION LIMIT 7 VALID UNTIL '2031-02-03 04:05:06.789+02'`,
  );
  await run(`ALTER ROLE "Upper Case" NOINHERIT SUPERUSER BYPASSRLS CONNECTION LIMIT 0 VALID UNTIL 'infinity'`);
  for (const name of nastyNames) await run(`COMMENT ON ROLE ${id(name)} IS ${quoteLiteral(`about ${name}`)}`);
  await run(`COMMENT ON ROLE pg_monitor IS 'it''s watched'`);

  await run(`GRANT ${id('quo"te')} TO plain WITH ADMIN OPTION`);
  await run(`GRANT ${id('line\nbreak')} TO ${id('quo"te')}, ${id('semi;colon -- comment')}`);
  await run(`SET ROLE plain; GRANT ${id('quo"te')} TO ${id('$holdfast1$')} WITH ADMIN OPTION; RESET ROLE`);
  await run(`SET ROLE ${id('$holdfast1$')}; GRANT ${id('quo"te')} TO ${id('user')}; RESET ROLE`);
  await run(`GRANT pg_monitor, pg_read_all_data TO plain; GRANT plain TO postgres; GRANT postgres TO ${id('all')}`);

  const set = (whose: string, what: string) => run(`ALTER ${whose} SET ${what}`);
  await set('ROLE plain', `search_path = "$user", public, "Odd, ""name""", ''`);
  await set('ROLE plain', `application_name = 'it''s \\ a "name" = '`);
  await set('ROLE plain', `DateStyle = 'German, DMY'`);
  await set(`ROLE ${id('all')}`, `local_preload_libraries = '$libdir/plugins/a', 'b c'`);
  await set('ROLE plain', `temp_tablespaces = fast, "Big one"`);
  await set('ROLE plain', `my_app."Tenant" = 'line\nbreak, ü'`);
  await set('ROLE plain', `work_mem = '64MB'`);
  await set(`ROLE ${id('quo"te')}`, `role = plain`);
  await set(`ROLE ${id('$holdfast$; DROP ROLE plain; $holdfast$')}`, `my_app.text = '$holdfast$ $holdfast1$ $$'`);
  await set(`ROLE ${id('user')}`, `search_path = ''`);
  await set('ROLE ALL', `statement_timeout = '3h'`);
  await run('CREATE DATABASE shop');
  await set('DATABASE shop', `timezone = 'Europe/Paris'`);
  await set('DATABASE postgres', `my_app."Where" = 'postgres'`);
  await set('ROLE plain IN DATABASE shop', `work_mem = '1MB'`);
  await set('ROLE plain IN DATABASE postgres', `work_mem = '2MB'`);

  for (const [name, clauses] of [
    ['fast', 'OWNER plain'],
    ['Big one', `OWNER ${id('Upper Case')}`],
  ] as const) {
    const directory = await makeTablespaceDirectory(cluster, name);
    await run(
      `CREATE TABLESPACE ${id(name)} ${clauses} LOCATION ${quoteLiteral(directory)} WITH (random_page_cost = 1.1)`,
    );
  }
  await run(`GRANT CREATE ON TABLESPACE fast TO ${id('quo"te')} WITH GRANT OPTION`);
  await run(`COMMENT ON TABLESPACE fast IS 'it''s fast'`);
  await run(
    `SET SESSION AUTHORIZATION ${id('quo"te')}; GRANT CREATE ON TABLESPACE fast TO PUBLIC; RESET SESSION AUTHORIZATION`,
  );

  await run(`GRANT SET, ALTER SYSTEM ON PARAMETER log_statement TO plain WITH GRANT OPTION`);
  await run(`GRANT SET ON PARAMETER my_app."Tenant" TO ${id('all')}`);
  await run(
    `SET SESSION AUTHORIZATION plain; GRANT SET ON PARAMETER log_statement TO ${id('user')}; RESET SESSION AUTHORIZATION`,
  );
  await run('SET allow_system_table_mods = on');
  await run(
    `INSERT INTO pg_shseclabel SELECT oid, 'pg_authid'::regclass, 'dummy', 'it''s secret' FROM pg_authid WHERE rolname = 'user'`,
  );
  await run('RESET allow_system_table_mods');
}

export function tablespaceDirectory(cluster: Throwaway, name: string): string {
  return join(cluster.directory, `space ${name}`);
}

/** Empty, and the property of the account that runs the server. */
export async function makeTablespaceDirectory(cluster: Throwaway, name: string): Promise<string> {
  const directory = tablespaceDirectory(cluster, name);
  const { uid, gid } = await stat(join(cluster.directory, 'data'));
  await mkdir(directory, { mode: 0o700 });
  await chown(directory, uid, gid);
  return directory;
}
