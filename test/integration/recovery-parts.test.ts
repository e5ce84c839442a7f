import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backup } from '../../src/jobs/backup.ts';
import { check } from '../../src/jobs/check.ts';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import type { Ingest } from '../../src/repository/ingest.ts';
import { SnapshotReader } from '../../src/repository/snapshot-reader.ts';
import { joinStreams, type StoredStream, type StreamInParts } from '../../src/repository/stored-stream.ts';
import { openDiskSite } from '../../src/sites/disk.ts';
import type { PostgresConnection } from '../../src/sources/postgres/connection.ts';
import type { TableLine } from '../../src/sources/postgres/manifest.ts';
import { useCluster } from '../support/postgres.ts';
import { psqlCopy } from '../support/postgres-backup.ts';
import { recover, recoveryToolbox } from '../support/recovery-run.ts';
import { RecoverySite } from '../support/recovery-site.ts';
import { parties, RepositoryFixture } from '../support/repository-fixture.ts';

/** Tables that were stored in parts, restored without Holdfast. */

const cluster = useCluster();
const fixture = new RepositoryFixture();
afterAll(() => rm(fixture.directory, { recursive: true }));
let connection: PostgresConnection;
let access: RepositoryAccess;
let site: RecoverySite;
let whole: Buffer;

beforeAll(async () => {
  connection = await cluster.createDatabase('large');
  const client = await cluster.client('large');
  // 20 MB in three parts: each has so many chunks that a list names them.
  await client.query(`
    CREATE TABLE before AS SELECT i FROM generate_series(1, 50) i;
    CREATE TABLE large AS SELECT i, (SELECT string_agg(md5((i * 31 + j)::text), '') FROM generate_series(1, 30) j) AS v
      FROM generate_series(1, 20000) i;
    CREATE TABLE zero AS SELECT i FROM generate_series(1, 50) i`);
  whole = await psqlCopy(connection, 'COPY public.large (i, v) TO STDOUT');
  await fixture.init();
  access = await fixture.access();
  const source = {
    type: 'postgres' as const,
    name: 'shop',
    connection,
    excludeTables: [],
    partSizes: { above: 1024 * 1024, part: 7 * 1024 * 1024 },
  };
  const report = await backup(access, { sources: [source], tags: [], env: process.env });
  expect(report.sources.map(({ outcome }) => outcome)).toEqual(['done']);
  site = await RecoverySite.copyOf(fixture, access);
});

async function partsOfLarge(): Promise<StoredStream[]> {
  const owner = { ...access, identities: [parties.anna] };
  const reader = await SnapshotReader.open(owner, await site.source('shop'), await site.newest('shop'), () => {});
  for await (const line of reader.lines<TableLine>()) {
    if (line.kind === 'table' && line.name === 'large') return line.stream.parts ?? [];
  }
  throw new Error('there is no such table');
}

const said = (outcome: { status: number; said: string }) => `${outcome.status} ${outcome.said}`;

