/** Copies of what is no live database: snapshots of any site, and what `verify --keep` left. */
import { execSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPostgresUrl } from '../../commands/postgres-url.ts';
import { withPassword } from '../../commands/source-settings.ts';
import { systemClock } from '../../src/base/clock.ts';
import { type HoldfastEvent, silent } from '../../src/base/events.ts';
import { copyDatabase } from '../../src/jobs/pseudonymize/copy-database.ts';
import type { CopySettings } from '../../src/jobs/pseudonymize/copy-settings.ts';
import { type SnapshotRequest, withSnapshotDatabase } from '../../src/jobs/pseudonymize/from-snapshot.ts';
import { openClusterScratch } from '../../src/jobs/verify/scratch-cluster.ts';
import { removeLeakedScratches } from '../../src/jobs/verify/scratch-directory.ts';
import { accessTo, type RepositoryAccess } from '../../src/repository/access.ts';
import { RunSites } from '../../src/repository/run-sites.ts';
import { openDiskSite } from '../../src/sites/disk.ts';
import type { Site } from '../../src/sites/site.ts';
import type { PostgresConnection } from '../../src/sources/postgres/connection.ts';
import type { ThrowawayConnection } from '../../src/sources/postgres/throwaway.ts';
import { copySettings, reviewDatabase } from '../support/copied-database.ts';
import { clientSchema, rowsOf } from '../support/copied-rows.ts';
import { useCluster } from '../support/postgres.ts';

import { parties, RepositoryFixture, writeSnapshot } from '../support/repository-fixture.ts';
import { backUp } from '../support/verify-proof.ts';

const cluster = useCluster();
const fixture = new RepositoryFixture();
const scratch = join(fixture.directory, 'scratch');
const events: HoldfastEvent[] = [];
let live: ThrowawayConnection;
let lockFile: string;
let sites: Site[];
/** Of the copy of the live database, before it changed. */
let expected: Record<string, string>;
let day: string;

const settings = (connection: PostgresConnection, database: string, more: Partial<CopySettings> = {}) =>
  copySettings({
    connection: connection as ThrowawayConnection,
    lockFile,
    database,
    jobs: 1,
    target: { admin: { ...live, database: 'postgres' }, database, replace: true },
    ...more,
  });

const request = (more: Partial<SnapshotRequest> = {}): SnapshotRequest => ({
  address: 'app',
  scratch: { kind: 'local', directory: scratch },
  jobs: 1,
  env: process.env,
  ...more,
});

/** As the owner's machine has it. */
async function access(of = sites, more: Partial<RepositoryAccess> = {}): Promise<RepositoryAccess> {
  const { host: _, ...owner } = await fixture.access({ machine: 'owner', identities: [parties.anna] });
  const surroundings = { ...owner, emit: (event: HoldfastEvent) => void events.push(event), ...more };
  return accessTo(surroundings, new RunSites(of, { clock: systemClock }));
}

const left = () => readdirSync(scratch);

beforeAll(async () => {
  chmodSync(fixture.directory, 0o711);
  live = await cluster.createDatabase('app');
  const client = await cluster.client('app');
  await client.query(clientSchema);
  lockFile = join(mkdtempSync(join(tmpdir(), 'copy-from-')), 'app.lock.yaml');
  await reviewDatabase(settings(live, 'unused'));
  await copyDatabase(settings(live, 'from_live'));
  expected = await rowsOf({ ...live, database: 'from_live' });
  await fixture.init();
  const run = await fixture.access();
  await backUp(run, { name: 'app', type: 'postgres', connection: live, excludeTables: [] });
  await writeSnapshot(run, 'papers', { papers: Buffer.from('x') });
  day = new Date().toISOString().slice(0, 10);
  // A second site with the same objects.
  cpSync(fixture.sitePath, join(fixture.directory, 'far'), { recursive: true });
  sites = [run.site, await openDiskSite({ name: 'far', path: join(fixture.directory, 'far'), create: false })];
  // Nothing of this is in the snapshot.
  await client.query(`
    DELETE FROM app.orders WHERE id > 100;
    UPDATE app.people SET email = 'later.' || email;
    INSERT INTO app.people (email, first_name, last_name, born) VALUES ('new@later.example', 'New', 'Later', '1999-01-01')`);
});

afterAll(async () => {
  await rm(fixture.directory, { recursive: true, force: true });
});

