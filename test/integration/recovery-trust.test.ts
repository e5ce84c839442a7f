import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Opener, Sealer } from '../../src/crypt/age.ts';
import { signEnvelope } from '../../src/crypt/dsse.ts';
import type { Party } from '../../src/crypt/parties.ts';
import { generateKeyPair, sha256Hex } from '../../src/crypt/secrets.ts';
import { publishTrust } from '../../src/jobs/init.ts';
import { escrowFacts } from '../../src/jobs/keys.ts';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import { generateSourceKeys, sealKeysFor } from '../../src/repository/source-keys.ts';
import type { SourceRecord } from '../../src/repository/source-record.ts';
import { recover } from '../support/recovery-run.ts';
import { RecoverySite } from '../support/recovery-site.ts';
import { parties, RepositoryFixture, trusted, writeSnapshot } from '../support/repository-fixture.ts';
import { forEveryRun } from '../support/thorough.ts';

/** Somebody has the site's login, or a stolen host's keys, and changes each part in turn. */

const { anna, bob, web1, web2, stranger } = parties;
const fixture = new RepositoryFixture();
afterAll(() => rm(fixture.directory, { recursive: true }));
const contents = { 'a.txt': Buffer.from('what was backed up first\n') };
const later = { 'a.txt': Buffer.from('what was backed up last\n') };
let access: RepositoryAccess;

beforeAll(async () => {
  const trustParties = [
    trusted(web1, 'backup'),
    trusted(web2, 'backup', ['other']),
    trusted(anna, 'owner'),
    trusted(bob, 'owner'),
  ];
  access = await fixture.access({ trustParties });
  await fixture.init();
  await publishTrust(access);
  await writeSnapshot(access, 'notes', contents);
  await writeSnapshot(access, 'notes', later);
  await writeSnapshot(access, 'other', { 'a.txt': Buffer.from('of another source\n') });
});

const copy = () => RecoverySite.copyOf(fixture, access);

async function restore(site: RecoverySite, more: readonly string[] = [], facts = site.facts) {
  const to = await site.target();
  const { status, said } = await recover([...facts, '--source', 'notes', '--to', to, ...more], { script: site.script });
  const there: string[] = await readdir(to).catch(() => []);
  return { status, said, there, text: there.includes('a.txt') ? await readFile(join(to, 'a.txt'), 'utf8') : undefined };
}

/** What was tampered with is named, and nothing is restored. */
async function expectRefused(site: RecoverySite, named: string, why: RegExp, more: readonly string[] = []) {
  const { status, said, there } = await restore(site, more);
  expect({ status, there, said }).toEqual({ status: 1, there: [], said: expect.stringContaining(named) });
  expect(said).toMatch(why);
}

describe('an intact site', () => {
  it('gives the newest snapshot, or the one asked for', async () => {
    const site = await copy();
    expect(await restore(site)).toMatchObject({ status: 0, there: ['a.txt'], text: later['a.txt'].toString() });
    const [first] = await site.snapshots('notes');
    const older = await restore(site, ['--snapshot', first!.id.slice(0, 12)]);
    expect(older).toMatchObject({ status: 0, text: contents['a.txt'].toString() });
  });

  it('opens with the whole identity file too, and with the hash printed in groups of upper case', async () => {
    const site = await copy();
    const grouped = site.trustSha256.toUpperCase().replace(/(.{8})/g, '$1 ');
    const facts = ['--site', site.path, '--identity', await site.identityOf(bob), '--trust-sha256', grouped];
    expect(await restore(site, [], facts)).toMatchObject({ status: 0, text: later['a.txt'].toString() });
  });

  it('does not open with the identity of a host or of a stranger', async () => {
    const site = await copy();
    for (const [party, said] of [
      [web1, 'opens the catalog but no data'],
      [stranger, 'the identity opens none of them; they are for: web1 anna bob'],
    ] as [Party, string][]) {
      const facts = [
        '--site',
        site.path,
        '--identity',
        await site.identityOf(party),
        '--trust-sha256',
        site.trustSha256,
      ];
      expect(await restore(site, [], facts)).toMatchObject({
        status: 1,
        there: [],
        said: expect.stringContaining(said),
      });
    }
  });

  it('has a recover.sh whose hash is the one on the escrow sheet', async () => {
    const site = await copy();
    const { recoverScriptSha256, trustSha256 } = escrowFacts(access);
    expect(sha256Hex(await site.read('recover.sh'))).toBe(recoverScriptSha256);
    expect(sha256Hex(await site.read('trust.json'))).toBe(trustSha256);
    await site.damage('recover.sh');
    expect(sha256Hex(await site.read('recover.sh'))).not.toBe(recoverScriptSha256);
  });
});

