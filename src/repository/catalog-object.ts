import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { HoldfastError } from '../base/errors.ts';
import { Opener, Sealer } from '../crypt/age.ts';
import { type Signer, signEnvelope } from '../crypt/dsse.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import type { PartyRole, SignedPayload, Trust } from './trust.ts';

/** Index and snapshot objects: a signed statement, compressed, sealed to the catalog key. Named by their SHA-256. */

/** No catalog object is decompressed beyond this. */
const sizeLimit = 512 * 1024 * 1024;

export interface NamedObject {
  /** SHA-256 of `bytes`, lower-case hex. */
  name: string;
  bytes: Buffer;
}

export async function sealCatalogObject(
  payload: SignedPayload,
  signer: Signer,
  catalogRecipient: string,
): Promise<NamedObject> {
  const envelope = signEnvelope(payload, signer);
  const frame = zstdCompressSync(envelope, {
    pledgedSrcSize: envelope.length,
    params: { [constants.ZSTD_c_contentSizeFlag]: 1 },
  });
  const bytes = await new Sealer([catalogRecipient]).seal([frame]);
  return { name: sha256Hex(bytes), bytes };
}

export class CatalogOpener {
  readonly #opener: Opener;
  readonly #trust: Trust;

  constructor(catalogIdentities: readonly string[], trust: Trust) {
    this.#opener = new Opener(catalogIdentities);
    this.#trust = trust;
  }

  /**
   * The statement in a catalog object.
   *
   * @param name the SHA-256 it is named by
   * @throws HoldfastError `object-damaged`, `not-trusted`, `wrong-key`
   */
  async open<P extends SignedPayload>(
    name: string,
    bytes: Uint8Array,
    expected: { kind: string; source: string; roles: readonly PartyRole[] },
  ): Promise<P> {
    if (sha256Hex(bytes) !== name) {
      throw new HoldfastError('object-damaged', 'A catalog object is damaged.', {
        why: 'Its bytes do not hash to its name.',
      });
    }
    const frame = await this.#opener.open(bytes);
    let envelope: Buffer;
    try {
      envelope = zstdDecompressSync(frame, {
        maxOutputLength: sizeLimit,
        chunkSize: Math.max(64 * 1024, frame.length * 2),
      });
    } catch (cause) {
      throw new HoldfastError('object-damaged', 'A catalog object does not decompress.', { cause });
    }
    return this.#trust.verify<P>(envelope, expected);
  }
}
