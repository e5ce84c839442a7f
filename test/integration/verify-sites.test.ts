/** Proofs from a disk, an S3 server and an SFTP server that run: each from one of them, and in turn. */
import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { backup } from '../../src/jobs/backup.ts';
import { initRepository } from '../../src/jobs/init.ts';
import type { SnapshotProof } from '../../src/jobs/verify/report.ts';
import type { VerifyRequest } from '../../src/jobs/verify/request.ts';
import { verify } from '../../src/jobs/verify/verify.ts';
import { openDiskSite } from '../../src/sites/disk.ts';
import type { Site } from '../../src/sites/site.ts';
import { type CephServer, startCeph } from '../support/ceph.ts';
import { FaultySite, unreachable } from '../support/faulty-site.ts';
import { openSite } from '../support/open-site.ts';
import { parties, RepositoryFixture } from '../support/repository-fixture.ts';
import { type SshServer, startSshd } from '../support/sshd.ts';

const fixture = new RepositoryFixture();
const scratch = `${fixture.directory}-scratch`;
let ceph: CephServer;
let sshd: SshServer;
let sites: Site[];

beforeAll(async () => {
  [ceph, sshd] = await Promise.all([startCeph(), startSshd()]);
  const { endpoint, credentials } = ceph;
  const { port, user, identity, fingerprint, directory } = sshd;
  const path = join(directory, 'backups');
  sites = [
    await openDiskSite({ name: 'vault', path: join(fixture.directory, 'vault'), create: true }),
    await openSite({ type: 's3', name: 'cloud', endpoint, bucket: await ceph.bucket(), pathStyle: true, credentials }),
    await openSite({
      type: 'sftp',
      name: 'friends',
      host: '127.0.0.1',
      port,
      user,
      path,
      identity,
      hostKeys: [fingerprint],
      create: true,
    }),
  ];
  for (const site of sites) await initRepository(await fixture.access({ site }));
  const tree = join(fixture.directory, 'tree');
  await mkdir(join(tree, 'below'), { recursive: true });
  await writeFile(join(tree, 'large'), randomBytes(3_000_000));
  await writeFile(join(tree, 'below', 'small'), 'small\n');
  const source = { type: 'files' as const, name: 'tree', path: tree, exclude: [], oneFileSystem: false };
  const report = await backup(await fixture.accessTo(sites), { sources: [source], tags: [], env: process.env });
  expect(report.sources).toMatchObject([{ outcome: 'done' }]);
});
afterAll(async () => {
  await Promise.all(sites.map((site) => site.close()));
  await Promise.allSettled([ceph?.stop(), sshd?.stop()]);
  for (const path of [fixture.directory, scratch]) await rm(path, { recursive: true, force: true });
});

/** One proof of the tree, as a machine makes it that has seen nothing before unless it is named. */
async function prove(more: Partial<VerifyRequest>, machine: string): Promise<SnapshotProof> {
  const access = await fixture.accessTo(sites, { machine, identities: [parties.anna] });
  const { proofs } = await verify(access, {
    items: [{ address: 'tree', source: 'tree', type: 'files' }],
    scratch: { kind: 'local', directory: scratch },
    limits: { timeMs: 60_000 },
    env: process.env,
    version: '0',
    ...more,
  });
  return proofs[0]!;
}
const from = (name: string) => ({ chooseSite: async () => sites.find((site) => site.name === name) });
const verdictOf = ({ checks }: SnapshotProof, id: string) => checks.find((check) => check.id === id)?.verdict;

it('passes at each of them, in turn, and reads every pack once', async () => {
  const proofs: SnapshotProof[] = [];
  for (let i = 0; i < 3; i++) proofs.push(await prove({}, 'verifier'));
  expect(proofs.map(({ site, verdict }) => [site.name, verdict])).toEqual([
    ['vault', 'pass'],
    ['cloud', 'pass'],
    ['friends', 'pass'],
  ]);
  const bytes = proofs[0]!.checks.find(({ id }) => id === 'objects')!.figures.bytes!;
  for (const { readBytes, contents } of proofs) {
    expect(readBytes).toBeGreaterThan(bytes);
    // Beside the packs only what is small: the record, keys, snapshot and index.
    expect(readBytes).toBeLessThan(bytes + 50_000);
    expect(contents).toEqual(proofs[0]!.contents);
  }
  expect((await prove({}, 'verifier')).site.name).toBe('vault');
});

it('notices whatever a restore does wrong: seams for damage of what was restored', async () => {
  const changed = await prove(
    { hooks: { afterRestore: async ({ place }) => appendFile(join(pathOf(place), 'below', 'small'), 'more') } },
    'seams',
  );
  expect([changed.verdict, verdictOf(changed, 'files')]).toEqual(['fail', 'fail']);
  const lost = await prove(
    {
      hooks: {
        restore: async (standard, { place }) => {
          const restored = await standard();
          await rm(join(pathOf(place), 'large'));
          return restored;
        },
      },
    },
    'seams',
  );
  expect([lost.verdict, verdictOf(lost, 'restore'), verdictOf(lost, 'files')]).toEqual(['fail', 'pass', 'fail']);
  const nothing = await prove({ hooks: { restore: async () => ({ totals: {}, shortfalls: [] }) } }, 'seams');
  expect(nothing.verdict).not.toBe('pass');
  expect(await readdir(scratch)).toEqual([]);
});
const pathOf = (place: { kind: string; path?: string }): string => place.path!;

it('a site that hides the newest snapshot fails by what another one lists, and the others pass without it', async () => {
  const { snapshot } = await prove(from('cloud'), 'fresh');
  const layout = (await readdir(join(fixture.directory, 'vault', 'sources')))[0]!;
  const vault = join(fixture.directory, 'vault', 'sources', layout);
  await rm(join(vault, 'packs'), { recursive: true });
  const whole = await prove(from('friends'), 'fresh');
  expect(whole).toMatchObject({ verdict: 'pass', snapshot });
  const without = await prove(from('vault'), 'fresh');
  expect([without.verdict, verdictOf(without, 'objects')]).toEqual(['fail', 'fail']);
  await rm(join(vault, 'snapshots'), { recursive: true });
  const hidden = await prove(from('vault'), 'never here before');
  expect([hidden.verdict, verdictOf(hidden, 'authenticity')]).toEqual(['fail', 'fail']);
});

it('a site that is away could not be verified', async () => {
  // One that had answered: what a killed server has open goes on working.
  const away = new FaultySite(sites[2]!);
  away.fault = unreachable(away.name);
  const access = await fixture.accessTo([sites[0]!, sites[1]!, away], { machine: 'fresh', identities: [parties.anna] });
  const { proofs } = await verify(access, {
    items: [{ address: 'tree', source: 'tree', type: 'files' }],
    chooseSite: async () => away,
    scratch: { kind: 'local', directory: scratch },
    limits: { timeMs: 60_000 },
    env: process.env,
    version: '0',
  });
  expect(proofs[0]!.verdict).toBe('could-not-verify');
  expect(proofs[0]!.checks.map(({ verdict }) => verdict)).not.toContain('fail');
});
