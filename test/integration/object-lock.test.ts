/** Object Lock, end to end: an attacker has the host's credentials for a bucket; the owner wants everything back. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as timeout } from 'node:timers/promises';
import {
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sha256Hex } from '../../src/crypt/secrets.ts';
import type { BackupReport } from '../../src/jobs/backup.ts';
import type { CheckReport } from '../../src/jobs/check.ts';
import { compactSources } from '../../src/jobs/compact.ts';
import { initRepository } from '../../src/jobs/init.ts';
import { prune } from '../../src/jobs/prune.ts';
import type { RepairReport } from '../../src/jobs/repair-report.ts';
import { sync } from '../../src/jobs/sync.ts';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import { lockMsOf } from '../../src/repository/lock-rules.ts';
import type { Keep } from '../../src/repository/retention.ts';
import { RunSites } from '../../src/repository/run-sites.ts';
import { lockingSite } from '../../src/sites/locking.ts';
import { openS3Site } from '../../src/sites/s3/site.ts';
import { holdfast, type Outcome } from '../cli/run-holdfast.ts';
import { type CephServer, startCeph } from '../support/ceph.ts';
import { clockAt, parties, RepositoryFixture, writeSnapshot } from '../support/repository-fixture.ts';

const dayMs = 86_400_000;
let ceph: CephServer;
let attacker: S3Client;
let bucket: string;
let directory: string;

/** Of a user who has the rights that docs/sites.md gives a host, and no others. */
const writer = { accessKeyId: 'writer', secretAccessKey: 'writersecret' };
/** The host is the bucket's owner: so it is the locks that protect, and no missing right. */
const env = () => ({ S3_ACCESS: ceph.credentials.accessKeyId, S3_SECRET: ceph.credentials.secretAccessKey });
const run = (...args: string[]) => holdfast(args, { cwd: directory, env: env() });
const asOwner = (...args: string[]) => run('-i', join('owners', 'anna.key'), ...args);
const json = async <T>(args: string[], status = 0): Promise<T> => {
  const outcome = await asOwner('--json', ...args);
  expect(outcome.stderr, args.join(' ')).not.toContain('internal');
  expect({ status: outcome.status, stderr: outcome.status === status ? '' : outcome.stderr + outcome.stdout }).toEqual({
    status,
    stderr: '',
  });
  return JSON.parse(outcome.stdout) as T;
};
const done = (outcome: Outcome) => expect({ ...outcome, stdout: '' }).toMatchObject({ status: 0 });

beforeAll(async () => {
  ceph = await startCeph();
  bucket = await ceph.bucket({ objectLock: true });
  attacker = await ceph.client();
  const keys = [`--access-key=${writer.accessKeyId}`, `--secret-key=${writer.secretAccessKey}`];
  await ceph.admin('user', 'create', '--uid=writer', '--display-name=writer', ...keys);
  directory = mkdtempSync(join(tmpdir(), 'holdfast-lock-'));
  mkdirSync(join(directory, 'tree'));
  writeFileSync(join(directory, 'tree', 'first.txt'), 'the first file\n');
  writeFileSync(
    join(directory, 'tree', 'large.bin'),
    Buffer.from(Array.from({ length: 600_000 }, (_, i) => i * i + (i >> 7))),
  );
  done(
    await run(
      ...['init', '--site', 'unused', '--operator', 'Example Ltd', '--country', 'FR', '--host-name', 'web1'],
      ...['--owner', 'anna', '--owner', 'bert', '--files', 'documents=tree', '--time-zone', 'UTC'],
    ),
  );
  configure(bucket);
  done(await run('init', '--existing'));
}, 180_000);
afterAll(async () => {
  await ceph?.stop();
  if (directory) rmSync(directory, { recursive: true, force: true });
});