describe('a copy of a snapshot', () => {
  it('has the rows that the same copy of the live database had at that time', async () => {
    const { report, info } = await withSnapshotDatabase(
      await access(),
      request({ address: `app@${day}` }),
      async (connection, info) => {
        expect(left()).toHaveLength(1);
        return { info, report: await copyDatabase(settings(connection, 'from_snapshot')) };
      },
    );
    expect(await rowsOf({ ...live, database: 'from_snapshot' })).toEqual(expected);
    expect(Object.keys(expected)).toContain('app.people');
    expect(report.totals.rows).toBeGreaterThan(1000);
    expect(report.shortfalls.filter(({ degrades }) => degrades)).toEqual([]);
    expect(info).toMatchObject({ source: 'app', site: 'vault', shortfalls: [] });
    expect(info.takenAt.slice(0, 10)).toBe(day);
    expect(info.snapshotId).toMatch(/^[0-9a-f]{64}$/);
    expect(left()).toEqual([]);
  });

  it('is of another site where one holds damage, and says so', async () => {
    const damaged = join(fixture.directory, 'damaged');
    cpSync(fixture.sitePath, damaged, { recursive: true });
    // The largest holds rows: it is found when the restore has begun.
    const packs = globSync(`${damaged}/sources/*/packs/*/*`);
    const pack = packs.reduce((largest, path) => (statSync(path).size > statSync(largest).size ? path : largest));
    const bytes = readFileSync(pack);
    const at = Math.floor(bytes.length / 2);
    bytes[at] = bytes[at]! ^ 1;
    chmodSync(pack, 0o600);
    writeFileSync(pack, bytes);
    const broken = await openDiskSite({ name: 'broken', path: damaged, create: false });
    events.length = 0;
    const read = (more: Partial<SnapshotRequest>, of = [broken, ...sites]) =>
      access(of).then((to) => withSnapshotDatabase(to, request(more), async (_, { site }) => site));
    expect(await read({})).toBe('vault');
    expect(events.flatMap((event) => (event.type === 'warning' ? [event.text] : []))).toEqual([
      expect.stringMatching(/^The snapshot could not be read from broken, and is read from vault: /),
    ]);
    await expect(read({ site: 'broken' })).rejects.toMatchObject({ code: 'object-damaged' });
    await expect(read({ site: 'nowhere' })).rejects.toMatchObject({ code: 'usage' });
    expect(left()).toEqual([]);
  });

  it('leaves no scratch when what is done with it fails, nor what a killed run left', async () => {
    const leaked = join(scratch, 'files-0123456789ab');
    mkdirSync(leaked);
    const mark = { pid: 4_000_000, startTime: '1', socketDirectory: '' };
    writeFileSync(join(leaked, 'owner.json'), JSON.stringify(mark));
    const failing = withSnapshotDatabase(await access(), request({ site: 'far' }), async (_, { site }) => {
      // As an archive that is made of it does: nothing of a run that lives is a leak.
      await removeLeakedScratches(scratch, silent, systemClock.now());
      expect(left()).toHaveLength(1);
      throw new TypeError(`of the work with ${site}`);
    });
    await expect(failing).rejects.toThrow(new TypeError('of the work with far'));
    expect(left()).toEqual([]);
  });

  it.each<[string, string, Partial<SnapshotRequest>]>([
    ['a scratch on a server', 'usage', { scratch: { kind: 'server', directory: scratch } }],
    ['a snapshot that is not there', 'not-found', { address: 'app@2020-01-01' }],
    ['what is no database', 'usage', { address: 'papers' }],
    ['a scratch that would be larger than it may be', 'target-failed', { scratchLimit: 1 }],
  ])('is refused for %s', async (_, code, more) => {
    const refused = withSnapshotDatabase(await access(), request(more), () => expect.unreachable());
    await expect(refused).rejects.toMatchObject({ code });
    expect(left()).toEqual([]);
  });

  it('needs the identity of an owner, and says so before anything is started', async () => {
    events.length = 0;
    const to = await access(sites, { identities: [], host: parties.web1 });
    await expect(withSnapshotDatabase(to, request(), () => expect.unreachable())).rejects.toMatchObject({
      code: 'wrong-key',
    });
    expect(events.filter(({ type }) => type === 'step')).toEqual([]);
  });
});

it('a kept scratch is a live database under the URL that was told', async () => {
  const kept = await openClusterScratch(
    {
      settings: { kind: 'local', directory: scratch },
      env: process.env,
      clock: systemClock,
      signal: new AbortController().signal,
    },
    { serverVersion: 150_000, encoding: 'UTF8', superuser: 'postgres', database: 'restored' },
  );
  await kept.keep();
  await kept[Symbol.asyncDispose]();
  try {
    const connection = withPassword(readPostgresUrl(kept.report.kept!, '--from-url').connection, undefined);
    for (const [database, sql] of [
      ['postgres', 'CREATE DATABASE restored'],
      ['restored', clientSchema],
    ] as const) {
      const client = new pg.Client({ ...connection, database });
      await client.connect();
      await client.query(sql);
      await client.end();
    }
    await copyDatabase(settings(connection, 'from_kept'));
    expect(await rowsOf({ ...live, database: 'from_kept' })).toEqual(expected);
    // It is a person's: a run that cleans up leaves it.
    await removeLeakedScratches(scratch, silent, systemClock.now());
    expect(left()).toHaveLength(1);
  } finally {
    execSync(kept.report.remove!);
    for (const name of left()) rmSync(join(scratch, name), { recursive: true, force: true });
  }
});
