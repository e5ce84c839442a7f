/** Signed proofs at several sites: who may sign, what a host learns, and what retention makes of them. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { inTotoType, signEnvelope } from '../../src/crypt/dsse.ts';
import { generateParty, type Party } from '../../src/crypt/parties.ts';
import { sha256Hex } from '../../src/crypt/secrets.ts';
import { check } from '../../src/jobs/check.ts';
import { prune } from '../../src/jobs/prune.ts';
import { snapshotsOf } from '../../src/jobs/snapshots.ts';
import { sync } from '../../src/jobs/sync.ts';
import type { SnapshotProof } from '../../src/jobs/verify/report.ts';
import { rememberTurn } from '../../src/jobs/verify/site-turns.ts';
import { signProof } from '../../src/jobs/verify/statement.ts';
import { PastProofs } from '../../src/jobs/verify/statement-history.ts';
import { ProofRecorder } from '../../src/jobs/verify/statement-record.ts';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import { sealEnvelope } from '../../src/repository/catalog-object.ts';
import { type KnownProof, newestProven, proofsKeptMs, readProofs } from '../../src/repository/proofs.ts';
import type { IgnoredObject, KnownSnapshot } from '../../src/repository/snapshot.ts';
import { openSource } from '../../src/repository/source-record.ts';
import { Trust, type TrustParty } from '../../src/repository/trust.ts';
import { unreachable } from '../support/faulty-site.ts';
import { proofOf, check as statedCheck } from '../support/proofs.ts';
import { parties, repositoryKey, trusted, usualTrust } from '../support/repository-fixture.ts';
import { SeveralSites } from '../support/two-sites.ts';

const dayMs = 86_400_000;
const keep = { last: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
const prover = await generateParty('prover', systemClock);

let several: SeveralSites;
let trust: Trust;

beforeEach(async () => {
  several = await SeveralSites.make(['near', 'far']);
  trust = trustOf([...usualTrust, trusted(prover, 'verify')]);
});

function trustOf(trustParties: TrustParty[]): Trust {
  return new Trust(repositoryKey, trustParties);
}

function access(more: Partial<RepositoryAccess> = {}): Promise<RepositoryAccess> {
  return several.access({ trust, ...more });
}

async function backUp(day: number): Promise<KnownSnapshot> {
  several.clock.set(Date.parse('2026-11-24T04:00:00Z') + day * dayMs);
  return several.backUp({ people: randomBytes(3_000) });
}

/** Signs and stores as a verification does. The keys of the source are anna's: it was begun before the prover came. */
async function record(
  proof: SnapshotProof,
  snapshot: KnownSnapshot,
  signer: Party = parties.anna,
): Promise<ProofRecorder> {
  const recorder = new ProofRecorder('1.2.3');
  const source = await openedBy(await access({ identities: [parties.anna] }));
  await recorder.record(await access({ identities: [signer] }), source, snapshot, proof);
  return recorder;
}

function openedBy(run: RepositoryAccess) {
  return openSource(run, 'app');
}

async function proofs(ignored: IgnoredObject[] = []): Promise<KnownProof[]> {
  const run = await access();
  return readProofs(run, run.sites!, await openedBy(run), ignored);
}

/** What a check says of proofs. */
async function checked(): Promise<string[]> {
  const { findings } = await check(await access(), { sources: ['app'], readData: { part: 1, parts: 1 } });
  return findings.filter(({ object }) => object.includes('/proofs/')).map(({ severity }) => severity);
}

async function pruned(more: Partial<Parameters<typeof prune>[1]> = {}) {
  const report = await prune(await access(), {
    sources: [{ name: 'app', keep }],
    timeZone: 'UTC',
    dryRun: false,
    ...more,
  });
  expect(report.sources[0]!.error).toBeUndefined();
  return report.sources[0]!;
}

