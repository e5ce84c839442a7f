import { createHash } from 'node:crypto';
import { lstat, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HoldfastEvent } from '../../src/base/events.ts';
import { churnDemoDatabase } from '../../src/jobs/demo/churn.ts';
import { fillDemoDatabase } from '../../src/jobs/demo/database.ts';
import { oddAttributes, oddNames, sparseSize } from '../../src/jobs/demo/odd-files.ts';
import { Random } from '../../src/jobs/demo/random.ts';
import { fillDemoTree, oddDirectory } from '../../src/jobs/demo/tree.ts';
import { useCluster } from '../support/postgres.ts';

describe('pseudo-random numbers', () => {
  it('follow from the seed, and are spread', () => {
    const draw = (seed: string) =>
      Array.from(
        { length: 20_000 },
        (
          (random) => () =>
            random.below(10)
        )(new Random(seed)),
      );
    expect(draw('a')).toEqual(draw('a'));
    expect(draw('a')).not.toEqual(draw('b'));
    for (let digit = 0; digit < 10; digit++) {
      const share = draw('a').filter((drawn) => drawn === digit).length / 20_000;
      expect(share).toBeGreaterThan(0.09);
      expect(share).toBeLessThan(0.11);
    }
    expect(new Random('a').uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Random('a').hex(7)).toHaveLength(7);
  });
});

