import { HoldfastError } from '../base/errors.ts';
import { openFile, seal } from '../crypt/age.ts';
import type { Party } from '../crypt/parties.ts';
import { generateKeyPair, hkdf, randomSecret, recipientOf, sha256Hex } from '../crypt/secrets.ts';
import { formatVersion } from './layout.ts';
import type { TrustParty } from './trust.ts';

/** What a party can do with a source: docs/format.md §3. */
export interface SourceKeys {
  format: number;
  /** Repository id. */
  repository: string;
  /** Source id. */
  source: string;
  /** The source's name. */
  name: string;
  generation: number;
  dataRecipient: string;
  /** Opens data; hosts do not have it. */
  dataIdentity?: string;
  catalogRecipient: string;
  catalogIdentity: string;
  /** 32 bytes each, hex. */
  chunkIdSecret: string;
  gearSecret: string;
}

/** Fresh keys of a source's first generation. */
export async function generateSourceKeys(
  about: Pick<SourceKeys, 'repository' | 'source' | 'name'>,
): Promise<SourceKeys> {
  const [data, catalog] = [await generateKeyPair(), await generateKeyPair()];
  return {
    format: formatVersion,
    ...about,
    generation: 1,
    dataRecipient: data.recipient,
    dataIdentity: data.identity,
    catalogRecipient: catalog.recipient,
    catalogIdentity: catalog.identity,
    chunkIdSecret: randomSecret().toString('hex'),
    gearSecret: randomSecret().toString('hex'),
  };
}

/** Keys of the generation after this one: other key pairs, the same secrets, so that nothing need be stored again. */
export async function nextSourceKeys(before: SourceKeys): Promise<SourceKeys> {
  const [data, catalog] = [await generateKeyPair(), await generateKeyPair()];
  return {
    ...before,
    generation: before.generation + 1,
    dataRecipient: data.recipient,
    dataIdentity: data.identity,
    catalogRecipient: catalog.recipient,
    catalogIdentity: catalog.identity,
  };
}

/** Seals the keys for one party: all of them, or for a host all but what opens data. */
export async function sealKeysFor(party: TrustParty, keys: SourceKeys): Promise<Buffer> {
  const { dataIdentity, ...withoutData } = keys;
  if (party.role !== 'backup' && dataIdentity === undefined) {
    throw new HoldfastError('internal', 'An owner would get keys that open nothing.');
  }
  const bundle = party.role === 'backup' ? withoutData : keys;
  return seal([party.recipient], [Buffer.from(`${JSON.stringify(bundle)}\n`)]);
}

/**
 * The keys in a party's key object.
 *
 * @param sha256 what the signed source.json says the object's hash is
 * @throws HoldfastError `not-trusted` when it is another object, `wrong-key`, `object-damaged`
 */
export async function openKeysOf(party: Party, object: Uint8Array, sha256: string): Promise<SourceKeys> {
  if (sha256Hex(object) !== sha256) {
    throw new HoldfastError('not-trusted', `The key object of ${party.name} is not the one that was signed.`, {
      why: 'Somebody replaced or damaged it on the site.',
      hint: 'Restore it from another site.',
    });
  }
  const text = await openFile([party.identity], object);
  const keys = JSON.parse(text.toString('utf8')) as SourceKeys;
  if (keys.format !== formatVersion) {
    throw new HoldfastError('failed', `The keys of this source have format ${keys.format}, which is not known here.`, {
      hint: 'Use a newer holdfast.',
    });
  }
  const catalogFits = (await recipientOf(keys.catalogIdentity)) === keys.catalogRecipient;
  const dataFits = keys.dataIdentity === undefined || (await recipientOf(keys.dataIdentity)) === keys.dataRecipient;
  if (!catalogFits || !dataFits) {
    throw new HoldfastError('object-damaged', `The key object of ${party.name} contradicts itself.`, {
      why: 'A private key in it does not belong to its public key.',
    });
  }
  return keys;
}

/** The key of row fingerprints: 16 bytes, hex. Survives new generations, as the secret it comes from does. */
export function rowKeyOf(keys: Pick<SourceKeys, 'chunkIdSecret'>): string {
  return hkdf(Buffer.from(keys.chunkIdSecret, 'hex'), 'holdfast row fingerprint', 16).toString('hex');
}