/** Makes the policy of the documentation that of a bucket. */
async function allowWriter(name: string): Promise<void> {
  const page = readFileSync(join(import.meta.dirname, '../../docs/sites.md'), 'utf8');
  const text = /```json\n([\s\S]*?)```/.exec(page)![1]!.replaceAll('BUCKET', name).replaceAll('PREFIX', 'acme');
  const policy = JSON.parse(text);
  for (const statement of policy.Statement) statement.Principal = { AWS: ['arn:aws:iam:::user/writer'] };
  await attacker.send(new PutBucketPolicyCommand({ Bucket: name, Policy: JSON.stringify(policy) }));
}

/** Puts a bucket in the place of the site that `init` made. */
function configure(name: string): void {
  const path = join(directory, 'holdfast.yaml');
  const text = readFileSync(path, 'utf8');
  const site = [
    'sites:',
    '  - name: cloud',
    '    type: s3',
    `    endpoint: ${ceph.endpoint}`,
    `    bucket: ${name}`,
    '    prefix: acme',
    '    credentials: {accessKeyId: {env: S3_ACCESS}, secretAccessKey: {env: S3_SECRET}}',
    '    objectLock: {mode: compliance}',
    '    operator: Example Ltd',
    '    country: FR',
    '',
  ].join('\n');
  const jobs = 'jobs:\n  weekly: {schedule: "0 5 * * 0", verify: true}\n';
  const others = text.replace(/^(?:sites|jobs):\n(?:[ \t-].*\n|\n)*/gm, '');
  writeFileSync(path, `${others}\n${site}\n${jobs}`);
}

interface Version {
  name: string;
  id: string;
  current: boolean;
  size: number;
}

async function versions(of = bucket): Promise<Version[]> {
  const { Versions = [] } = await attacker.send(new ListObjectVersionsCommand({ Bucket: of, Prefix: 'acme/' }));
  return Versions.map(({ Key, VersionId, IsLatest, Size }) => ({
    name: Key!.slice('acme/'.length),
    id: VersionId!,
    current: IsLatest!,
    size: Size!,
  })).filter(({ name }) => !name.startsWith('.tmp/'));
}

async function markers(of: string): Promise<string[]> {
  const { DeleteMarkers = [] } = await attacker.send(new ListObjectVersionsCommand({ Bucket: of, Prefix: 'acme/' }));
  return DeleteMarkers.map(({ Key }) => Key!).filter((key) => !key.startsWith('acme/.tmp/'));
}

async function lockedUntil({ name, id }: Pick<Version, 'name' | 'id'>, of = bucket, by = attacker): Promise<number> {
  const found = await by.send(new HeadObjectCommand({ Bucket: of, Key: `acme/${name}`, VersionId: id }));
  return found.ObjectLockRetainUntilDate?.getTime() ?? 0;
}

/** Days from now. */
async function lockedFor(version: Pick<Version, 'name' | 'id'>): Promise<number> {
  return ((await lockedUntil(version)) - Date.now()) / dayMs;
}

const contentOf = (path: string) =>
  Object.fromEntries(
    readdirSync(path)
      .sort()
      .map((name) => [name, sha256Hex(readFileSync(join(path, name)))]),
  );

async function restored(name: string, ...flags: string[]): Promise<Record<string, string>> {
  const outcome = await asOwner('restore', 'documents@latest', '--to', name, ...flags);
  done(outcome);
  return contentOf(join(directory, name));
}

it('locks everything that a backup writes, for as long as it will be kept', async () => {
  const report = await json<BackupReport>(['backup']);
  expect(report.sources[0]!.sites).toEqual(['cloud']);
  const all = await versions();
  const kinds = new Map<string, number[]>();
  for (const version of all) {
    const kind = version.name.split('/')[2] ?? version.name.split('/')[0]!;
    kinds.set(kind, [...(kinds.get(kind) ?? []), await lockedFor(version)]);
  }
  for (const kind of ['packs', 'index', 'snapshots']) {
    // daily: 30, the grace period of seven days, and three more; whatever the hour.
    expect(Math.min(...kinds.get(kind)!), kind).toBeGreaterThan(38.9);
    expect(Math.max(...kinds.get(kind)!), kind).toBeLessThan(40.1);
  }
  for (const kind of [
    'holdfast.json',
    'trust.json',
    'RECOVERY.md',
    'recover.sh',
    'trust',
    'recover',
    'keys',
    'source.json',
  ]) {
    expect(Math.min(...kinds.get(kind)!), kind).toBeGreaterThan(34.9);
    expect(Math.max(...kinds.get(kind)!), kind).toBeLessThan(35.1);
  }
  expect(kinds.has('leases')).toBe(false);
});

