/** The signed statement of a proof, and what opens its commitments: docs/format.md §13. */
import { createHmac } from 'node:crypto';
import { HoldfastError } from '../../base/errors.ts';
import { inTotoType, type Signer, signEnvelope } from '../../crypt/dsse.ts';
import { hkdf, sha256Hex } from '../../crypt/secrets.ts';
import { type NamedObject, sealEnvelope } from '../../repository/catalog-object.ts';
import {
  contradictionOf,
  type ProofPayload,
  proofPredicateType,
  statementType,
  subjectName,
} from '../../repository/proofs-payload.ts';
import type { KnownSnapshot } from '../../repository/snapshot.ts';
import type { OpenedSource } from '../../repository/source-record.ts';
import type { ContentProof, SnapshotProof, VerifyCheck } from './report.ts';

/** Opens the commitments of one proof. It names tables, and is for those who may read them. */
export interface Disclosure {
  /** Hex. */
  salt: string;
  /** Hex: what the snapshot's commitment is to. */
  manifestSha256?: string;
  contents: ContentProof[];
  /** JSON text of `ProofDetails`; as it was committed to, to the byte. */
  details: string;
}

/** What was found, in words. */
export interface ProofDetails {
  checks: Pick<VerifyCheck, 'id' | 'title' | 'why' | 'findings'>[];
  /** Why the proof ended before its end. */
  error?: { message: string; why?: string };
}

export interface StatementParts {
  repository: string;
  source: OpenedSource;
  snapshot: KnownSnapshot;
  /** A verifier or an owner. */
  signer: Signer & { readonly name: string };
  /** Of this program. */
  version: string;
}

export interface SignedProof {
  payload: ProofPayload;
  /** As it was signed. */
  envelope: Buffer;
  disclosure: Disclosure;
}

/**
 * Signs what a verification found, whatever it found.
 *
 * @throws HoldfastError `wrong-key` when the data of the source cannot be opened here: then nobody has verified it
 */
export function signProof(proof: SnapshotProof, parts: StatementParts): SignedProof {
  const { source, snapshot, signer } = parts;
  const disclosure: Disclosure = {
    salt: saltOf(source, snapshot, proof.started).toString('hex'),
    ...(proof.manifestSha256 !== undefined && { manifestSha256: proof.manifestSha256 }),
    contents: proof.contents.map(contentOf),
    details: JSON.stringify(detailsOf(proof)),
  };
  const payload: ProofPayload = {
    _type: statementType,
    subject: [{ name: subjectName(source.layout.id, snapshot.id), digest: { sha256: snapshot.id } }],
    predicateType: proofPredicateType,
    predicate: predicateOf(proof, parts, disclosure),
    kind: 'proof',
    repository: parts.repository,
    source: source.layout.id,
    signer: signer.name,
  };
  const contradiction = contradictionOf(payload);
  if (contradiction !== undefined) {
    throw new HoldfastError('internal', 'A proof contradicts itself, and was not signed.', { why: contradiction });
  }
  return { payload, envelope: signEnvelope(payload, signer, inTotoType), disclosure };
}

/** The object that lies on the sites. */
export function sealProof({ envelope }: SignedProof, source: OpenedSource): Promise<NamedObject> {
  return sealEnvelope(envelope, source.keys[0]!.catalogRecipient);
}

/** One line of the file that `verify --statement` writes. */
export function statementLine({ envelope, disclosure }: SignedProof): string {
  return `${JSON.stringify({ ...JSON.parse(envelope.toString('utf8')), disclosure })}\n`;
}

/** Commitments to the contents; `restored` is left out when one is missing. */
export function contentCommitments(
  salt: string,
  contents: readonly ContentProof[],
): ProofPayload['predicate']['contents'] {
  const commit = (of: (content: ContentProof) => string) => {
    const mac = createHmac('sha256', Buffer.from(salt, 'hex'));
    for (const content of contents) {
      const { object, rows = null, bytes, method } = content;
      mac.update(`${JSON.stringify([object, rows, bytes, method, of(content)])}\n`);
    }
    return mac.digest('hex');
  };
  const whole = contents.every(({ restored }) => restored !== undefined);
  return {
    count: contents.length,
    source: commit(({ source }) => source),
    ...(whole && { restored: commit(({ restored }) => restored!) }),
  };
}

export function detailsCommitment(salt: string, details: string): string {
  return createHmac('sha256', Buffer.from(salt, 'hex')).update(details).digest('hex');
}

/** Over the names of all packs, 32 bytes each. */
export function packsDigest(packs: readonly string[]): string {
  return sha256Hex(...packs.map((pack) => Buffer.from(pack, 'hex')));
}

function saltOf({ keys, name }: OpenedSource, { id }: KnownSnapshot, started: string): Buffer {
  const [newest] = keys;
  if (newest?.dataIdentity === undefined) {
    throw new HoldfastError('wrong-key', `A proof of "${name}" cannot be signed here.`, {
      why: 'No identity at hand opens the data of the source.',
      hint: 'Give the identity of an owner or a verifier with -i.',
    });
  }
  return hkdf(Buffer.from(newest.dataIdentity), 'holdfast proof', 32, Buffer.from(`${id}${started}`));
}

function predicateOf(
  proof: SnapshotProof,
  { source, snapshot, signer, version }: StatementParts,
  { salt, contents, details }: Disclosure,
): ProofPayload['predicate'] {
  const { site, restoreMs, scratch, sample, error } = proof;
  return {
    verdict: proof.verdict,
    started: proof.started,
    ended: proof.ended,
    durationMs: Math.round(proof.durationMs),
    ...(restoreMs !== undefined && { restoreMs: Math.round(restoreMs) }),
    program: { name: 'holdfast', version },
    verifier: signer.name,
    readBytes: proof.readBytes,
    source: { id: source.layout.id, name: source.name, type: snapshot.type },
    site: {
      name: site.name,
      ...(site.operator !== undefined && { operator: site.operator }),
      ...(site.country !== undefined && { country: site.country }),
    },
    snapshot: {
      id: snapshot.id,
      sequence: snapshot.sequence,
      time: snapshot.time,
      signer: snapshot.signer,
      commitment: snapshot.commitment,
      packs: { count: snapshot.packs.length, sha256: packsDigest(snapshot.packs) },
    },
    checks: proof.checks.map(({ id, verdict, durationMs, equal, figures, findings }) => ({
      id,
      verdict,
      durationMs: Math.round(durationMs),
      equal,
      differing: findings.filter((finding) => finding.verdict === 'differs').length,
      figures,
    })),
    objectives: proof.objectives,
    ...(sample && { sample }),
    ...(scratch && {
      scratch: { kind: scratch.kind, ...(scratch.version !== undefined && { version: scratch.version }) },
    }),
    ...(error && { error: error.code }),
    contents: contentCommitments(salt, contents),
    details: detailsCommitment(salt, details),
  };
}

function contentOf({ object, rows, bytes, source, restored, method }: ContentProof): ContentProof {
  return {
    object,
    ...(rows !== undefined && { rows }),
    bytes,
    method,
    source,
    ...(restored !== undefined && { restored }),
  };
}

function detailsOf({ checks, error }: SnapshotProof): ProofDetails {
  return {
    checks: checks.map(({ id, title, why, findings }) => ({ id, title, ...(why !== undefined && { why }), findings })),
    ...(error && { error: { message: error.message, ...(error.why !== undefined && { why: error.why }) } }),
  };
}