describe('a changed trust root', () => {
  it('is refused when trust.json is another one, even a well-formed one', async () => {
    const site = await copy();
    const trust = JSON.parse((await site.read('trust.json')).toString());
    trust.parties.push(trusted(stranger, 'backup'));
    await site.put('trust.json', `${JSON.stringify(trust)}\n`);
    await rm(join(site.path, 'trust'), { recursive: true });
    await expectRefused(site, 'trust.json', /SHA-256 differs/);
  });

  it('is refused when the sheet is of something else', async () => {
    const site = await copy();
    const facts = ['--site', site.path, '--identity', site.identityFile, '--trust-sha256', '0'.repeat(64)];
    expect(await restore(site, [], facts)).toMatchObject({
      status: 1,
      there: [],
      said: expect.stringContaining('trust.json'),
    });
  });

  it('does not matter where the one on the sheet still lies under its hash; what it does not know is ignored', async () => {
    const site = await copy();
    const old = site.facts;
    const trust = JSON.parse((await site.read('trust.json')).toString());
    trust.parties.push(trusted(stranger, 'backup'));
    await site.put('trust.json', `${JSON.stringify(trust)}\n`);
    const newer = await site.forgeSnapshot('notes', stranger);
    const { status, said, text } = await restore(site, [], old);
    expect({ status, text }).toEqual({ status: 0, text: later['a.txt'].toString() });
    expect(said).toContain('the escrow sheet is older');
    expect(said).toContain(`snapshots/${newer}: it is signed with a key that trust.json does not list`);
  });

  it('is refused when holdfast.json names another repository', async () => {
    const site = await copy();
    await site.put('holdfast.json', '{"format":1,"repository":"ffffffffffffffffffffffffffffffff"}\n');
    await expectRefused(site, 'holdfast.json', /another repository/);
  });
});