describe('the demo database', () => {
  const cluster = useCluster();

  /** Rows and a checksum of each table, in the order of the rows on disk. */
  async function contents(database: string): Promise<Record<string, string>> {
    const client = await cluster.client(database);
    const { rows } = await client.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
       WHERE schemaname !~ '^pg_|^information_schema$' ORDER BY 1`,
    );
    const found: Record<string, string> = {};
    for (const { name } of rows) {
      const { rows: sums } = await client.query(
        `SELECT count(*) || ' ' || md5(string_agg(t::text, '|')) AS sum FROM ${name} t`,
      );
      found[name] = sums[0].sum;
    }
    return found;
  }

  it('is the same for a seed, has its size, and what people forget', async () => {
    const events: HoldfastEvent[] = [];
    const options = { megabytes: 24, seed: 'x', progress: (event: HoldfastEvent) => events.push(event) };
    const summary = await fillDemoDatabase(await cluster.createDatabase('one'), options);
    await fillDemoDatabase(await cluster.createDatabase('two'), { megabytes: 24, seed: 'x' });
    await fillDemoDatabase(await cluster.createDatabase('other'), { megabytes: 24, seed: 'y' });
    const [one, two, other] = [await contents('one'), await contents('two'), await contents('other')];
    expect(Object.keys(one).length).toBeGreaterThan(30);
    expect(two).toEqual(one);
    expect(other['app.documents']).not.toEqual(one['app.documents']);

    const client = await cluster.client('one');
    const ask = async (sql: string) => (await client.query(sql)).rows[0].value;
    const size = await ask('SELECT pg_database_size(current_database())::float8 AS value');
    expect(Math.abs(size / 24e6 - 1)).toBeLessThan(0.1);
    expect(await ask('SELECT count(*)::int AS value FROM pg_largeobject_metadata')).toBe(summary.largeObjects + 2);
    expect(await ask('SELECT count(*)::int AS value FROM app.active_customers')).toBeGreaterThan(100);
    expect(await ask('SELECT count(*)::int AS value FROM billing.monthly_revenue')).toBeGreaterThan(20);
    expect(await ask('SELECT count(*)::int AS value FROM billing.invoices_other')).toBe(0);
    expect(
      await ask(
        `SELECT count(*)::int AS value FROM "Ödd ""schema"""."wéird\t'table' ""1"".名前" WHERE "select" = '\\.'`,
      ),
    ).toBe(1);
    const progress = events.filter((event) => event.type === 'progress');
    expect(progress.at(-1)).toMatchObject({ done: progress.at(-1)!.total, unit: 'items' });
    expect(summary.extensions).toEqual(['citext', 'hstore', 'pg_trgm']);
    await expect(fillDemoDatabase({ ...cluster.connection, database: 'one' }, options)).rejects.toMatchObject({
      code: 'target-exists',
    });
  });

  it('changes by the share that was asked for, again and again', async () => {
    const connection = { ...cluster.connection, database: 'two' };
    const client = await cluster.client('two');
    const count = async () =>
      (
        await client.query(`SELECT sum(n)::int AS n FROM (SELECT count(*) AS n FROM app.customers UNION ALL
        SELECT count(*) FROM app.people UNION ALL SELECT count(*) FROM app.documents UNION ALL
        SELECT count(*) FROM app.sessions UNION ALL SELECT count(*) FROM billing.invoices UNION ALL
        SELECT count(*) FROM billing.invoice_lines UNION ALL SELECT count(*) FROM audit.events) x`)
      ).rows[0].n;
    for (const pattern of ['scattered', 'recent'] as const) {
      for (const seed of ['day 1', 'day 1', 'day 2']) {
        const before = await count();
        const { updated, inserted, deleted } = await churnDemoDatabase(connection, {
          share: 0.03,
          seed: `${seed}${pattern}`,
          pattern,
        });
        expect(await count()).toBe(before + inserted - deleted);
        expect(inserted / (before * 0.03 * 0.3)).toBeGreaterThan(0.7);
        if (seed === 'day 2') {
          const share = (updated + inserted + deleted) / before;
          expect(share).toBeGreaterThan(0.02);
          expect(share).toBeLessThan(0.04);
        }
      }
    }
  });
});

describe('the demo tree', () => {
  let work: string;
  let unsupported: string[];
  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), 'holdfast-tree-test-'));
  });
  afterAll(() => rm(work, { recursive: true, force: true }));

  async function contents(directory: string): Promise<string[]> {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    const lines = [];
    for (const entry of entries) {
      if (!entry.isFile() || entry.parentPath.endsWith(oddDirectory)) continue;
      const path = join(entry.parentPath, entry.name);
      const { mtimeMs, mode } = await lstat(path);
      const sum = createHash('sha256')
        .update(await readFile(path))
        .digest('hex');
      lines.push(`${path.slice(directory.length)} ${mode} ${mtimeMs} ${sum}`);
    }
    return lines.sort();
  }

  it('is the same for a seed, and has the size that was asked for', async () => {
    const options = { files: 150, megabytes: 3, seed: 'x' };
    const summary = await fillDemoTree(join(work, 'one'), options);
    unsupported = summary.unsupported;
    await fillDemoTree(join(work, 'two'), { ...options, odd: false });
    const one = await contents(join(work, 'one'));
    expect(one).toHaveLength(150);
    expect(await contents(join(work, 'two'))).toEqual(one);
    expect(summary.files).toBe(150);
    expect(Math.abs(summary.bytes / 3e6 - 1)).toBeLessThan(0.01);
    await expect(fillDemoTree(join(work, 'one'), options)).rejects.toMatchObject({ code: 'target-exists' });
  });

  it('has one of each odd kind', async () => {
    const odd = join(work, 'one', oddDirectory);
    const stat = (name: string) => lstat(join(odd, name));
    const names = await readdir(odd, { encoding: 'buffer' });
    for (const name of Object.values(oddNames)) {
      expect(
        names.some((found) => found.equals(Buffer.from(name))),
        String(name),
      ).toBe(true);
    }
    expect(names).toHaveLength(Object.keys(oddNames).length);
    expect((await stat(oddNames.fifo)).isFIFO()).toBe(true);
    expect((await stat(oddNames.setuid)).mode & 0o7777).toBe(0o6755);
    expect((await stat(oddNames.sticky)).mode & 0o7777).toBe(0o1777);
    expect((await stat(oddNames.text)).ino).toBe((await stat(oddNames.hardLink)).ino);
    const sparse = await stat(oddNames.sparse);
    expect(sparse.size).toBe(sparseSize);
    expect(sparse.blocks * 512).toBeLessThan(sparseSize / 100);
    expect((await stat(oddNames.old)).mtimeMs).toBe(-1500);
    expect(await readlink(join(odd, oddNames.danglingSymlink))).toBe('/nowhere/at all/\u0001');
    const getxattr = koffi
      .load(null)
      .func('long getxattr(const char *path, const char *name, _Out_ void *value, size_t size)');
    if (unsupported.length > 0) expect(unsupported).toEqual(['xattr']);
    else {
      for (const [name, value] of Object.entries(oddAttributes)) {
        const read = Buffer.alloc(64);
        const length = Number(getxattr(join(odd, oddNames.attributes), name, read, read.length));
        expect(read.subarray(0, length).equals(value), name).toBe(true);
      }
    }
  });
});
