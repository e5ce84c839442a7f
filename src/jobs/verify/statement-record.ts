/** Signs what verifications found, and leaves it at the sites. Never changes what a verification says. */
import { isHoldfastError } from '../../base/errors.ts';
import type { Party } from '../../crypt/parties.ts';
import { type RepositoryAccess, sitesOf } from '../../repository/access.ts';
import { storeProof } from '../../repository/proofs.ts';
import type { KnownSnapshot } from '../../repository/snapshot.ts';
import type { OpenedSource } from '../../repository/source-record.ts';
import type { SnapshotProof } from './report.ts';
import { sealProof, signProof, statementLine } from './statement.ts';

/**
 * Who at hand may sign proofs of a source: a verifier before an owner. A host key never does.
 *
 * @returns undefined when nobody is
 */
export function proofSigner({ identities, trust }: RepositoryAccess, sourceName: string): Party | undefined {
  const allowed = trust.partiesFor(sourceName);
  const withRole = (role: 'verify' | 'owner') =>
    identities.find(({ publicSigningKey }) =>
      allowed.some((party) => party.publicSigningKey === publicSigningKey && party.role === role),
    );
  return withRole('verify') ?? withRole('owner');
}

export class ProofRecorder {
  /** One for each signed proof, in the order in which they were made: the file that `verify --statement` writes. */
  readonly lines: string[] = [];
  /** Proofs that some site did not take, or that nobody could sign. */
  incomplete = 0;
  readonly #version: string;

  /** @param version of this program */
  constructor(version: string) {
    this.#version = version;
  }

  /**
   * Signs a proof, whatever it found, stores it at every live site, and notes in it where. What goes wrong here is told as
   * a warning: the proof was made, and its verdict stands.
   *
   * @param access to all sites, with the identity of a verifier or an owner
   * @throws only of an interruption
   */
  async record(
    access: RepositoryAccess,
    source: OpenedSource,
    snapshot: KnownSnapshot,
    proof: SnapshotProof,
  ): Promise<void> {
    const signer = proofSigner(access, source.name);
    const warn = (text: string, hint?: string) =>
      access.emit({ type: 'warning', source: source.name, text, ...(hint !== undefined && { hint }) });
    if (!signer) {
      this.incomplete++;
      warn('Nobody here may sign its proof.', 'Give the identity of a verifier or an owner with -i.');
      return;
    }
    proof.verifier = signer.name;
    try {
      const { repositoryId: repository } = access.trust;
      const signed = signProof(proof, { repository, source, snapshot, signer, version: this.#version });
      this.lines.push(statementLine(signed));
      const object = await sealProof(signed, source);
      access.signal.throwIfAborted();
      const { sites, failures } = await storeProof(sitesOf(access), source, object);
      if (sites.length > 0) proof.statement = { sha256: object.name, sites };
      if (failures.length === 0) return;
      this.incomplete++;
      for (const { site, error } of failures) {
        const why = [error.message, error.why].filter(Boolean).join(' ');
        warn(`Its proof is not at the site "${site}": ${why}`, 'Sync brings it there from another: holdfast sync');
      }
    } catch (error) {
      access.signal.throwIfAborted();
      this.incomplete++;
      warn(
        `Its proof was not stored: ${isHoldfastError(error) ? `${error.message} ${error.why ?? ''}` : 'the program failed.'}`,
      );
    }
  }
}
