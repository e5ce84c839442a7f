import { HoldfastError } from '../base/errors.ts';
import { free } from '../base/memory.ts';
import { type Envelope, parseEnvelope, verifyEnvelope } from '../crypt/dsse.ts';
import type { PublicParty } from '../crypt/parties.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import { formatVersion, repositoryIdOf, sourceIdOf } from './layout.ts';
import { clusterOf, covers } from './source-name.ts';

/** What a party's signature counts for: `owner` opens and decides, `verify` proves restores, `backup` is a host. */
export type PartyRole = 'owner' | 'verify' | 'backup';

export interface TrustParty extends PublicParty {
  readonly role: PartyRole;
  /** Names of the sources it may act for, a cluster's for all of its databases; undefined: all. */
  readonly sources?: readonly string[];
  /** What it signed counts; it gets no keys of new generations, and signs no more for owners. */
  readonly retired?: boolean;
  /** A host that was stolen: what it signed counts only where an owner's statement lists it (distrusted.ts). */
  readonly distrusted?: boolean;
}

/** What every signed payload says of itself. */
export interface SignedPayload {
  kind: string;
  repository: string;
  /** Source id; of statements about one source. */
  source?: string;
  /** Name of the party. */
  signer: string;
}

/** What a signed object must be to count. */
export interface Expected {
  kind: string;
  roles: readonly PartyRole[];
  payloadType?: string;
  distrusted?: boolean;
  /** Of the payload; default: `JSON.parse` of its text. */
  parse?: (bytes: Buffer) => unknown;
}

/** The trust root of a repository: whose signature counts for what. It comes from the configuration, never from a site. */
export class Trust {
  readonly repositoryId: string;
  readonly parties: readonly TrustParty[];
  readonly #key: string;

  /** @param repositoryKey the configuration's random hex string */
  constructor(repositoryKey: string, parties: readonly TrustParty[]) {
    this.#key = repositoryKey;
    this.repositoryId = repositoryIdOf(repositoryKey);
    this.parties = parties;
  }

  sourceId(sourceName: string): string {
    return sourceIdOf(this.#key, sourceName);
  }

  /** Parties that may act for a source now: those of its next generation of keys. */
  partiesFor(sourceName: string): TrustParty[] {
    return this.parties.filter(
      ({ sources, retired, distrusted }) => !retired && !distrusted && covers(sources, sourceName),
    );
  }

  /** The same, as if this party were not distrusted: for the owner who looks at what counts of it. */
  trusting(name: string): Trust {
    const parties = this.parties.map((party) => (party.name === name ? { ...party, distrusted: false } : party));
    return new Trust(this.#key, parties);
  }

  /** A party of whatever standing. */
  party(name: string): TrustParty | undefined {
    return this.parties.find((party) => party.name === name);
  }

  /**
   * The payload of a signed object, if one of `roles` signed it and it is about what it should be about.
   *
   * @param expected.source source name; undefined for statements about the whole repository
   * @param expected.payloadType of the envelope; ours unless told
   * @param expected.distrusted also what a distrusted party signed; the caller asks what counts of it (distrusted.ts)
   * @throws HoldfastError `object-damaged` when it is malformed, `not-trusted` otherwise; `why` names the reason.
   */
  verify<P extends SignedPayload>(bytes: Uint8Array, expected: Expected & { source?: string }): P {
    const envelope = parseEnvelope(bytes, expected.payloadType);
    const payload = parsePayload(envelope, expected.parse);
    const party = this.parties.find(({ publicSigningKey }) => publicSigningKey === envelope.keyid);
    if (!party) throw distrusted('Its signing key is not in the configuration.');
    if (!verifyEnvelope(envelope, party.publicSigningKey))
      throw distrusted(`Its signature is not one of ${party.name}.`);
    free(envelope.signed);
    if (payload.signer !== party.name) throw distrusted(`It names another signer than ${party.name}, who signed it.`);
    if (party.distrusted && !expected.distrusted) throw distrusted(`${party.name} signed it, which is distrusted.`);
    if (!expected.roles.includes(party.role)) {
      throw distrusted(`${party.name} signed it, whose role ${party.role} does not count for this.`);
    }
    if (payload.kind !== expected.kind) throw distrusted('It is a statement of another kind.');
    if (payload.repository !== this.repositoryId) throw distrusted('It belongs to another repository.');
    if (expected.source !== undefined) {
      if (payload.source !== this.sourceId(expected.source)) throw distrusted('It belongs to another source.');
      if (!covers(party.sources, expected.source)) {
        throw distrusted(`${party.name} signed it, who may not act for this source.`);
      }
    }
    return payload as P;
  }

  /** The public part, as it lies on sites: docs/format.md §7. The same configuration always gives the same bytes. */
  text(): Buffer {
    const parties = this.parties
      .map(({ name, role, recipient, publicSigningKey, sources, retired, distrusted: isDistrusted }) => ({
        name,
        role,
        recipient,
        publicSigningKey,
        ...(sources && { sources: sources.map((source) => this.#grant(source)).sort() }),
        ...(retired && { retired }),
        ...(isDistrusted && { distrusted: isDistrusted }),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return Buffer.from(`${JSON.stringify({ format: formatVersion, repository: this.repositoryId, parties })}\n`);
  }

  /** An id covers itself and the databases whose ids begin like it; one with `=` before it, itself alone. */
  #grant(source: string): string {
    return `${clusterOf(source) === undefined ? '' : '='}${this.sourceId(source)}`;
  }

  /** What the escrow sheet carries. */
  get sha256(): string {
    return sha256Hex(this.text());
  }
}

function parsePayload({ payload: bytes }: Envelope, parse: Expected['parse']): SignedPayload {
  try {
    const payload = (parse ? parse(bytes) : JSON.parse(bytes.toString('utf8'))) as SignedPayload;
    const texts = [payload.kind, payload.repository, payload.signer];
    if (texts.some((text) => typeof text !== 'string')) throw new Error('fields are missing');
    return payload;
  } catch (cause) {
    throw new HoldfastError('object-damaged', 'A signed object is malformed.', {
      why: 'Its payload is no statement.',
      cause,
    });
  }
}

function distrusted(why: string): HoldfastError {
  return new HoldfastError('not-trusted', 'A signed object is not trusted.', { why });
}