describe('a changed source.json', () => {
  const generation = (record: SourceRecord) => record.generations[0]!;
  const cases: [string, (record: SourceRecord) => object, Party, RegExp][] = [
    ['signed by a key that nobody trusts', (r) => r, stranger, /does not list/],
    ['signed by a host of another source', (r) => ({ ...r, signer: 'web2' }), web2, /may not act for this source/],
    ['of another source', (r) => ({ ...r, source: 'f'.repeat(32) }), web1, /something else/],
    ['of another repository', (r) => ({ ...r, repository: 'f'.repeat(32) }), web1, /something else/],
    ['of another kind', (r) => ({ ...r, kind: 'snapshot' }), web1, /something else/],
    ['in another name', (r) => ({ ...r, signer: 'anna' }), web1, /something else/],
    [
      'with a second generation, signed by a host',
      (r) => ({ ...r, generations: [generation(r), { ...generation(r), generation: 2 }] }),
      web1,
      /only an owner may sign a later generation/,
    ],
    [
      'with a path for a name',
      (r) => ({
        ...r,
        generations: [{ ...generation(r), keys: [{ party: '../x', role: 'owner', sha256: 'f'.repeat(64) }] }],
      }),
      web1,
      /malformed/,
    ],
  ];
  it.each(forEveryRun(cases, (_, at) => at % 3 === 0))('is refused: %s', async (_, change, signer, why) => {
    const site = await copy();
    const { layout, record } = await site.source('notes');
    await site.put(layout.source, signEnvelope(change(record), signer));
    await expectRefused(site, layout.source, why);
  });

  it('is refused with another public key under the old signature', async () => {
    const site = await copy();
    const { layout, record } = await site.source('notes');
    const changed = { ...record, generations: [{ ...generation(record), dataRecipient: stranger.recipient }] };
    const envelope = JSON.parse((await site.read(layout.source)).toString());
    envelope.payload = Buffer.from(JSON.stringify(changed)).toString('base64');
    await site.put(layout.source, JSON.stringify(envelope));
    await expectRefused(site, layout.source, /not one of web1/);
  });

  it("is refused with an owner's name and key id over a host's signature", async () => {
    const site = await copy();
    const { layout, record } = await site.source('notes');
    const forged = signEnvelope(
      { ...record, signer: 'anna' },
      { publicSigningKey: anna.publicSigningKey, privateKey: web1.privateKey },
    );
    await site.put(layout.source, forged);
    await expectRefused(site, layout.source, /not one of anna/);
  });

  it('is refused when a host signed keys that its key objects do not hold', async () => {
    const site = await copy();
    const { layout, record } = await site.source('notes');
    generation(record).dataRecipient = (await generateKeyPair()).recipient;
    await site.put(layout.source, signEnvelope(record, web1));
    await expectRefused(site, layout.key(1, 'anna'), /not those that source.json names/);
  });

  it('is refused when a host sealed us a private key of another pair', async () => {
    const site = await copy();
    const { layout, keys, record } = await site.source('notes');
    const object = await sealKeysFor(trusted(anna, 'owner'), {
      ...keys[0]!,
      dataIdentity: (await generateKeyPair()).identity,
    });
    generation(record).keys.find(({ party }) => party === 'anna')!.sha256 = sha256Hex(object);
    await site.put(layout.key(1, 'anna'), object);
    await site.put(layout.source, signEnvelope(record, web1));
    await expectRefused(site, layout.key(1, 'anna'), /not those that source.json names/);
  });
});

describe('a changed object', () => {
  it('is refused: a key object that somebody sealed to the owner', async () => {
    const site = await copy();
    const { layout } = await site.source('notes');
    const about = { repository: access.trust.repositoryId, source: layout.id, name: 'notes' };
    await site.put(layout.key(1, 'anna'), await sealKeysFor(trusted(anna, 'owner'), await generateSourceKeys(about)));
    await expectRefused(site, layout.key(1, 'anna'), /not the object that was signed/);
  });

  it('is refused: a pack with a changed byte, cut short, swapped with another, or gone', async () => {
    for (const how of ['changed', 'short', 'swapped', 'gone'] as const) {
      const site = await copy();
      const { layout } = await site.source('notes');
      const [, newest] = await site.snapshots('notes');
      const [first, second] = newest!.packs.map((pack) => layout.pack(pack));
      if (how === 'changed') await site.damage(first!);
      if (how === 'short') await site.put(first!, (await site.read(first!)).subarray(0, -1));
      if (how === 'swapped') await site.put(first!, await site.read(second!));
      if (how === 'gone') await rm(join(site.path, first!));
      await expectRefused(site, first!, how === 'gone' ? /is missing/ : /damaged/);
    }
  });

  it('is not used: an index object, which a restore does not need', async () => {
    const site = await copy();
    const { layout } = await site.source('notes');
    for (const name of await readdir(join(site.path, layout.index))) await site.damage(layout.index + name);
    expect(await restore(site)).toMatchObject({ status: 0, text: later['a.txt'].toString() });
  });
});

