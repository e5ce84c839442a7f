/** What `holdfast verify` leaves behind, through the real program: files, signed statements, and what others make of them. */
import { appendFileSync, chmodSync, globSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { systemClock } from '../../src/base/clock.ts';
import { inTotoType, signEnvelope } from '../../src/crypt/dsse.ts';
import { generateParty, parseParty } from '../../src/crypt/parties.ts';
import { sha256Hex } from '../../src/crypt/secrets.ts';
import { holdfast } from './run-holdfast.ts';
import { type WorkingSetup, workingSetup } from './working-setup.ts';

let setup: WorkingSetup;
const path = (name: string) => join(setup.directory, name);
const scratch = () => ['--scratch-dir', path('scratch')];

interface Snapshots {
  sources: {
    lastProofs: Record<string, string>;
    snapshots: { id: string; proofs: { verdict: string; site: string; verifier: string; statement: string }[] }[];
  }[];
}

beforeAll(async () => {
  setup = await workingSetup();
  await setup.json(['backup']);
  await setup.json(['verify', ...scratch(), '--junit', 'out.xml', '--html', 'out.html', '--statement', 'out.jsonl']);
});
afterAll(() => rmSync(setup.directory, { recursive: true, force: true }));

const trustHash = () => sha256Hex(readFileSync(join(setup.site, 'trust.json')));

/** Checks a statement as somebody who has no configuration, no site and no key. */
async function audited(file: string, hash = trustHash()) {
  const trust = ['--trust', join(setup.site, 'trust.json'), '--trust-sha256', hash];
  return holdfast(['verify', '--offline-statement', path(file), ...trust], { cwd: '/' });
}

describe('verify', () => {
  it('writes its files, private and whole, and refuses before it begins what it could not write', async () => {
    expect(readFileSync(path('out.xml'), 'utf8')).toMatch(
      /<testsuites name="holdfast verify" tests="4" failures="0" errors="0"/,
    );
    expect(readFileSync(path('out.html'), 'utf8')).toContain('<h1>Restored in full. Everything is equal.</h1>');
    expect(readFileSync(path('out.jsonl'), 'utf8').trim().split('\n')).toHaveLength(1);
    expect(statSync(path('out.html')).mode & 0o777).toBe(0o600);
    for (const flags of [
      ['--html', 'nowhere/out.html'],
      ['--junit', 'tree'],
      ['--junit', 'same', '--html', './same'],
    ]) {
      const { status, stderr } = await setup.asOwner('verify', ...scratch(), ...flags);
      expect(status).toBe(2);
      expect(stderr).toMatch(/nowhere|tree|same file/);
      expect(stderr).not.toContain('Verifying');
    }
  });

  it('is told by snapshots: that, when and from where', async () => {
    const { sources } = await setup.json<Snapshots>(['snapshots']);
    expect(sources[0]!.snapshots[0]!.proofs).toMatchObject([{ verdict: 'pass', site: 'vault', verifier: 'anna' }]);
    expect(Object.keys(sources[0]!.lastProofs)).toEqual(['vault']);
    // A host reads that too.
    const { stdout } = await setup.run('snapshots');
    expect(stdout).toMatch(/PROVEN/);
    expect(stdout).toMatch(/yes, \d+ s ago, from vault/);
    const { sources: kept } = await setup.json<{ sources: { snapshots: { reasons: { rule: string }[] }[] }[] }>([
      'prune',
      '--dry-run',
    ]);
    expect(kept[0]!.snapshots[0]!.reasons.map(({ rule }) => rule)).toContain('proven');
  });
});

describe('verify --offline-statement', () => {
  it('tells with public keys alone what was proven', async () => {
    const { status, stdout, stderr } = await audited('out.jsonl');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^valid {2}documents@[0-9a-f]{8}: pass$/m);
    expect(stdout).toContain('signed by anna, who may as an owner');
    expect(stdout).toContain('read from vault (Example Ltd, FR) alone');
    expect(stdout).toContain('1 fingerprint taken at the backup, and every one came back; disclosed, and as signed');
    expect(stdout).toContain(trustHash());
    const { outcome } = await setup.json<{ outcome: string }>(['verify', '--offline-statement', 'out.jsonl']);
    expect(outcome).toBe('pass');
  });

  it('refuses what was changed, what others signed, and what belongs elsewhere', async () => {
    const line = JSON.parse(readFileSync(path('out.jsonl'), 'utf8'));
    const payload = JSON.parse(Buffer.from(line.payload, 'base64').toString());
    const anna = await parseParty(readFileSync(path('owners/anna.key'), 'utf8'));
    const host = await parseParty(readFileSync(path('host.key'), 'utf8'));
    const stranger = await generateParty('anna', systemClock);
    const signed = (statement: object, by = anna) => JSON.parse(signEnvelope(statement, by, inTotoType).toString());
    const base64 = (statement: object) => Buffer.from(JSON.stringify(statement)).toString('base64');
    const { predicate } = payload;
    const { disclosure } = line;
    const changes: Record<string, [object, string]> = {
      content: [
        { ...line, payload: base64({ ...payload, predicate: { ...predicate, readBytes: 1 } }) },
        'Its signature is not one of anna',
      ],
      stranger: [signed(payload, stranger), 'not in the trust root'],
      host: [
        signed({ ...payload, signer: 'web1', predicate: { ...predicate, verifier: 'web1' } }, host),
        'role backup does not count',
      ],
      repository: [signed({ ...payload, repository: 'f'.repeat(32) }), 'another repository'],
      verdict: [signed({ ...payload, predicate: { ...predicate, verdict: 'sampled' } }), 'its checks say pass'],
      restored: [
        signed({
          ...payload,
          predicate: { ...predicate, contents: { ...predicate.contents, restored: 'f'.repeat(64) } },
        }),
        'not what was backed up',
      ],
      fingerprints: [{ ...line, disclosure: { ...disclosure, contents: [] } }, 'disclosed fingerprints'],
      findings: [{ ...line, disclosure: { ...disclosure, details: '{}' } }, 'disclosed findings'],
      salt: [{ ...line, disclosure: { ...disclosure, salt: 'f'.repeat(64) } }, 'disclosed fingerprints'],
      manifest: [{ ...line, disclosure: { ...disclosure, manifestSha256: 'f'.repeat(64) } }, 'disclosed manifest'],
      type: [{ ...line, payloadType: 'application/vnd.holdfast+json' }, 'not an envelope'],
      nothing: [{}, 'not an envelope'],
    };
    writeFileSync(
      path('changed.jsonl'),
      Object.values(changes)
        .map(([statement]) => `${JSON.stringify(statement)}\n`)
        .join(''),
    );
    const { status, stdout } = await audited('changed.jsonl');
    expect(status).toBe(4);
    const told = stdout.split('\n').filter((one) => one.startsWith('invalid'));
    expect(told).toHaveLength(Object.keys(changes).length);
    for (const [at, [name, [, why]]] of Object.entries(changes).entries()) expect(told[at], name).toContain(why);
    writeFileSync(path('empty.jsonl'), '\n');
    expect((await audited('empty.jsonl')).status).toBe(4);
    // Without what it discloses it is as valid.
    const { disclosure: _, ...bare } = line;
    writeFileSync(path('bare.jsonl'), `${JSON.stringify(bare)}\n`);
    expect(await audited('bare.jsonl')).toMatchObject({ status: 0, stdout: expect.stringContaining('not disclosed') });
  });

  it('believes no trust.json that is not named by its hash', async () => {
    expect(await audited('out.jsonl', 'f'.repeat(64))).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('not the one'),
    });
    const alone = await holdfast(
      ['verify', '--offline-statement', path('out.jsonl'), '--trust', join(setup.site, 'trust.json')],
      { cwd: '/' },
    );
    expect(alone).toMatchObject({ status: 2, stderr: expect.stringContaining('--trust-sha256') });
  });
});

