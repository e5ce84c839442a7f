/**
 * Checks a statement file with public keys alone: what an auditor does who has neither a site nor an identity. Whom to believe
 * comes from trust.json, or from the configuration, and never from the file.
 */
import { type ErrorCode, HoldfastError, isHoldfastError } from '../../base/errors.ts';
import { inTotoType, parseEnvelope, verifyEnvelope } from '../../crypt/dsse.ts';
import { sha256Hex } from '../../crypt/secrets.ts';
import { clusterPrefixOf, formatVersion } from '../../repository/layout.ts';
import { contradictionOf, type ProofPayload, type ProofPredicate } from '../../repository/proofs-payload.ts';
import type { PartyRole } from '../../repository/trust.ts';
import type { ContentProof } from './report.ts';
import { contentCommitments, type Disclosure, detailsCommitment, type ProofDetails } from './statement.ts';

/** The public part of a trust root, as trust.json has it: docs/format.md §7. */
export interface PublicTrust {
  /** Of its bytes: what the escrow sheet carries. */
  sha256: string;
  repository: string;
  parties: { name: string; role: PartyRole; publicSigningKey: string; sources?: string[] }[];
}

/**
 * Reads a trust.json.
 *
 * @param expected SHA-256 that it must have; undefined only for one that this machine made itself
 * @throws HoldfastError `not-trusted` when it is another, `object-damaged` when it is none
 */
export function readPublicTrust(bytes: Uint8Array, expected?: string): PublicTrust {
  const sha256 = sha256Hex(bytes);
  if (expected !== undefined && expected.toLowerCase() !== sha256) {
    throw new HoldfastError('not-trusted', 'The trust.json is not the one that was named.', {
      why: `Its SHA-256 is ${sha256}.`,
      hint: 'Take the hash from the escrow sheet or from whoever is to be believed, and never from where the file came from.',
    });
  }
  try {
    const { format, repository, parties } = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (format !== formatVersion || typeof repository !== 'string' || !Array.isArray(parties))
      throw new Error('fields');
    return { sha256, repository, parties };
  } catch (cause) {
    throw new HoldfastError('object-damaged', 'The trust.json is none.', { cause });
  }
}

/** What became of one statement. */
export interface CheckedStatement {
  /** Number of its line, from 1. */
  line: number;
  valid: boolean;
  /** Why it is not. */
  why?: string;
  /** Who signed it, and in which role. */
  signer?: { name: string; role: PartyRole };
  predicate?: ProofPredicate;
  /** What the file discloses, where it fits what was signed. */
  contents?: ContentProof[];
  details?: ProofDetails;
}

/**
 * Checks every statement of a file: signature, role, that it is of this repository and does not contradict itself, and that
 * what is disclosed beside it is what was committed to.
 */
export function checkStatements(text: string, trust: PublicTrust): CheckedStatement[] {
  return text
    .split('\n')
    .map((line, at) => ({ line, number: at + 1 }))
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, number }) => ({ line: number, ...checkStatement(line, trust) }));
}

function checkStatement(line: string, trust: PublicTrust): Omit<CheckedStatement, 'line'> {
  let payload: ProofPayload;
  let signer: CheckedStatement['signer'];
  try {
    const envelope = parseEnvelope(Buffer.from(line), inTotoType);
    const party = trust.parties.find(({ publicSigningKey }) => publicSigningKey === envelope.keyid);
    if (!party) return invalid('Its signing key is not in the trust root.');
    if (!verifyEnvelope(envelope, party.publicSigningKey)) return invalid(`Its signature is not one of ${party.name}.`);
    signer = { name: party.name, role: party.role };
    payload = JSON.parse(envelope.payload.toString('utf8'));
    if (typeof payload !== 'object' || payload === null) return invalid('It is no statement.', signer);
    if (party.role !== 'verify' && party.role !== 'owner') {
      return invalid(`${party.name} signed it, whose role ${party.role} does not count for proofs.`, signer);
    }
    if (payload.signer !== party.name) return invalid('It names another signer than the one who signed it.', signer);
    if (payload.kind !== 'proof') return invalid('It is a statement of another kind.', signer);
    if (payload.repository !== trust.repository) return invalid('It belongs to another repository.', signer);
    if (!mayActFor(party.sources, payload.source)) {
      return invalid(`${party.name} signed it, who may not act for its source.`, signer);
    }
  } catch (error) {
    return invalid(isHoldfastError(error) ? (error.why ?? error.message) : 'It is no signed statement.', signer);
  }
  const contradiction = contradictionOf(payload);
  if (contradiction !== undefined) return invalid(contradiction, signer);
  const { predicate } = payload;
  const { disclosure } = JSON.parse(line) as { disclosure?: Disclosure };
  if (disclosure === undefined) return { valid: true, signer, predicate };
  const wrong = wrongDisclosure(disclosure, predicate);
  if (wrong !== undefined) return { ...invalid(wrong, signer), predicate };
  const details = JSON.parse(disclosure.details) as ProofDetails;
  return { valid: true, signer, predicate, contents: disclosure.contents, details };
}

function invalid(why: string, signer?: CheckedStatement['signer']): Omit<CheckedStatement, 'line'> {
  return { valid: false, why, ...(signer && { signer }) };
}

/** Why what is disclosed is not what was signed. */
function wrongDisclosure({ salt, contents, details, manifestSha256 }: Disclosure, predicate: ProofPredicate) {
  try {
    if (!/^[0-9a-f]{64}$/.test(salt)) return 'The disclosed salt is none.';
    const found = contentCommitments(salt, contents);
    const signed = predicate.contents;
    if (found.count !== signed.count || found.source !== signed.source || found.restored !== signed.restored) {
      return 'The disclosed fingerprints are not those that were signed.';
    }
    if (detailsCommitment(salt, details) !== predicate.details)
      return 'The disclosed findings are not those that were signed.';
    JSON.parse(details);
    const { commitment } = predicate.snapshot;
    const hash = manifestSha256 && sha256Hex(Buffer.from(commitment.salt, 'hex'), Buffer.from(manifestSha256, 'hex'));
    if (hash !== undefined && hash !== commitment.sha256) {
      return 'The disclosed manifest is not the one that the snapshot is bound to.';
    }
    return undefined;
  } catch {
    return 'What is disclosed beside it is malformed.';
  }
}

/** An id covers itself and the databases whose ids begin like it; one after `=` itself alone: docs/format.md §7. */
function mayActFor(sources: readonly string[] | undefined, id: string): boolean {
  if (sources === undefined) return true;
  return sources.some(
    (source) =>
      source === `=${id}` || source === id || (!source.startsWith('=') && id.startsWith(clusterPrefixOf(source))),
  );
}

/** The exit status of a check: the worst of all. A sample proves nothing of the rest. */
export function codeOfStatements(statements: readonly CheckedStatement[]): ErrorCode | undefined {
  const is = (verdict: ProofPredicate['verdict']) => statements.some(({ predicate }) => predicate?.verdict === verdict);
  if (statements.length === 0 || statements.some(({ valid }) => !valid) || is('fail')) return 'verification-failed';
  return is('could-not-verify') || is('sampled') ? 'could-not-verify' : undefined;
}
