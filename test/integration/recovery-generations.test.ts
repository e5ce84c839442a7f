/** recover.sh on a source whose keys and parties have changed. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishTrust } from '../../src/jobs/init.ts';
import { distrustHost } from '../../src/jobs/keys-distrust.ts';
import { rotateKeys } from '../../src/jobs/keys-rotate.ts';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import type { KnownSnapshot } from '../../src/repository/snapshot.ts';
import { recover } from '../support/recovery-run.ts';
import { RecoverySite } from '../support/recovery-site.ts';
import { parties, RepositoryFixture, trusted, writeSnapshot } from '../support/repository-fixture.ts';

const { anna, bob, web1, web2 } = parties;
const fixture = new RepositoryFixture();
afterAll(() => rm(fixture.directory, { recursive: true }));
const text = (word: string) => ({ 'a.txt': Buffer.from(`what was backed up ${word}\n`) });
const owners = [trusted(anna, 'owner'), { ...trusted(bob, 'owner'), retired: true }];
let now: RepositoryAccess;
let first: KnownSnapshot;
let stolen: KnownSnapshot;

beforeAll(async () => {
  await fixture.init();
  ({ snapshot: first } = await writeSnapshot(await fixture.access(), 'notes', text('first')));
  const without = await fixture.access({
    trustParties: [trusted(web1, 'backup'), trusted(web2, 'backup'), ...owners],
    identities: [anna],
  });
  const request = { sources: ['notes'], dryRun: false };
  expect((await rotateKeys(without, request)).outcome).toBe('done');
  ({ snapshot: stolen } = await writeSnapshot(without, 'notes', text('by a thief')));
  expect((await distrustHost(without, { ...request, host: 'web1', since: '2', without: [] })).outcome).toBe('done');
  now = await fixture.access({
    trustParties: [{ ...trusted(web1, 'backup'), distrusted: true }, trusted(web2, 'backup'), ...owners],
    host: web2,
    machine: 'web2',
  });
  await publishTrust(now);
  await writeSnapshot(now, 'notes', text('last'));
});

async function restore(site: RecoverySite, more: readonly string[] = [], identity = site.identityFile) {
  const to = await site.target();
  const facts = ['--site', site.path, '--identity', identity, '--trust-sha256', site.trustSha256];
  const { status, said } = await recover([...facts, '--source', 'notes', '--to', to, ...more], { script: site.script });
  const there: string[] = await readdir(to).catch(() => []);
  return { status, said, text: there.includes('a.txt') ? await readFile(join(to, 'a.txt'), 'utf8') : undefined };
}

describe('recover.sh', { timeout: 180_000 }, () => {
  it('opens every generation that the identity has keys of', async () => {
    const site = await RecoverySite.copyOf(fixture, now);
    expect(await restore(site)).toMatchObject({ status: 0, text: 'what was backed up last\n' });
    expect(await restore(site, ['--snapshot', first.id])).toMatchObject({
      status: 0,
      text: 'what was backed up first\n',
    });
    const identity = await site.identityOf(bob);
    const older = await restore(site, [], identity);
    expect(older).toMatchObject({ status: 0, text: 'what was backed up first\n' });
    expect(older.said).toContain('no catalog key of this source opens it');
  });

  it('passes over what a distrusted host signed, but for what an owner lists', async () => {
    const site = await RecoverySite.copyOf(fixture, now);
    const { said, listed, status } = await recover([...site.facts, '--list'], { script: site.script });
    expect(said).toContain('web1 signed it, which is distrusted, and no owner lists it');
    expect(listed).toContain(first.id.slice(0, 16));
    expect(status).toBe(1);
    expect(listed).not.toContain(stolen.id.slice(0, 16));
  });

  it('believes nothing of that host where the list is missing', async () => {
    const site = await RecoverySite.copyOf(fixture, now);
    const source = await site.source('notes');
    await rm(join(site.path, source.layout.distrusted), { recursive: true });
    const { status, said } = await restore(site, ['--snapshot', first.id]);
    expect(status).toBe(1);
    expect(said).toContain('is missing or damaged: no snapshot by web1 counts');
  });
});