describe('a changed snapshot', () => {
  const forgeries: [string, (site: RecoverySite) => Promise<string>, RegExp][] = [
    ['signed by an unknown key', (site) => site.forgeSnapshot('notes', stranger), /does not list/],
    ['signed by a host of another source', (site) => site.forgeSnapshot('notes', web2), /may not act for this source/],
    ['signed by an owner', (site) => site.forgeSnapshot('notes', anna), /role owner does not count/],
    ["in another's name", (site) => site.forgeSnapshot('notes', web1, {}, 'anna'), /names another signer/],
    ['of another source', (site) => site.forgeSnapshot('notes', web1, { source: 'f'.repeat(32) }), /something else/],
    ['of another name', (site) => site.forgeSnapshot('notes', web1, { name: 'other' }), /malformed/],
    [
      'with another manifest than it commits to',
      (site) => site.forgeSnapshot('notes', web1, { commitment: { salt: '0'.repeat(32), sha256: '0'.repeat(64) } }),
      /commitment/,
    ],
    [
      'with a sequence that is code',
      (site) => site.forgeSnapshot('notes', web1, { sequence: 'a[$(touch /tmp/x)]' as never }),
      /malformed/,
    ],
    [
      'with a path for a pack',
      (site) => site.forgeSnapshot('notes', web1, { packs: ['../../../etc/passwd'] }),
      /malformed/,
    ],
  ];
  it.each(forEveryRun(forgeries, (_, at) => at % 3 === 0))('is named and ignored: one %s', async (_, forge, why) => {
    const site = await copy();
    const forged = await forge(site);
    const { status, text, said } = await restore(site);
    expect({ status, text }).toEqual({ status: 0, text: later['a.txt'].toString() });
    expect(said).toContain(`snapshots/${forged}`);
    expect(said).toMatch(why);
    await expectRefused(site, `snapshots/${forged}`, why, ['--snapshot', forged]);
  });

  it('is refused: all damaged, or replaced by those of another source', async () => {
    for (const how of ['damaged', 'replaced'] as const) {
      const site = await copy();
      const [notes, other] = [await site.source('notes'), await site.source('other')];
      const [elsewhere] = await site.snapshots('other');
      const names = await readdir(join(site.path, notes.layout.snapshots));
      expect(names.length).toBe(2);
      for (const name of names) {
        if (how === 'damaged') await site.damage(notes.layout.snapshots + name);
        else await rm(join(site.path, notes.layout.snapshots + name));
      }
      const put = notes.layout.snapshots + elsewhere!.id;
      if (how === 'replaced') await site.put(put, await site.read(other.layout.snapshots + elsewhere!.id));
      const named = how === 'damaged' ? `${notes.layout.snapshots}${names[0]}` : put;
      await expectRefused(site, named, how === 'damaged' ? /do not hash to its name/ : /no catalog key of this source/);
    }
  });

  it('that is missing, twice there or not rising is told', async () => {
    const site = await copy();
    const { layout } = await site.source('notes');
    const [first, second] = await site.snapshots('notes');
    await rm(join(site.path, layout.snapshots + first!.id));
    expect((await restore(site)).said).toContain('the predecessor of snapshot 2 is not on this site');
    await site.forgeSnapshot('notes', web1, { sequence: 2, previous: second!.id, time: '2000-01-01T00:00:00.000Z' });
    const { said } = await restore(site);
    expect(said).toContain('two snapshots have the sequence 2');
    expect(said).toContain('sequence or time of snapshot 2 do not rise');
  });
});

it('is told by --list, and by its exit status', async () => {
  const site = await copy();
  const forged = await site.forgeSnapshot('other', stranger);
  const { status, said, listed } = await recover([...site.facts, '--list'], { script: site.script });
  expect(status).toBe(1);
  expect(said).toContain(`snapshots/${forged}: it is signed with a key that trust.json does not list`);
  expect(said).toContain('1 objects or sources on this site are not trusted');
  expect(listed).toMatch(/^notes .*\n +1 .*\n +2 /m);
  expect(listed).not.toContain(forged.slice(0, 16));
});

