import { isoTime } from '../base/clock.ts';
import { HoldfastError, isHoldfastError, type PlainError, toPlainError } from '../base/errors.ts';
import { signEnvelope } from '../crypt/dsse.ts';
import type { Party } from '../crypt/parties.ts';
import type { RepositoryAccess } from '../repository/access.ts';
import { SourceLayout } from '../repository/layout.ts';
import { recoveryFiles } from '../repository/recovery/recovery-files.ts';
import { openKeysOf } from '../repository/source-keys.ts';
import { type OpenedSource, readSourceRecord, type SourceRecord } from '../repository/source-record.ts';
import type { SignedPayload } from '../repository/trust.ts';
import { assertRepository } from './init.ts';

/** An owner's statement that its identity opens a source's keys. */
interface Answer extends SignedPayload {
  kind: 'answer';
  source: string;
  generation: number;
  /** Of the key object that was opened. */
  sha256: string;
  time: string;
}

export interface KeyTest {
  source: string;
  party: string;
  /** `not-begun`: the source has no backup yet. `not-a-party`: its keys were made without this party. */
  result: 'opened' | 'not-begun' | 'not-a-party' | 'failed';
  error?: PlainError;
}

/**
 * Lets every identity at hand open its key object of each source, and leaves a signed answer on the site: from then on
 * the source counts as protected by that owner.
 *
 * @param sources names of the configuration's sources
 */
export async function testKeys(access: RepositoryAccess, sources: readonly string[]): Promise<KeyTest[]> {
  if (access.identities.length === 0) {
    throw new HoldfastError('wrong-key', 'There is no identity to test.', {
      hint: 'Give the identity file of an owner: --identity FILE',
    });
  }
  await assertRepository(access);
  const tests: KeyTest[] = [];
  for (const source of sources) {
    const record = await readSourceRecord(access, source);
    for (const party of access.identities) {
      tests.push({ source, party: party.name, ...(await testKey(access, source, record, party)) });
    }
  }
  return tests;
}

async function testKey(
  access: RepositoryAccess,
  source: string,
  record: SourceRecord | undefined,
  party: Party,
): Promise<Pick<KeyTest, 'result' | 'error'>> {
  const generation = record?.generations.at(-1);
  if (!record || !generation) return { result: 'not-begun' };
  const entry = generation.keys.find((key) => key.party === party.name);
  if (!entry) return { result: 'not-a-party' };
  const layout = new SourceLayout(access.trust.sourceId(source));
  try {
    const keys = await openKeysOf(
      party,
      await access.site.read(layout.key(generation.generation, party.name)),
      entry.sha256,
    );
    const opensData = keys.dataIdentity !== undefined && keys.dataRecipient === generation.dataRecipient;
    if (!opensData || keys.catalogRecipient !== generation.catalogRecipient) {
      throw new HoldfastError('wrong-key', `The key object of ${party.name} opens no data of "${source}".`);
    }
    const answer: Answer = {
      kind: 'answer',
      repository: access.trust.repositoryId,
      source: layout.id,
      signer: party.name,
      generation: generation.generation,
      sha256: entry.sha256,
      time: isoTime(access.clock.now()),
    };
    await access.site.replace(layout.answer(party.name), signEnvelope(answer, party));
    return { result: 'opened' };
  } catch (error) {
    return { result: 'failed', error: toPlainError(error) };
  }
}

/** Owners of a source whose signed answer for its newest keys is not on the site. */
export async function ownersWithoutAnswer(access: RepositoryAccess, source: OpenedSource): Promise<string[]> {
  const generation = source.record.generations.at(-1);
  const missing: string[] = [];
  for (const { party, role, sha256 } of generation?.keys ?? []) {
    if (role !== 'owner') continue;
    try {
      const bytes = await access.site.read(source.layout.answer(party));
      const answer = access.trust.verify<Answer>(bytes, {
        kind: 'answer',
        source: source.name,
        roles: ['owner', 'verify'],
      });
      if (answer.signer !== party || answer.sha256 !== sha256) missing.push(party);
    } catch (error) {
      if (!isHoldfastError(error, 'object-missing', 'object-damaged', 'not-trusted')) throw error;
      missing.push(party);
    }
  }
  return missing;
}

/** What an escrow sheet carries besides the owner's identity. Nothing in it is secret. */
export interface EscrowFacts {
  /** Repository id. */
  repository: string;
  /** SHA-256 of trust.json. */
  trustSha256: string;
  /** SHA-256 of recover.sh: compared before a script that came from a site is run. */
  recoverScriptSha256: string;
  site: string;
}

export function escrowFacts(access: Pick<RepositoryAccess, 'trust' | 'site'>): EscrowFacts {
  return {
    repository: access.trust.repositoryId,
    trustSha256: access.trust.sha256,
    recoverScriptSha256: recoveryFiles().recoverScriptSha256,
    site: access.site.name,
  };
}