describe('a proof', () => {
  it('lies at every site, signed, and tells a host neither names nor fingerprints', async () => {
    const snapshot = await backUp(0);
    const { lines } = await record(proofOf(snapshot, { verdict: 'fail' }), snapshot, prover);
    const [found, ...others] = await proofs();
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      signer: 'prover',
      sites: ['near', 'far'],
      subject: [{ digest: { sha256: snapshot.id } }],
    });
    expect(found!.predicate).toMatchObject({ verdict: 'fail', site: { country: 'FR' }, program: { version: '1.2.3' } });
    // What the host opened: no table, no fingerprint, no salt.
    const opened = JSON.stringify(found);
    const { disclosure } = JSON.parse(lines[0]!);
    for (const secret of ['people', 'ab'.repeat(32), 'cd'.repeat(32), disclosure.salt])
      expect(opened).not.toContain(secret);
    expect(disclosure.contents[0].object).toBe('app.people');
    // And whoever has the site alone reads nothing at all.
    const object = readFileSync(several.path(several.sites[0]!, `${several.prefix()}proofs/${found!.id}`));
    expect(object.subarray(0, 21).toString()).toBe('age-encryption.org/v1');
  });

  it('goes to the other sites when one is away, and sync brings it there', async () => {
    const snapshot = await backUp(0);
    const far = several.sites[1]!;
    far.fault = unreachable('far', (operation) => operation === 'create');
    const { incomplete, lines } = await record(proofOf(snapshot), snapshot);
    far.fault = undefined;
    expect({ incomplete, lines: lines.length }).toEqual({ incomplete: 1, lines: 1 });
    expect((await proofs())[0]!.sites).toEqual(['near']);
    expect(await checked()).toEqual(['notice']);
    await sync(await access(), { sources: ['app'], dryRun: false });
    expect((await proofs())[0]!.sites).toEqual(['near', 'far']);
    expect(await checked()).toEqual([]);
    writeFileSync(join(several.path(far, `${several.prefix()}proofs`), (await proofs())[0]!.id), 'rot');
    expect(await proofs()).toHaveLength(1);
    expect(await checked()).toEqual(['damage']);
  });

  it('of a host, of a stranger, about another repository or source, or at odds with itself counts for nothing', async () => {
    const snapshot = await backUp(0);
    await record(proofOf(snapshot), snapshot);
    const run = await access({ identities: [parties.anna] });
    const source = await openedBy(run);
    const parts = { repository: run.trust.repositoryId, source, snapshot, version: '1' };
    const { payload } = signProof(proofOf(snapshot), { ...parts, signer: parties.anna });
    const { predicate } = payload;
    const forged: [object, Party][] = [
      [{ ...payload, signer: 'web1', predicate: { ...predicate, verifier: 'web1' } }, parties.web1],
      [payload, parties.web1],
      [{ ...payload, signer: 'stranger' }, parties.stranger],
      [{ ...payload, repository: '0'.repeat(32) }, parties.anna],
      [{ ...payload, source: '0'.repeat(32) }, parties.anna],
      [{ ...payload, kind: 'pin' }, parties.anna],
      [{ ...payload, subject: [{ name: 'x', digest: { sha256: '0'.repeat(64) } }] }, parties.anna],
      [{ ...payload, predicate: { ...predicate, checks: [] } }, parties.anna],
      [{ ...payload, predicate: { ...predicate, verdict: 'fail' } }, parties.anna],
      [
        { ...payload, predicate: { ...predicate, contents: { ...predicate.contents, restored: '0'.repeat(64) } } },
        parties.anna,
      ],
      [{ ...payload, predicate: 'nothing' }, parties.anna],
    ];
    for (const [statement, signer] of forged) {
      const envelope = signEnvelope(statement, signer, inTotoType);
      const { name, bytes } = await sealEnvelope(envelope, source.keys[0]!.catalogRecipient);
      await several.sites[0]!.create(source.layout.proofs + name, bytes);
    }
    // The same as one of our own statements: another type of payload.
    const { name, bytes } = await sealEnvelope(signEnvelope(payload, parties.anna), source.keys[0]!.catalogRecipient);
    await several.sites[0]!.create(source.layout.proofs + name, bytes);
    const ignored: IgnoredObject[] = [];
    expect(await proofs(ignored)).toHaveLength(1);
    expect(ignored).toHaveLength(forged.length + 1);
    expect(new Set(ignored.map(({ why }) => why)).size).toBeGreaterThanOrEqual(9);
  });

  it('is not signed when it contradicts itself', async () => {
    const snapshot = await backUp(0);
    const { incomplete, lines } = await record(
      proofOf(snapshot, { checks: [statedCheck('tables', 'fail')] }),
      snapshot,
    );
    expect({ incomplete, lines, stored: await proofs() }).toEqual({ incomplete: 1, lines: [], stored: [] });
  });
});