describe('packs that were replaced', () => {
  /** What compaction does: the same frames in a new pack, and an index object that says so. */
  async function compact(
    site: RecoverySite,
    signer: Party,
    change: { snapshots?: string[] } = {},
  ): Promise<{ gone: string; index: string }> {
    const source = await site.source('notes');
    const { packs, id } = await site.newest('notes');
    const indexes = await readdir(join(site.path, source.layout.index));
    const entries = (await Promise.all(indexes.map((name) => site.openIndex('notes', name)))).flatMap(
      (index) => index.packs,
    );
    const entry = entries.find(({ pack }) => pack === packs[0])!;
    const object = source.layout.pack(entry.pack);
    const plain = await new Opener([source.keys[0]!.dataIdentity!]).open(await site.read(object));
    const sealed = await new Sealer([source.keys[0]!.dataRecipient]).seal([plain]);
    const pack = sha256Hex(sealed);
    await site.put(source.layout.pack(pack), sealed);
    const payload = {
      kind: 'index',
      repository: access.trust.repositoryId,
      source: source.layout.id,
      signer: signer.name,
    };
    const replacement = { ...entry, pack, size: sealed.length };
    const index = await site.putCatalog(
      source,
      'index',
      {
        ...payload,
        time: '2026-11-22T10:00:00.000Z',
        packs: [replacement],
        replaces: [entry.pack],
        snapshots: [id],
        ...change,
      },
      signer,
    );
    await rm(join(site.path, object));
    return { gone: object, index: source.layout.index + index };
  }

  it('are found through the index object that replaces them', async () => {
    const site = await copy();
    await compact(site, anna);
    expect(await restore(site)).toMatchObject({ status: 0, text: later['a.txt'].toString() });
  });

  it('are not looked for where a host says so, which cannot know, nor for a snapshot that is not named', async () => {
    const byHost = await copy();
    await expectRefused(byHost, (await compact(byHost, web1)).gone, /is missing/);
    const forOthers = await copy();
    await expectRefused(forOthers, (await compact(forOthers, anna, { snapshots: [] })).gone, /is missing/);
  });

  it('are not looked for where nobody trusted says so', async () => {
    const site = await copy();
    const { gone, index } = await compact(site, stranger);
    await expectRefused(site, gone, /is missing/);
    expect((await restore(site)).said).toContain(`not trusted: ${index}`);
  });
});

describe('an interrupted recovery', () => {
  it('leaves nothing when it is asked to stop, and nothing in the way when it is killed', async () => {
    const site = await copy();
    await site.craft('notes', 'files', async (ingest) => {
      const { stored } = await ingest.whole(Buffer.alloc(100, 'x'));
      const line = (i: number) => ({
        kind: 'file',
        path: `f${i}`,
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtime: '0',
        size: 100,
        stream: stored,
      });
      return Array.from({ length: 4000 }, (_, i) => line(i));
    });
    const to = await site.target();
    await mkdir(to);
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const running = execa('bash', [site.script, ...site.facts, '--source', 'notes', '--to', to], {
        reject: false,
        cwd: dirname(to),
      });
      await expect
        .poll(
          async () => {
            const [work] = await readdir(to);
            return work === undefined ? 0 : (await readdir(join(to, work, 'tree')).catch(() => [])).length;
          },
          { timeout: 20_000, interval: 20 },
        )
        .toBeGreaterThan(5);
      running.kill(signal);
      const { exitCode } = await running;
      if (signal === 'SIGTERM') expect(exitCode).toBe(143);
      expect((await readdir(to)).length).toBe(signal === 'SIGTERM' ? 0 : 1);
    }
    const [first] = await site.snapshots('notes');
    const again = await recover([...site.facts, '--source', 'notes', '--snapshot', first!.id, '--to', to], {
      script: site.script,
    });
    expect(again).toMatchObject({ status: 0, said: expect.stringContaining('an interrupted recovery left') });
    expect(await readdir(to)).toEqual(['a.txt']);
  });
});
