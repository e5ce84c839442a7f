import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backup } from '../../src/jobs/backup.ts';
import { fillDemoDatabase } from '../../src/jobs/demo/database.ts';
import { awkwardTable } from '../../src/jobs/demo/schema.ts';
import { fillDemoTree } from '../../src/jobs/demo/tree.ts';
import { findBinaries } from '../../src/sources/postgres/binaries.ts';
import { libpqEnvironment } from '../../src/sources/postgres/connection.ts';
import { useCluster } from '../support/postgres.ts';
import { recover, recoveryToolbox, treeFacts } from '../support/recovery-run.ts';
import { RecoverySite } from '../support/recovery-site.ts';
import { RepositoryFixture, writeSnapshot } from '../support/repository-fixture.ts';
import { forEveryRun } from '../support/thorough.ts';

/** Real backups, restored with nothing but a copy of the site and what stands on the escrow sheet. */

const cluster = useCluster();
const fixture = new RepositoryFixture();
afterAll(() => rm(fixture.directory, { recursive: true }));
const tree = join(fixture.directory, 'tree');
let site: RecoverySite;

/** Databases whose properties differ, and that hold little. */
const odd = [
  {
    name: 'bytes',
    create: `CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'`,
    content: `SET client_encoding = 'SQL_ASCII'; CREATE TABLE "t \u00e9" (b text); INSERT INTO "t \u00e9" VALUES (E'\\xe9\\xff\\t'), ('x')`,
  },
  {
    name: 'latin',
    create: `CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'`,
    content: `CREATE SCHEMA alone; CREATE TABLE alone.t (b text); INSERT INTO alone.t VALUES ('caf\u00e9'); DROP SCHEMA public`,
  },
  {
    name: 'icu',
    create: `CREATE DATABASE icu TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'fr-FR'`,
    content: `CREATE TABLE t (b text PRIMARY KEY, w text COLLATE "de-x-icu"); INSERT INTO t VALUES ('é', 'ß'), ('E', 'ss')`,
  },
];

beforeAll(async () => {
  await fillDemoTree(tree, { seed: 'recovery', files: 150, megabytes: 12 });
  const connection = await cluster.createDatabase('original');
  await fillDemoDatabase(connection, { seed: 'recovery', megabytes: 20 });
  const client = await cluster.client('original');
  await client.query(`
    CREATE TABLE public."a,b "" 'c' \\d :e {f} $(g)" ("x ""y""" text, total int GENERATED ALWAYS AS (length("x ""y""")) STORED);
    INSERT INTO public."a,b "" 'c' \\d :e {f} $(g)" VALUES (E'\\\\.'), (E'tab\\tnewline\\nback\\\\slash'), (NULL), (''), ('\\N');
    CREATE ROLE "role ""of"" recovery" NOLOGIN;
    ALTER TABLE public."a,b "" 'c' \\d :e {f} $(g)" OWNER TO "role ""of"" recovery";
    CREATE TABLE checked_by_others (id int PRIMARY KEY);
    CREATE FUNCTION known(int) RETURNS boolean LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM public.checked_by_others WHERE id = $1)';
    CREATE TABLE a_checks_them (id int CHECK (public.known(id)));
    INSERT INTO checked_by_others VALUES (7); INSERT INTO a_checks_them VALUES (7);`);
  for (const { name, create, content } of odd) {
    await client.query(create);
    const there = await cluster.client(name);
    await there.query(content);
  }
  await fixture.init();
  const access = await fixture.access();
  const report = await backup(access, {
    sources: [
      { type: 'files', name: 'papers', path: tree, exclude: [], oneFileSystem: false },
      { type: 'postgres', name: 'shop', connection, excludeTables: [] },
      ...odd.map(({ name }) => ({
        type: 'postgres' as const,
        name,
        connection: { ...connection, database: name },
        excludeTables: [],
      })),
    ],
    tags: [],
    env: process.env,
  });
  expect(report.sources.map(({ source, outcome }) => `${source} ${outcome}`)).toEqual(
    ['papers', 'shop', ...odd.map(({ name }) => name)].map((name) => `${name} done`),
  );
  await writeSnapshot(access, 'dump', { 'dump.bin': Buffer.from('one\ntwo\0') });
  site = await RecoverySite.copyOf(fixture, access);
  // Nothing but the copy may be used from here on.
  await rm(fixture.sitePath, { recursive: true });
});

/** The whole database as pg_dump tells it; rows sorted, since a recovery may load them in another order. */
async function dumpOf(database: string): Promise<{ schema: string; everything: string[] }> {
  const { directory } = await findBinaries({ programs: ['pg_dump'], path: process.env.PATH });
  const dump = async (...arguments_: string[]) => {
    const { stdout } = await execa(join(directory, 'pg_dump'), arguments_, {
      encoding: 'latin1',
      extendEnv: false,
      env: libpqEnvironment({ ...cluster.connection, database }),
      maxBuffer: 512 * 1024 * 1024,
    });
    // A random word that pg_dump makes anew each time.
    return stdout.replace(/^\\(un)?restrict .*$/gm, '');
  };
  return { schema: await dump('--schema-only'), everything: (await dump()).split('\n').sort() };
}