describe('retention', () => {
  it('keeps the newest proven snapshot, and stands still from a failed proof to the next that passes', async () => {
    const snapshots = [await backUp(0), await backUp(1), await backUp(2), await backUp(3)] as const;
    await record(proofOf(snapshots[0]), snapshots[0]);
    await record(proofOf(snapshots[1]), snapshots[1]);
    // Neither decides anything.
    await record(
      proofOf(snapshots[2], { verdict: 'sampled', checks: [statedCheck('tables', 'sampled')] }),
      snapshots[2],
    );
    const plan = await pruned({ dryRun: true });
    expect(plan.snapshots.filter(({ reasons }) => reasons.length > 0).map(({ id }) => id)).toEqual([
      snapshots[3].id,
      snapshots[1].id,
    ]);
    expect(plan.snapshots.find(({ id }) => id === snapshots[1].id)!.reasons).toEqual([{ rule: 'proven' }]);

    const ended = new Date(Date.parse(snapshots[3].time) + 1000).toISOString();
    await record(proofOf(snapshots[3], { verdict: 'fail', ended }), snapshots[3]);
    const paused = await pruned({ evenIfUnusual: true });
    expect(paused.pause).toMatchObject({ because: 'proof-failed', why: expect.stringContaining('"near"') });
    expect((await snapshotsOf(await access(), ['app']))[0]!.snapshots).toHaveLength(4);

    const later = new Date(Date.parse(ended) + 1000).toISOString();
    await record(
      proofOf(snapshots[3], {
        verdict: 'could-not-verify',
        checks: [statedCheck('restore', 'could-not-verify')],
        ended: later,
      }),
      snapshots[3],
    );
    expect((await pruned()).pause).toMatchObject({ because: 'proof-failed' });

    const last = new Date(Date.parse(later) + 1000).toISOString();
    await record(proofOf(snapshots[3], { ended: last, site: 'far' }), snapshots[3]);
    const resolved = await pruned();
    expect(resolved.pause).toBeUndefined();
    expect(resolved.snapshots.filter(({ reasons }) => reasons.length > 0).map(({ id }) => id)).toEqual([
      snapshots[3].id,
    ]);
  });

  it('does not stand still because a stated time was missed', async () => {
    const snapshot = await backUp(0);
    const checks = [statedCheck('tables'), statedCheck('restore-time', 'fail')];
    await record(proofOf(snapshot, { verdict: 'fail', checks, contents: [] }), snapshot);
    expect((await pruned()).pause).toBeUndefined();
    expect((await pruned()).snapshots[0]!.reasons).toContainEqual({ rule: 'proven' });
  });

  it('removes a proof when it is old and its snapshot has gone, and never the newest of a site', async () => {
    const gone = { id: '0'.repeat(64), sequence: 1, time: '2026-11-01T04:00:00.000Z', signer: 'web1' };
    const snapshot = await backUp(0);
    for (const [hour, site] of [
      [1, 'near'],
      [2, 'near'],
      [3, 'far'],
    ] as const) {
      const ended = `2026-11-01T0${hour}:00:00.000Z`;
      await record(proofOf(gone, { ended, site }), { ...snapshot, ...gone });
    }
    await pruned();
    expect(await proofs()).toHaveLength(3);
    several.clock.set(Date.parse('2026-11-01T05:00:00Z') + proofsKeptMs);
    await pruned();
    expect((await proofs()).map(({ predicate }) => predicate.ended.slice(11, 13))).toEqual(['03', '02']);
    for (const site of several.sites)
      expect(readdirSync(several.path(site, `${several.prefix()}proofs`))).toHaveLength(2);
  });
});

describe('what is proven next', () => {
  const about = (id: string, site: string, ended: string, verdict: 'pass' | 'fail') =>
    ({
      id: sha256Hex(id + site + ended),
      predicate: { snapshot: { id }, site: { name: site }, ended, verdict, checks: [{ id: 'tables', verdict }] },
    }) as unknown as KnownProof;

  it('comes from the site whose last proof is oldest, also as other machines tell', async () => {
    const snapshot = await backUp(0);
    const run = await access({ identities: [parties.anna] });
    const next = async () => (await new PastProofs(run).siteFor('app', run.sites!.live)).name;
    expect(await next()).toBe('near');
    await record(proofOf(snapshot, { site: 'near' }), snapshot);
    expect(await next()).toBe('far');
    const later = new Date(Date.parse(snapshot.time) + 1000).toISOString();
    await record(proofOf(snapshot, { site: 'far', ended: later }), snapshot);
    expect(await next()).toBe('near');
    // A turn that left no proof, since nothing could be opened there, counts as well.
    several.clock.set(Date.parse(later) + 1000);
    await rememberTurn(run, 'app', several.sites[0]!);
    expect(await next()).toBe('far');
    expect((await new PastProofs(run).trends(['app'])).get('app')).toMatchObject([
      { site: 'far' },
      { site: 'near', restoreMs: 61_000 },
    ]);
  });

  it('and a snapshot that one site has refuted may still be proven by another', () => {
    const snapshots = [
      { id: 'old', sequence: 1 },
      { id: 'new', sequence: 2 },
    ];
    const old = about('old', 'a', '2026-11-01', 'pass');
    const refuted = [about('new', 'a', '2026-11-03', 'fail'), about('new', 'a', '2026-11-02', 'pass'), old];
    expect(newestProven(snapshots, refuted)).toBe('old');
    expect(newestProven(snapshots, [about('new', 'b', '2026-11-02', 'pass'), ...refuted])).toBe('new');
    expect(newestProven(snapshots, [])).toBeUndefined();
  });
});