it('leaves an attacker who has the credentials nothing to destroy', async () => {
  const before = await versions();
  expect(before.length).toBeGreaterThan(10);
  const refused = async (what: string, request: Promise<unknown>) => {
    const outcome = await request.then(
      () => 'done',
      (error) => error.name,
    );
    expect(outcome, what).toMatch(/^(AccessDenied|InvalidRequest|InvalidArgument)$/);
  };
  let number = 0;
  for (const { name, id, size } of before) {
    const at = { Bucket: bucket, Key: `acme/${name}` };
    const version = { ...at, VersionId: id };
    await refused(`delete ${name}`, attacker.send(new DeleteObjectCommand(version)));
    await refused(
      `bypass ${name}`,
      attacker.send(new DeleteObjectCommand({ ...version, BypassGovernanceRetention: true })),
    );
    const sooner = { Mode: 'COMPLIANCE', RetainUntilDate: new Date(Date.now() + 3000) } as const;
    await refused(
      `shorten ${name}`,
      attacker.send(new PutObjectRetentionCommand({ ...version, Retention: sooner, BypassGovernanceRetention: true })),
    );
    // One half is hidden behind other bytes, of the same size or another, and the other half behind delete markers.
    const way = number++ % 3;
    if (way < 2) await attacker.send(new PutObjectCommand({ ...at, Body: Buffer.alloc(way === 0 ? size : 7, 'x') }));
    else await attacker.send(new DeleteObjectCommand(at));
  }
  const after = await versions();
  for (const version of before) expect(after).toContainEqual({ ...version, current: false });
});

it('restores what the attacker hid, shows it, and says what has happened', async () => {
  const hidden = await versions();
  const [back, shown, proven, report] = await Promise.all([
    restored('back'),
    asOwner('snapshots'),
    asOwner('run', 'weekly', '--json'),
    json<CheckReport>(['check', '--read-data'], 4),
  ]);
  expect(back).toEqual(contentOf(join(directory, 'tree')));
  for (const outcome of [shown, proven]) {
    done(outcome);
    expect(outcome.stderr).toContain('Older versions of them are locked');
  }
  expect(shown.stdout).toMatch(/documents@[0-9a-f]{8}/);
  expect(JSON.parse(proven.stdout).verify).toMatchObject({ verdict: 'pass', proofs: [{ source: 'documents' }] });
  expect(report.outcome).toBe('damaged');
  const problems = new Map(report.findings.map(({ object, problem }) => [object, problem]));
  for (const { name } of hidden) {
    // A text for people, which belongs to whatever script is there.
    expect(problems.get(name), name).toMatch(/removed it|written over it|damaged|not the one that/);
  }
  expect(report.sources[0]).toMatchObject({ snapshots: 1, opened: true });
  expect(report.sources[0]!.packsRead).toBe(report.sources[0]!.packs);
}, 180_000);

it('never builds on what is hidden, and puts it back when told to', async () => {
  const outcome = await run('backup');
  expect(outcome.status).not.toBe(0);
  const report = await json<RepairReport>(['repair']);
  expect(report.outcome).toBe('done');
  const sound = await json<CheckReport>(['check', '--read-data']);
  expect(sound.findings).toEqual([]);
  // What was put back is locked too.
  for (const version of (await versions()).filter(({ current }) => current)) {
    expect(await lockedFor(version), version.name).toBeGreaterThan(13.9);
  }
  writeFileSync(join(directory, 'tree', 'second.txt'), 'the second file\n');
  done(await run('backup'));
  // The lock of what is reused is as long as the new snapshot needs it: of what was put back, and of what was hidden.
  const packs = (await versions()).filter(({ name }) => name.includes('/packs/'));
  const largest = packs.reduce((a, b) => (b.size > a.size ? b : a));
  const reused = packs.filter(({ name }) => name === largest.name);
  expect(reused.length).toBeGreaterThan(1);
  for (const version of reused) expect(await lockedFor(version)).toBeGreaterThan(36.9);
  expect(await restored('again')).toEqual(contentOf(join(directory, 'tree')));
}, 180_000);