describe('a failed proof', () => {
  it('is signed too, stops retention, and ends a weekly run with 4', async () => {
    const config = parse(readFileSync(path('holdfast.yaml'), 'utf8'));
    config.owners[0].identity = { file: 'owners/anna.key' };
    config.verify = { scratch: { directory: 'scratch' } };
    writeFileSync(path('weekly.yaml'), stringify(config));
    chmodSync(path('weekly.yaml'), 0o600);
    const weekly = (...args: string[]) => setup.run('-c', 'weekly.yaml', ...args);
    const { status, stdout } = await weekly('run', 'weekly');
    expect({ status, stdout }).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/verify +done .*1 of 1 source proven/),
    });
    // A host without an identity that opens data has no such job.
    expect(await setup.run('run', 'weekly')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('There is no job weekly'),
    });

    damagePacks();
    const bad = await weekly('run', 'weekly', '--force');
    expect(bad.status).toBe(4);
    expect(bad.stdout).toMatch(/failed {2}proof of documents from vault: /);
    expect(
      (await weekly('verify', '--statement', 'bad.jsonl', '--html', 'bad.html', '--junit', 'bad.xml')).status,
    ).toBe(4);
    expect(readFileSync(path('bad.xml'), 'utf8')).toMatch(/<failure message=/);
    expect(readFileSync(path('bad.html'), 'utf8')).toContain('hero v-fail');
    const checked = await audited('bad.jsonl');
    expect(checked).toMatchObject({ status: 4, stdout: expect.stringMatching(/^valid .*: FAIL$/m) });
    const pruned = await setup.run('prune');
    expect(pruned.stdout).toMatch(/paused {2}documents: The newest proof failed/);
    expect((await setup.run('snapshots')).stdout).toMatch(/FAILED, \d+ s ago, from vault/);
  });
});

/** Every pack is longer than it should be. */
function damagePacks(): void {
  for (const pack of globSync(join(setup.site, 'sources/*/packs/*/*'))) {
    chmodSync(pack, 0o600);
    appendFileSync(pack, 'rot');
  }
}
