/** The signed statement of a search for leaks: an in-toto statement in a DSSE envelope, as proofs of restores are. */

import { HoldfastError } from '../../base/errors.ts';
import { inTotoType, parseEnvelope, type Signer, signEnvelope, verifyEnvelope } from '../../crypt/dsse.ts';
import type { LeakReport } from '../../pseudonyms/leaks/report.ts';

export const leakPredicateType = 'https://holdfast.dev/leak-report/v1';
const statementType = 'https://in-toto.io/Statement/v1';

/** What the report is of. */
export interface LeakReportAbout {
  /** Name of the source in the configuration. */
  source: string;
  /** Name of the copy's database. */
  database: string;
  /** Of the pseudonyms' key: it tells keys apart and nothing else. */
  keyFingerprint: string;
  /** SHA-256 of the lock file that the copy was made by, hex. */
  lockSha256: string;
  /** ISO 8601. */
  started: string;
  ended: string;
  /** Of this program. */
  version: string;
}

export interface LeakPredicate extends LeakReportAbout {
  report: LeakReport;
}

interface LeakStatement {
  _type: typeof statementType;
  subject: { name: string; digest: { sha256: string } }[];
  predicateType: typeof leakPredicateType;
  predicate: LeakPredicate;
}

/** What JSON output, the page and the statement say alike. */
export function leakPredicate(report: LeakReport, about: LeakReportAbout): LeakPredicate {
  return { ...about, report };
}

/**
 * Signs a report, whatever it found. The subject is the copy under the rules it was made by: its digest is that of the
 * lock file, since the rows of a database have none.
 *
 * @param signer the host's key, or an owner's
 * @returns one line of JSON
 */
export function signLeakReport(report: LeakReport, about: LeakReportAbout, signer: Signer): Buffer {
  const predicate = leakPredicate(report, about);
  const statement: LeakStatement = {
    _type: statementType,
    subject: [{ name: `holdfast-copy:${about.database}`, digest: { sha256: predicate.lockSha256 } }],
    predicateType: leakPredicateType,
    predicate,
  };
  return signEnvelope(statement, signer, inTotoType);
}

/**
 * @param publicSigningKey `hfsig1…`
 * @throws HoldfastError `object-damaged` when it is no such statement, `not-trusted` when the key did not sign it
 */
export function readLeakReport(envelope: Uint8Array, publicSigningKey: string): LeakPredicate {
  const parsed = parseEnvelope(envelope, inTotoType);
  if (!verifyEnvelope(parsed, publicSigningKey)) {
    throw new HoldfastError('not-trusted', 'The signature of a leak report is not that of the key.');
  }
  const statement = JSON.parse(parsed.payload.toString('utf8')) as LeakStatement;
  if (statement._type !== statementType || statement.predicateType !== leakPredicateType) {
    throw new HoldfastError('object-damaged', 'A signed statement is not a leak report.');
  }
  return statement.predicate;
}