describe('recover.sh', () => {
  it('restores tables in parts as plain files, whole', async () => {
    const parts = await partsOfLarge();
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.some(({ list }) => list !== undefined)).toBe(true);
    const to = await site.target();
    const outcome = await recover([...site.facts, '--source', 'shop', '--to', to], { script: site.script });
    expect(said(outcome)).toMatch(/^0 /);
    const tables = (await readFile(join(to, 'tables.ndjson'), 'utf8')).trim().split('\n');
    const at = tables.findIndex((line) => JSON.parse(line).name === 'large');
    expect(JSON.parse(tables[at]!).rows).toBe(20000);
    const file = join(to, 'tables', `${String(at + 1).padStart(6, '0')}.copy`);
    expect((await readFile(file)).equals(whole)).toBe(true);
  });

  it('builds a database of them', async () => {
    const { host, port, user } = connection;
    const work = await site.target('work');
    await mkdir(work);
    const environment = { PGHOST: host, PGPORT: String(port), PGUSER: user };
    const given = [...site.facts, '--source', 'shop', '--database', 'recovered', '--work', work];
    const outcome = await recover(given, { script: site.script, environment });
    expect(said(outcome)).toMatch(/^0 /);
    const recovered = { ...connection, database: 'recovered' };
    for (const name of ['before', 'large', 'zero']) {
      const sql = `COPY (SELECT * FROM public.${name} ORDER BY i) TO STDOUT`;
      expect((await psqlCopy(recovered, sql)).equals(await psqlCopy(connection, sql)), name).toBe(true);
    }
  });

  it('is not needed: the commands for a recovery by hand join parts and lists too', async () => {
    const text = (await site.read('RECOVERY.md')).toString();
    const commands = /^```bash by-hand\n(.*?)^```$/ms.exec(text)![1]!;
    const newest = await site.newest('shop');
    const toolbox = await recoveryToolbox();
    const script = `${commands}jq -n 'first(inputs | select(.stream.parts) | .stream)' manifest.ndjson | stream >parted; pwd`;
    const { stdout } = await execa(join(toolbox, 'bash'), ['-euo', 'pipefail', '-c', script], {
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
    expect((await readFile(join(stdout.split('\n').at(-1)!, 'parted'))).equals(whole)).toBe(true);
  });

  it('refuses parts that are damaged, missing, or in another order, and delivers others that it is told', async () => {
    /** Some of it in chunks that are named, some by a list. */
    const parts = async (ingest: Ingest) => {
      const stored: StoredStream[] = [];
      for (const [text, direct] of [
        ['first\n'.repeat(500), 4096],
        ['second, as a list\n'.repeat(700), 2],
        ['', 64],
        ['third\n'.repeat(3000), 1],
        ['fourth\n', 64],
      ] as const) {
        const stream = ingest.stream(undefined, direct);
        await stream.write(Buffer.from([...text].map((letter, i) => (i % 97 ? letter : '\n')).join('')));
        stored.push((await stream.end()).stored);
      }
      return stored;
    };
    type Change = (joined: StreamInParts) => object;
    const changes: [Change, RegExp][] = [
      [(joined) => joined, /^0 /],
      [
        (joined) => ({ ...joined, parts: [joined.parts[1]!, joined.parts[0]!, ...joined.parts.slice(2)] }),
        /^1 .*parts of a table are not those/s,
      ],
      [(joined) => ({ ...joined, parts: joined.parts.slice(1) }), /^1 .*the manifest has a line/s],
      [
        (joined) => ({ ...joined, parts: joined.parts.filter(({ size }) => size > 0) }),
        /^1 .*parts of a table are not those/s,
      ],
      [
        (joined) => joinStreams(joined.parts.map((part, i) => (i === 3 ? { ...part, sha256: 'ab'.repeat(32) } : part))),
        /^1 .*is not what was backed up/s,
      ],
    ];
    for (const [change, expected] of changes) {
      const id = await site.craft('shop', 'command', async (ingest) => {
        const joined = joinStreams(await parts(ingest)) as StreamInParts;
        return [{ kind: 'output', filename: 'out', stream: change(joined) }];
      });
      const to = await site.target();
      const given = [...site.facts, '--source', 'shop', '--snapshot', id, '--to', to];
      const outcome = await recover(given, { script: site.script });
      expect(said(outcome)).toMatch(expected);
      if (outcome.status === 0) expect(await readFile(join(to, 'out'), 'latin1')).toMatch(/^\nirst\n.*fourth\n$|^\n/s);
      else await expect(readFile(join(to, 'out'))).rejects.toMatchObject({ code: 'ENOENT' });
    }
  });
});

describe('check', () => {
  it('looks for the chunks of every part, also those that only a list names', async () => {
    const owner = {
      ...access,
      identities: [parties.anna],
      site: await openDiskSite({ name: 'copy', path: site.path }),
    };
    const whole = await site.craft('shop', 'command', async (ingest) => {
      const parts: StoredStream[] = [];
      for (let i = 0; i < 2; i++) {
        const stream = ingest.stream(undefined, 1);
        await stream.write(randomBytes(400_000));
        parts.push((await stream.end()).stored);
      }
      return [{ kind: 'output', filename: 'out', stream: joinStreams(parts) }];
    });
    const { packs } = await site.newest('shop');
    // The first holds no list and no manifest.
    const lacking = await site.forgeSnapshot('shop', parties.web1, { packs: packs.slice(1) });
    const { findings } = await check(owner, { sources: ['shop'] });
    const about = (id: string) =>
      findings.filter(({ object }) => object === `snapshot ${id}`).map((each) => each.problem);
    expect(about(whole)).toEqual([]);
    expect(about(lacking)).toEqual([
      expect.stringMatching(/^Its output out needs chunk [0-9a-f]{64}, which is in none of its packs\.$/),
    ]);
  });
});
