import { expect } from 'vitest';
import { backup } from '../../src/jobs/backup.ts';
import type { BackupSettings } from '../../src/jobs/source-settings.ts';
import { extraChecks, type ProofChecks } from '../../src/jobs/verify/checks/extra-checks.ts';
import type { VerifyHooks } from '../../src/jobs/verify/extra.ts';
import type { CheckId, SnapshotProof } from '../../src/jobs/verify/report.ts';
import type { VerifyRequest } from '../../src/jobs/verify/request.ts';
import { verifySnapshot } from '../../src/jobs/verify/verify.ts';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import type { SourceType } from '../../src/repository/snapshot.ts';
import type { Site } from '../../src/sites/site.ts';
import { parties, type RepositoryFixture } from './repository-fixture.ts';

/** Proofs in this process, for tests that damage what is proven. */

/** In every row and file that could be quoted, so that a proof that quotes one is found. */
export const mark = 'Zobel7kuerbis';

export const noChecks: ProofChecks = {
  amcheck: 'off',
  foreignKeys: 'doubtful',
  assertions: [],
  references: [],
  objectives: {},
  objectivesBySource: new Map(),
};

export interface ProofWish {
  /** Default: the newest snapshot. */
  address?: string;
  hooks?: VerifyHooks;
  checks?: Partial<ProofChecks>;
  request?: Partial<VerifyRequest>;
}

/** Makes a snapshot as `web1` does, or fails. */
export async function backUp(access: RepositoryAccess, settings: BackupSettings): Promise<void> {
  const report = await backup(access, { sources: [settings], tags: [], env: process.env });
  expect(report.sources.map(({ outcome, error }) => error ?? outcome)).toEqual(['done']);
}

/** As an owner's machine has it, which is no host. */
export async function ownerAccess(
  fixture: RepositoryFixture,
  options: Parameters<RepositoryFixture['access']>[0] = {},
): Promise<RepositoryAccess> {
  const { host: _, ...access } = await fixture.access({ machine: 'proofs', identities: [parties.anna], ...options });
  return access;
}

/** The proof of one snapshot, through everything that `holdfast verify` does. */
export async function prove(
  access: RepositoryAccess,
  { source, type, directory }: { source: string; type: SourceType; directory: string },
  { address = source, hooks = {}, checks = {}, request = {} }: ProofWish = {},
  site: Site = access.site,
): Promise<SnapshotProof> {
  const proof = await verifySnapshot(
    access,
    site,
    { address, source, type },
    {
      items: [],
      scratch: { kind: 'local', directory },
      limits: { timeMs: 600_000 },
      // More would only start more threads.
      jobs: 1,
      env: process.env,
      extra: extraChecks({ ...noChecks, ...checks }),
      hooks,
      version: 'test',
      ...request,
    },
  );
  expect(JSON.stringify(proof)).not.toContain(mark);
  return proof;
}

/** The checks of a proof that are not green: `id: verdict`, and what was told of it. */
export function notGreen({ checks }: SnapshotProof): string[] {
  return checks
    .filter(({ verdict }) => verdict !== 'pass')
    .map(({ id, verdict, why, findings }) => `${id} ${verdict}: ${why ?? findings[0]?.detail}`);
}

export function expectGreen(proof: SnapshotProof): void {
  expect(notGreen(proof)).toEqual([]);
  expect(proof).toMatchObject({ verdict: 'pass' });
  expect(proof.error).toBeUndefined();
}

/** Red as a whole, and by this check. */
export function expectRed(proof: SnapshotProof, id: CheckId): void {
  const told = notGreen(proof).join('\n');
  expect(proof.verdict, told).toBe('fail');
  expect(proof.checks.find((check) => check.id === id)?.verdict, told).toBe('fail');
}
