/** Proofs as a verification makes them, of what a fixture holds. */
import type { ContentProof, SnapshotProof, Verdict, VerifyCheck } from '../../src/jobs/verify/report.ts';
import type { KnownSnapshot } from '../../src/repository/snapshot.ts';

export function check(id: VerifyCheck['id'], verdict: Verdict = 'pass', more: Partial<VerifyCheck> = {}): VerifyCheck {
  return {
    id,
    title: `About ${id}`,
    verdict,
    durationMs: 1250.4,
    equal: 12,
    figures: { tables: 3, rows: 4_000 },
    findings:
      verdict === 'fail' ? [{ kind: 'table', object: 'app.people', verdict: 'differs', detail: '2 rows differ.' }] : [],
    ...(verdict !== 'pass' && { why: 'app.people: 2 rows differ.' }),
    ...more,
  };
}

export const sameContent: ContentProof = {
  object: 'app.people',
  rows: 4_000,
  bytes: 123_456,
  method: 'sha256',
  source: 'ab'.repeat(32),
  restored: 'ab'.repeat(32),
};

/** A proof that passes, unless told. */
export function proofOf(
  snapshot: Pick<KnownSnapshot, 'id' | 'sequence' | 'time' | 'signer'>,
  {
    verdict = 'pass',
    site = 'near',
    ended = snapshot.time,
    ...more
  }: Partial<Omit<SnapshotProof, 'site'>> & { site?: string } = {},
): SnapshotProof {
  const { id, sequence, time, signer } = snapshot;
  return {
    source: 'app',
    type: 'postgres',
    snapshot: { id, sequence, time, signer },
    site: { name: site, operator: 'Example Ltd', country: 'FR' },
    verdict,
    started: new Date(Date.parse(ended) - 95_000).toISOString(),
    ended,
    durationMs: 95_000,
    restoreMs: 61_000,
    scratch: { kind: 'local', version: '15.14' },
    checks: [check('objects'), check('restore'), check('tables', verdict)],
    contents: [{ ...sameContent, ...(verdict === 'fail' && { restored: 'cd'.repeat(32) }) }],
    readBytes: 1_234_567,
    packs: 3,
    objectives: { restoreTimeMs: 3_600_000 },
    ...more,
  };
}
