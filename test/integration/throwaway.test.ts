import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientPrograms, findBinaries, listBinaries, serverPrograms } from '../../src/sources/postgres/binaries.ts';
import { processLives } from '../../src/sources/postgres/owner-mark.ts';
import { removeLeakedThrowaways, startThrowaway } from '../../src/sources/postgres/throwaway.ts';
import { startTestCluster, useCluster } from '../support/postgres.ts';

const environment = process.env;
const isRoot = process.getuid?.() === 0;
let work: string;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'holdfast-throwaway-test-'));
  await chmod(work, 0o711);
});
afterAll(() => rm(work, { recursive: true, force: true }));

async function answer(connection: pg.ClientConfig, sql: string): Promise<unknown> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    return Object.values((await client.query(sql)).rows[0])[0];
  } finally {
    await client.end();
  }
}

describe('binaries', () => {
  it('are found with their version, the newest first', async () => {
    const all = await listBinaries({ programs: [...serverPrograms, ...clientPrograms], path: environment.PATH });
    expect(all.length).toBeGreaterThan(0);
    for (const { major, version, directory } of all) {
      expect(major).toBeGreaterThanOrEqual(14);
      expect(version.startsWith(`${major}`)).toBe(true);
      expect((await stat(join(directory, 'pg_dump'))).isFile()).toBe(true);
    }
    expect(all.map(({ major }) => major)).toEqual(all.map(({ major }) => major).sort((a, b) => b - a));
  });

  it('are found on a PATH, by pg_config, and by version', async () => {
    const fake = async (name: string, programs: Record<string, string>) => {
      const directory = join(work, name);
      await mkdir(directory, { recursive: true });
      for (const [program, says] of Object.entries(programs)) {
        await writeFile(join(directory, program), `#!/bin/sh\necho '${says}'\n`, { mode: 0o755 });
      }
      return directory;
    };
    const tool = (version: string) => ({ pg_dump: `pg_dump (PostgreSQL) ${version}`, pg_restore: 'x' });
    const a = await fake('debian/16/bin', tool('16.9 (Debian 16.9-1)'));
    const b = await fake('path', tool('16.10'));
    const c = await fake('by-config', tool('18beta1'));
    const d = await fake('newest', tool('18.0'));
    const configured = await fake('config', { pg_config: c });
    await fake('half', { pg_dump: 'pg_dump (PostgreSQL) 19.0' });
    const search = {
      programs: clientPrograms,
      path: `${b}:${join(work, 'half')}::${configured}:${d}:${b}:/does/not/exist`,
      debianDirectory: join(work, 'debian'),
    };
    expect((await listBinaries(search)).map(({ directory }) => directory)).toEqual([d, c, b, a]);
    expect(await findBinaries({ ...search, major: 16 })).toEqual({ major: 16, version: '16.10', directory: b });
    expect((await findBinaries({ ...search, oldest: 17 })).directory).toBe(d);
    await expect(findBinaries({ ...search, major: 17 })).rejects.toMatchObject({
      code: 'tool-missing',
      why: 'Found only version 18, 16.',
      hint: expect.stringContaining('apt-get install --no-install-recommends postgresql-client-17'),
    });
    await expect(findBinaries({ programs: serverPrograms, debianDirectory: work, path: '' })).rejects.toMatchObject({
      code: 'tool-missing',
      hint: expect.stringMatching(/apt-get install --no-install-recommends postgresql$/),
    });
  });
});

