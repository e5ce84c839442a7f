/** What a proof states, signed: docs/format.md §13. */
import type { ErrorCode } from '../base/errors.ts';
import type { SourceType } from './snapshot.ts';
import type { SignedPayload } from './trust.ts';

/** A name, as in-toto asks for one. Nothing is fetched from there. */
export const proofPredicateType = 'https://holdfast.dev/proof/v1';
export const statementType = 'https://in-toto.io/Statement/v1';

/** From the best to the worst. */
export const proofVerdicts = ['pass', 'sampled', 'could-not-verify', 'fail'] as const;
export type ProofVerdict = (typeof proofVerdicts)[number];

/** A check as it is stated: no name of a table, and no sentence that might hold one. */
export interface StatedCheck {
  id: string;
  verdict: ProofVerdict;
  durationMs: number;
  /** Comparisons that came out equal, and those that did not. */
  equal: number;
  differing: number;
  figures: Record<string, number>;
}

export interface ProofPredicate {
  verdict: ProofVerdict;
  /** ISO 8601. */
  started: string;
  ended: string;
  durationMs: number;
  /** Of the restore alone; missing when it did not come to its end. */
  restoreMs?: number;
  program: { name: 'holdfast'; version: string };
  verifier: string;
  readBytes: number;
  source: { id: string; name: string; type: SourceType };
  site: { name: string; operator?: string; country?: string };
  snapshot: {
    id: string;
    sequence: number;
    time: string;
    signer: string;
    commitment: { salt: string; sha256: string };
    packs: { count: number; sha256: string };
  };
  checks: StatedCheck[];
  objectives: { restoreTimeMs?: number; dataAgeMs?: number };
  sample?: { share: number; seed: string };
  scratch?: { kind: string; version?: string };
  error?: ErrorCode;
  contents: { count: number; source: string; restored?: string };
  details: string;
}

export interface ProofPayload extends SignedPayload {
  _type: typeof statementType;
  subject: { name: string; digest: { sha256: string } }[];
  predicateType: typeof proofPredicateType;
  predicate: ProofPredicate;
  kind: 'proof';
  source: string;
}

/** The worst of the verdicts of some checks. Nothing at all is no pass. */
export function worstVerdict(checks: readonly { verdict: ProofVerdict }[]): ProofVerdict {
  if (checks.length === 0) return 'could-not-verify';
  return proofVerdicts[Math.max(...checks.map(({ verdict }) => proofVerdicts.indexOf(verdict)))]!;
}

/** The verdict that checks give together. What ended before its end is no pass, whatever was found until then. */
export function verdictOf({ checks, error }: Pick<ProofPredicate, 'checks' | 'error'>): ProofVerdict {
  return worstVerdict([...checks, ...(error === undefined ? [] : [{ verdict: 'could-not-verify' as const }])]);
}

/**
 * Why a statement contradicts itself, in a sentence; undefined when it does not. A signature tells who said it, and not
 * that it makes sense.
 */
export function contradictionOf(payload: ProofPayload): string | undefined {
  try {
    const { predicate, subject } = payload;
    if (payload._type !== statementType || payload.predicateType !== proofPredicateType) {
      return 'It is a statement of a form that is not known here.';
    }
    const { snapshot, contents, checks, verdict, source } = predicate;
    const [about, ...others] = subject;
    if (
      about === undefined ||
      others.length > 0 ||
      about.digest.sha256 !== snapshot.id ||
      source.id !== payload.source
    ) {
      return 'Its subject is not the snapshot that it tells of.';
    }
    if (about.name !== subjectName(payload.source, snapshot.id)) return 'Its subject has another name than it should.';
    if (predicate.verifier !== payload.signer) return 'It names another verifier than its signer.';
    if ([predicate.started, predicate.ended, snapshot.time].some((time) => Number.isNaN(Date.parse(time)))) {
      return 'A time in it is none.';
    }
    if (checks.some((check) => !proofVerdicts.includes(check.verdict))) return 'A check has no verdict.';
    if (checks.some((check) => check.verdict === 'pass' && check.differing !== 0)) {
      return 'A check says pass, and something came out different.';
    }
    const stated = verdictOf(predicate);
    if (verdict !== stated) return `It says ${verdict}, and its checks say ${stated}.`;
    if (verdict === 'pass' && contents.restored !== contents.source) {
      return 'It says pass, and what was restored is not what was backed up.';
    }
    return undefined;
  } catch {
    return 'Parts of it are missing.';
  }
}

/** What a statement calls the snapshot that it is about: its object, as every site has it. */
export function subjectName(sourceId: string, snapshotId: string): string {
  return `sources/${sourceId}/snapshots/${snapshotId}`;
}