it('does not write unlocked where the bucket cannot lock', async () => {
  const plain = await ceph.bucket({ versioning: true });
  configure(plain);
  const [outcome, examined] = await Promise.all([run('init', '--existing'), run('doctor', '--no-write', '--json')]);
  configure(bucket);
  expect(JSON.parse(examined.stdout).findings).toContainEqual(
    expect.objectContaining({ subject: 'cloud', status: 'problem', what: 'The site "cloud" cannot lock objects.' }),
  );
  expect(outcome.status).toBe(1);
  expect(outcome.stderr).toContain('cannot lock objects');
  const { Versions } = await attacker.send(new ListObjectVersionsCommand({ Bucket: plain, Prefix: 'acme/holdfast' }));
  expect(Versions ?? []).toEqual([]);
});

it('is content with credentials that may not remove anything', async () => {
  await allowWriter(bucket);
  const credentials = { S3_ACCESS: writer.accessKeyId, S3_SECRET: writer.secretAccessKey };
  const { stdout } = await holdfast(['doctor', '--json'], { cwd: directory, env: credentials });
  const { findings } = JSON.parse(stdout) as { findings: Record<'section' | 'subject' | 'status' | 'what', string>[] };
  // That the owners never answered is true.
  const problems = findings.filter(({ section, status }) => status === 'problem' && section !== 'owners');
  expect(problems).toEqual([]);
  const ofSite = findings.filter(({ subject }) => subject === 'cloud');
  for (const what of ['cannot remove objects, as it should be', 'locks what is stored in the mode compliance']) {
    expect(ofSite).toContainEqual(expect.objectContaining({ status: 'ok', what: expect.stringContaining(what) }));
  }
});

/** A repository in a bucket of its own, whose clock can be set: what `minimum` and the grace period take is over soon. */
async function clockedRepository(start: number, keep: Keep, credentials = ceph.credentials) {
  const name = await ceph.bucket({ objectLock: true });
  if (credentials === writer) await allowWriter(name);
  const clock = clockAt(start);
  const { endpoint } = ceph;
  const client = await ceph.client(credentials);
  const options = { name: 'cloud', endpoint, bucket: name, prefix: 'acme', pathStyle: true, credentials };
  const minimumMs = 14 * dayMs;
  const site = lockingSite(await openS3Site({ ...options, lockMode: 'COMPLIANCE' }), {
    terms: { mode: 'COMPLIANCE', minimumMs },
    lockMs: (object) => lockMsOf(object, minimumMs),
    clock,
  });
  const fixture = new RepositoryFixture();
  const retentionOf = () => ({ keep, timeZone: 'UTC' });
  // Each run has its sites anew.
  const access = async (): Promise<RepositoryAccess> =>
    fixture.access({ site, sites: new RunSites([site], { clock }), clock, retentionOf });
  await initRepository(await access());
  const request = { sources: [{ name: 'db', keep }], timeZone: 'UTC', dryRun: false };
  return {
    bucket: name,
    clock,
    fixture,
    site,
    close: () => site.close(),
    snapshot: async (contents: Record<string, string>) => {
      const buffers = Object.entries(contents).map(([file, text]) => [file, Buffer.from(text.repeat(9000))]);
      return (await writeSnapshot(await access(), 'db', Object.fromEntries(buffers))).snapshot;
    },
    versions: () => versions(name),
    prune: async (dryRun = false) => prune(await access(), { ...request, dryRun }),
    /** When the lock of the one version of an object ends. */
    until: async (id: string) => {
      const found = (await versions(name)).filter((version) => version.name.endsWith(id));
      expect(found).toHaveLength(1);
      return lockedUntil(found[0]!, name, client);
    },
  };
}