describe('a throw-away cluster', () => {
  const cluster = useCluster({ settings: { work_mem: '7MB' } });

  it('answers on its socket, with its settings, as an unprivileged account', async () => {
    const client = await cluster.client();
    const { rows } = await client.query(
      `SELECT current_setting('work_mem') AS memory, current_setting('listen_addresses') AS addresses,
              current_setting('fsync') AS fsync, current_setting('server_encoding') AS encoding,
              pg_catalog.version() AS version`,
    );
    expect(rows[0]).toMatchObject({ memory: '7MB', addresses: '', fsync: 'off', encoding: 'UTF8' });
    expect(rows[0].version).toContain(`PostgreSQL ${cluster.throwaway.binaries.version}`);
    const status = await readFile(`/proc/${cluster.throwaway.pid}/status`, 'utf8');
    expect(/^Uid:\t(\d+)/m.exec(status)?.[1] !== '0').toBe(true);
    if (isRoot) expect(/^Groups:(.*)$/m.exec(status)?.[1]?.trim()).toBe('');
  });

  it('lets nobody else in', async () => {
    const { connection, directory } = cluster.throwaway;
    expect((await stat(connection.host)).mode & 0o777).toBe(0o700);
    expect((await stat(join(directory, 'data'))).mode & 0o777).toBe(0o700);
    expect(Buffer.byteLength(join(connection.host, `.s.PGSQL.${connection.port}`))).toBeLessThanOrEqual(107);
    const { uid } = await stat(join(directory, 'data'));
    expect((await stat(directory)).uid === uid).toBe(!isRoot);
  });

  it('gives databases in any encoding', async () => {
    const latin = await cluster.createDatabase('Ödd "name"', { encoding: 'LATIN1', locale: 'C' });
    expect(await answer(latin, 'SHOW server_encoding')).toBe('LATIN1');
  });

  it('takes locale, encoding and initdb arguments', async () => {
    await using other = await startTestCluster({
      locale: 'C',
      encoding: 'SQL_ASCII',
      initdbArguments: ['--data-checksums'],
    });
    expect(await answer(other.connection, 'SHOW server_encoding')).toBe('SQL_ASCII');
    expect(await answer(other.connection, 'SHOW data_checksums')).toBe('on');
  });

  it('stops with sessions open, and removes every trace', async () => {
    const one = await startTestCluster();
    const client = new pg.Client(one.connection);
    client.on('error', () => {});
    await client.connect();
    await client.query('BEGIN; CREATE TABLE t ()');
    await one.stop();
    expect(await processLives(one.pid)).toBe(false);
    await one.stop();
    await one.remove();
    await expect(stat(one.directory)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(stat(one.connection.host)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('refuses a directory that holds something, and leaves it alone', async () => {
    const directory = join(work, 'taken');
    await mkdir(directory);
    await writeFile(join(directory, 'mine'), 'x');
    await expect(startThrowaway({ directory, environment })).rejects.toMatchObject({ code: 'target-exists' });
    expect(await readdir(directory)).toEqual(['mine']);
  });

  it('says why it did not start, and leaves nothing', async () => {
    const directory = join(work, 'bad');
    await expect(
      startThrowaway({ directory, environment, settings: { shared_buffers: 'plenty' } }),
    ).rejects.toMatchObject({ code: 'target-failed', why: expect.stringContaining('shared_buffers') });
    await expect(startThrowaway({ directory, environment, locale: 'xx_XX' })).rejects.toMatchObject({
      code: 'target-failed',
      why: expect.stringContaining('locale'),
    });
    await expect(startThrowaway({ directory, environment, major: 9 })).rejects.toMatchObject({ code: 'tool-missing' });
    await expect(stat(directory)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('needs an account that exists and reaches the directory as root, and none otherwise', async () => {
    const nameless = { directory: join(work, 'x'), environment, unprivilegedUser: 'no-such-account' };
    if (!isRoot) {
      await using own = await startThrowaway(nameless);
      expect((await stat(join(own.directory, 'data'))).uid).toBe(process.getuid?.());
      return;
    }
    await expect(startThrowaway(nameless)).rejects.toMatchObject({ code: 'tool-missing' });
    const closed = join(work, 'closed');
    await mkdir(closed, { mode: 0o700 });
    await expect(startThrowaway({ directory: join(closed, 'x'), environment })).rejects.toMatchObject({
      code: 'target-failed',
      hint: expect.stringContaining('o+x'),
    });
  });
});

describe('clusters of killed runs', () => {
  const module = new URL('../../src/sources/postgres/throwaway.ts', import.meta.url).href;

  async function startInChild(directory: string, then: string) {
    const code = `
      import { startThrowaway } from ${JSON.stringify(module)};
      const t = await startThrowaway({ directory: ${JSON.stringify(directory)}, environment: process.env });
      console.log(JSON.stringify({ pid: t.pid, host: t.connection.host }));
      ${then}`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(child.stdout, 'data');
    return { child, ...(JSON.parse(String(line)) as { pid: number; host: string }) };
  }

  it('are found and removed; those of running processes and other directories are not', async () => {
    const parent = join(work, 'parent');
    await mkdir(join(parent, 'other'), { recursive: true });
    await writeFile(
      join(parent, 'other', 'owner.json'),
      JSON.stringify({ pid: 1, startTime: '0', socketDirectory: work }),
    );
    await using mine = await startThrowaway({ directory: join(parent, 'mine'), environment });
    const { child, pid, host } = await startInChild(join(parent, 'leaked'), 'setInterval(() => {}, 1000);');
    expect(await removeLeakedThrowaways(parent)).toEqual([]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await processLives(pid)).toBe(true);
    expect(await removeLeakedThrowaways(parent)).toEqual([join(parent, 'leaked')]);
    expect(await processLives(pid)).toBe(false);
    await expect(stat(host)).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await readdir(parent)).sort()).toEqual(['mine', 'other']);
    expect(await answer(mine.connection, 'SELECT 1')).toBe(1);
    expect(await removeLeakedThrowaways(join(work, 'nowhere'))).toEqual([]);
  });

  it('do not keep running when their owner merely exits', async () => {
    const { child, pid } = await startInChild(join(work, 'exits'), 'process.exit(3);');
    if (child.exitCode === null) await once(child, 'exit');
    await expect.poll(() => processLives(pid), { timeout: 5000 }).toBe(false);
    expect(await removeLeakedThrowaways(work)).toEqual([join(work, 'exits')]);
  });
});