async function expectEqualDatabases(database: string, before = 'original', lines = 10_000): Promise<void> {
  const [original, restored] = [await dumpOf(before), await dumpOf(database)];
  expect(restored.schema).toBe(original.schema);
  expect(original.everything.length).toBeGreaterThan(lines);
  // Not toEqual: a difference in so many lines would take minutes to print.
  expect(restored.everything.find((line, i) => line !== original.everything[i])).toBeUndefined();
  expect(restored.everything.length).toBe(original.everything.length);
}

const server = () => libpqEnvironment(cluster.connection);

describe('recover.sh', () => {
  it('lists what is on the site', async () => {
    const { status, listed, said } = await recover([...site.facts, '--list'], { script: site.script });
    expect({ status, said }).toEqual({ status: 0, said: '' });
    expect(listed).toMatch(/^papers \([0-9a-f]{32}\)$/m);
    expect(listed).toMatch(/^ +1 {2}\d{4}-.*Z {2}[0-9a-f]{16} {2}postgres by web1 {2}tables \d+, rows \d+/m);
  });

  it('restores a tree with everything about it', async () => {
    const to = await site.target('-rf a place with "quotes"');
    const { status, said } = await recover([...site.facts, '--source', 'papers', '--to', to], { script: site.script });
    expect(said).not.toMatch(/NOTE|WARNING/);
    expect({ status, last: said.split('\n').at(-1) }).toMatchObject({
      status: 0,
      last: expect.stringMatching(/^Restored: \d+ entries/),
    });
    const facts = treeFacts(tree);
    expect(facts.length).toBeGreaterThan(300);
    expect(treeFacts(to)).toEqual(facts);
    const [before, after] = [tree, to].map((root) => join(root, 'odd ones', 'sparse.img'));
    expect((await stat(after!)).blocks).toBe((await stat(before!)).blocks);
  });

  it('builds the database, on a server that lacks its roles', async () => {
    const client = await cluster.client('original');
    await client.query(`ALTER ROLE "role ""of"" recovery" RENAME TO elsewhere`);
    const work = await site.target('work');
    await mkdir(work);
    const { status, said } = await recover(
      [...site.facts, '--source', 'shop', '--database', `sh"o'p \\ 2`, '--work', work],
      { script: site.script, environment: server() },
    );
    expect({ status, said }).toMatchObject({ status: 0 });
    expect(said).toContain('Made: role "role ""of"" recovery"');
    expect(said).toMatch(/Table 1 of \d+: /);
    expect(await readdir(work)).toEqual([]);
    await client.query(`REASSIGN OWNED BY elsewhere TO "role ""of"" recovery"; DROP ROLE elsewhere`);
    await expectEqualDatabases(`sh"o'p \\ 2`);
    const again = await recover([...site.facts, '--source', 'shop', '--database', `sh"o'p \\ 2`, '--work', work], {
      script: site.script,
      environment: server(),
    });
    expect(again.status).toBe(1);
    expect(again.said).toContain('exists already');
  });

  it.each(forEveryRun(odd, ({ name }) => name === 'bytes'))(
    'builds a database of other properties: $name',
    async ({ name }) => {
      const work = await site.target('work');
      await mkdir(work);
      const built = `${name} again`;
      const { status, said } = await recover([...site.facts, '--source', name, '--database', built, '--work', work], {
        script: site.script,
        environment: server(),
      });
      expect({ status, said }).toMatchObject({ status: 0 });
      await expectEqualDatabases(built, name, 20);
      const client = await cluster.client();
      const { rows } = await client.query(
        `SELECT to_jsonb(d) - '{oid,datname,datfrozenxid,datminmxid}'::text[] AS all FROM pg_database d WHERE datname = ANY ($1)`,
        [[name, built]],
      );
      expect(rows.length).toBe(2);
      expect(rows[1]).toEqual(rows[0]);
    },
  );

  it('gives a database as plain files, of which psql and pg_restore build it', async () => {
    const to = await site.target();
    const { status, said } = await recover([...site.facts, '--source', 'shop', '--to', to], { script: site.script });
    expect({ status, said }).toMatchObject({ status: 0 });
    const toolbox = await recoveryToolbox();
    // As RECOVERY.md tells.
    const run = (program: string, ...arguments_: string[]) =>
      execa(join(toolbox, program), arguments_, {
        cwd: to,
        extendEnv: false,
        env: { ...server(), PATH: toolbox, PGDATABASE: 'by_hand' },
      });
    await cluster.createDatabase('by_hand');
    const psql = ['-X', '-q', '-v', 'ON_ERROR_STOP=1'];
    await run('psql', ...psql, '-f', 'roles.sql');
    await run('pg_restore', '--section=pre-data', '-d', 'by_hand', 'schema.dump');
    const load = await readFile(join(to, 'load.sql'), 'utf8');
    const byHand = [...load.matchAll(/^-- (tables\/\d+\.copy): a name has/gm)].map((match) => match[1]!);
    expect(byHand.length, 'names with a tab or a backslash').toBe(2);
    // The table whose CHECK reads another one comes first in some orders; then psql stops there, and goes on without.
    await execa(join(toolbox, 'psql'), ['-X', '-q', '-f', 'load.sql'], {
      cwd: to,
      extendEnv: false,
      env: { ...server(), PATH: toolbox, PGDATABASE: 'by_hand' },
    });
    const tables = (await readFile(join(to, 'tables.ndjson'), 'utf8')).trim().split('\n');
    for (const file of byHand) {
      const line = JSON.parse(tables[Number(/\d+/.exec(file)![0]) - 1]!) as { name: string; columns: string[] };
      const target = line.name.startsWith('a,b') ? `public."a,b "" 'c' \\d :e {f} $(g)" ("x ""y""")` : awkwardTable;
      await execa(join(toolbox, 'psql'), [...psql, '-c', `COPY ${target} FROM STDIN`], {
        extendEnv: false,
        env: { ...server(), PATH: toolbox, PGDATABASE: 'by_hand', PGCLIENTENCODING: 'UTF8' },
        input: await readFile(join(to, file)),
      });
    }
    const client = await cluster.client('by_hand');
    const { rows } = await client.query('SELECT count(*)::int AS count FROM a_checks_them');
    // It stood before the table that its CHECK reads: its line is run again.
    if (rows[0].count === 0) await run('psql', ...psql, '-c', /^\\copy .*a_checks_them.*$/m.exec(load)![0]);
    await run('psql', ...psql, '-f', 'sequences.sql');
    await run('psql', ...psql, '-f', 'large-objects.sql');
    await run('pg_restore', '--section=post-data', '-d', 'by_hand', 'schema.dump');
    await expectEqualDatabases('by_hand');
  });

  it('gives the output of a command', async () => {
    const to = await site.target();
    const { status } = await recover([...site.facts, '--source', 'dump', '--to', to], { script: site.script });
    expect(status).toBe(0);
    expect(await readFile(join(to, 'dump.bin'), 'latin1')).toBe('one\ntwo\0');
    expect(await readdir(to)).toEqual(['dump.bin']);
  });

  it('is not needed: the commands that RECOVERY.md gives for a recovery by hand do it too', async () => {
    const text = (await site.read('RECOVERY.md')).toString();
    const commands = /^```bash by-hand\n(.*?)^```$/ms.exec(text)![1]!;
    const newest = await site.newest('papers');
    const toolbox = await recoveryToolbox();
    const { stdout } = await execa(join(toolbox, 'bash'), ['-euo', 'pipefail', '-c', `${commands}pwd`], {
      extendEnv: false,
      env: {
        PATH: toolbox,
        TMPDIR: fixture.directory,
        SITE: site.path,
        IDENTITY: site.identityFile,
        PARTY: 'anna',
        SOURCE: newest.source,
        SNAPSHOT: newest.id,
      },
    });
    const lines = stdout.split('\n');
    const directory = lines.at(-1)!;
    expect(lines).toContain(`${newest.manifest.sha256}  manifest.ndjson`);
    const manifest = (await readFile(join(directory, 'manifest.ndjson'), 'utf8')).trim().split('\n');
    const first = manifest.map((line) => JSON.parse(line)).find((line) => line.stream);
    expect((await readFile(join(directory, 'content'))).equals(await readFile(join(tree, first.path)))).toBe(true);
    expect(manifest.length).toBe(1 + treeFacts(tree).filter((fact) => /^\..* -> /s.test(fact)).length);
  });

  it('needs no index object', async () => {
    const source = await site.source('dump');
    await rm(join(site.path, source.layout.index), { recursive: true });
    const to = await site.target();
    const { status } = await recover([...site.facts, '--source', 'dump', '--to', to], { script: site.script });
    expect(status).toBe(0);
    expect(await readFile(join(to, 'dump.bin'), 'latin1')).toBe('one\ntwo\0');
  });

  it('restores nothing over what exists, and wants every question answered', async () => {
    const to = await site.target();
    await mkdir(to);
    await writeFile(join(to, 'mine'), 'kept');
    const over = await recover([...site.facts, '--source', 'dump', '--to', to], { script: site.script });
    expect(over).toMatchObject({ status: 1, said: expect.stringContaining('is not empty') });
    expect(await readdir(to)).toEqual(['mine']);
    for (const wrong of [
      [],
      ['--lst'],
      ['--source', 'dump'],
      ['--source', 'dump', '--to', to, '--database', 'x'],
      ['--source', 'dump', '--database', 'x'],
      ['--list', '--to', to],
    ]) {
      const { status, said } = await recover([...site.facts.slice(wrong.length === 0 ? 2 : 0), ...wrong], {
        script: site.script,
      });
      expect({ wrong, status, said }).toMatchObject({ status: 2, said: expect.stringContaining('Usage: recover.sh') });
    }
  });
});