const none: Keep = { last: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

it.concurrent('extends what is needed longer, and prunes what is locked no more', async () => {
  const repository = await clockedRepository(Date.now(), { ...none, daily: 1 });
  const { clock } = repository;
  // minimum, grace period and slack: 24 days, which are over in some seconds.
  const start = Date.now() - 24 * dayMs + 12_000;
  clock.set(start);
  const first = await repository.snapshot({ kept: 'the same ', own: 'only in the first ' });
  const shared = first.packs;
  expect(Math.abs((await repository.until(first.id)) - start - 24 * dayMs)).toBeLessThan(2000);
  const at = (days: number) => clock.set(start + days * dayMs);

  at(2);
  await repository.snapshot({ kept: 'the same ', own: 'second ' });
  // Still longer than needed: nothing is asked of the server.
  const dates = () => Promise.all(shared.map((pack) => repository.until(pack)));
  expect(new Set((await dates()).map((date) => Math.round((date - start) / dayMs)))).toEqual(new Set([24]));
  at(5);
  const last = await repository.snapshot({ kept: 'the same ', own: 'third ' });
  const extended = (await dates()).filter((date) => Math.round((date - start) / dayMs) === 29);
  expect(extended.length).toBeGreaterThan(0);
  expect(extended.length).toBeLessThan(shared.length);

  at(6);
  expect((await repository.prune()).sources[0]!.snapshots.filter(({ reasons }) => reasons.length === 0)).toHaveLength(
    2,
  );
  at(14);
  const held = await repository.versions();
  for (const dryRun of [true, false]) {
    const { sites } = (await repository.prune(dryRun)).sources[0]!;
    expect(sites[0]).toMatchObject({ snapshots: 0, packs: 0, bytes: 0, locked: { snapshots: 2 } });
    const { locked } = sites[0]!;
    expect(locked!.packs).toBeGreaterThan(1);
    expect(Math.round((Date.parse(locked!.from) - start) / dayMs)).toBe(24);
    expect(Math.round((Date.parse(locked!.until) - start) / dayMs)).toBe(26);
  }
  expect(await repository.versions()).toEqual(held);

  at(24.5);
  await timeout(Math.max(0, start + 24 * dayMs + 1500 - Date.now()));
  const { sites } = (await repository.prune()).sources[0]!;
  expect(sites[0]).toMatchObject({ snapshots: 1, locked: { snapshots: 1 } });
  const left = (await repository.versions()).map(({ name }) => name);
  expect(left.some((name) => name.endsWith(first.id))).toBe(false);
  for (const pack of last.packs) expect(left.some((name) => name.endsWith(pack))).toBe(true);
  expect(left.length).toBeLessThan(held.length);
  expect(await markers(repository.bucket)).toEqual([]);
  await repository.close();
}, 180_000);

it.concurrent('extends what a hidden snapshot needs too, and tells that somebody has hidden it', async () => {
  const start = Date.now();
  const repository = await clockedRepository(start, { ...none, daily: 30 });
  const names = async () => (await repository.versions()).map(({ name }) => name);
  const at = (days: number) => repository.clock.set(start + days * dayMs);
  const attack = { Bucket: repository.bucket };
  /** What belongs to one snapshot alone: the object itself, its packs, and the index objects that tell of them. */
  const make = async (text: string) => {
    const before = new Set(await names());
    await repository.snapshot({ own: text });
    return (await repository.versions()).filter(({ name }) => !before.has(name) && /\/(packs|index|snaps)/.test(name));
  };
  const removed = await make('removed ');
  at(1);
  const overwritten = await make('overwritten ');
  expect(new Set(removed.map(({ name }) => name.split('/')[2]))).toEqual(new Set(['packs', 'index', 'snapshots']));
  for (const { name } of removed) await attacker.send(new DeleteObjectCommand({ ...attack, Key: `acme/${name}` }));
  for (const { name } of overwritten.filter((version) => !version.name.includes('/packs/'))) {
    await attacker.send(new PutObjectCommand({ ...attack, Key: `acme/${name}`, Body: 'garbage' }));
  }
  at(10);
  await make('after ');
  const days = async (made: Version[]) => {
    const dates = await Promise.all(made.map((version) => lockedUntil(version, repository.bucket)));
    return dates.map((date) => Math.round((date - start) / dayMs));
  };
  // The third newest of thirty days, kept for 28 days from the tenth on, and ten more; the second newest for 29.
  for (const date of await days(removed)) expect(date).toBeOneOf([47, 48, 49]);
  for (const date of await days(overwritten)) expect(date).toBeOneOf([48, 49, 50]);
  const hidden = removed.length + overwritten.filter(({ name }) => !name.includes('/packs/')).length;
  expect(repository.fixture.events).toContainEqual(
    expect.objectContaining({
      type: 'warning',
      text: expect.stringContaining(`removed ${hidden} objects at the site "cloud", or written over them`),
    }),
  );
  await repository.close();
}, 180_000);

it.concurrent('locks what sync and compaction bring', async () => {
  const { fixture, site, clock, ...repository } = await clockedRepository(Date.now(), { ...none, last: 1 });
  const near = (await fixture.access()).site;
  await initRepository(await fixture.access({ clock }));
  const [kept, dead] = [randomBytes(300_000), randomBytes(300_000)];
  await writeSnapshot(await fixture.access({ clock }), 'db', { kept, dead });
  await writeSnapshot(await fixture.access({ clock }), 'db', { kept });
  const keep = { ...none, last: 1 };
  const request = { sources: [{ name: 'db', keep }], timeZone: 'UTC', dryRun: false, evenIfUnusual: true };
  expect((await prune(await fixture.access({ clock }), request)).outcome).toBe('done');
  const both = await fixture.accessTo([near, site], { clock });
  const content = /\/(packs|index|snapshots)\//;
  const assertLocked = async (found: Version[]) => {
    for (const version of found) {
      const days = ((await lockedUntil(version, repository.bucket)) - Date.now()) / dayMs;
      // `minimum` and the grace period.
      if (content.test(version.name)) expect(days, version.name).toBeGreaterThan(20.9);
      else if (!/^probes|\/leases\//.test(version.name)) expect(days, version.name).toBeGreaterThan(34.9);
    }
  };
  expect((await sync(both, { sources: ['db'], dryRun: false })).outcome).toBe('done');
  const synced = await repository.versions();
  for (const kind of ['packs', 'index', 'snapshots', 'keys', 'tombstones']) {
    expect(
      synced.some(({ name }) => name.includes(`/${kind}/`)),
      kind,
    ).toBe(true);
  }
  await assertLocked(synced);
  const owner = await fixture.accessTo([near, site], { clock, identities: [parties.anna], host: undefined as never });
  const report = await compactSources(owner, { sources: ['db'], deadShare: 0.3, dryRun: false });
  expect(report.sources[0]!.rewrite.packs).toBe(1);
  const before = new Set(synced.map(({ id }) => id));
  const compacted = (await repository.versions()).filter(({ id, name }) => !before.has(id) && content.test(name));
  expect(compacted.map(({ name }) => name.split('/')[2]).sort()).toEqual(['index', 'packs']);
  await assertLocked(compacted);
  await near.close();
  await repository.close();
}, 180_000);

it.concurrent('locks the last snapshot of a month for longer once the month is over, with the rights of the documentation', async () => {
  const repository = await clockedRepository(Date.UTC(2091, 0, 31, 12), { ...none, daily: 2, monthly: 12 }, writer);
  const first = await repository.snapshot({ a: 'January ' });
  expect(new Date(await repository.until(first.id)).toISOString().slice(0, 10)).toBe('2091-02-24');
  repository.clock.set(Date.UTC(2091, 1, 1, 12));
  await repository.snapshot({ a: 'February ' });
  for (const id of [first.id, ...first.packs]) {
    // Until the twelfth month after it begins, seven days, and three.
    expect(new Date(await repository.until(id)).toISOString()).toBe('2092-01-11T00:00:00.000Z');
  }
  await repository.close();
}, 180_000);
