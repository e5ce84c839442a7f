import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { HoldfastError } from '../base/errors.ts';
import { free } from '../base/memory.ts';
import { Opener, Sealer } from '../crypt/age.ts';
import { type Signer, signEnvelope } from '../crypt/dsse.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import type { Expected, SignedPayload, Trust } from './trust.ts';

/** Index, snapshot and proof objects: a signed statement, compressed, sealed to the catalog key. Named by their SHA-256. */

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
  return sealEnvelope(signEnvelope(payload, signer), catalogRecipient);
}

/** The same of an envelope that is signed already. */
export async function sealEnvelope(envelope: Buffer, catalogRecipient: string): Promise<NamedObject> {
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
    expected: Expected & { source: string },
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
        // In one piece: pieces would be copied together.
        chunkSize: Math.max(64 * 1024, Math.min(contentSize(frame), frame.length * 8)),
      });
    } catch (cause) {
      throw new HoldfastError('object-damaged', 'A catalog object does not decompress.', { cause });
    }
    // A snapshot of a terabyte takes megabytes in each of these forms.
    free(frame);
    try {
      return this.#trust.verify<P>(envelope, expected);
    } finally {
      free(envelope);
    }
  }
}

/** Bytes that a zstd frame says it holds (RFC 8878, 3.1.1.1); 0 where it does not say, or is none. */
function contentSize(frame: Buffer): number {
  if (frame.length < 18) return 0;
  const descriptor = frame[4]!;
  const isSingle = (descriptor & 0x20) !== 0;
  const at = 5 + (isSingle ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  switch (descriptor >> 6) {
    case 0:
      return isSingle ? frame[at]! : 0;
    case 1:
      return frame.readUInt16LE(at) + 256;
    case 2:
      return frame.readUInt32LE(at);
    default:
      return Number(frame.readBigUInt64LE(at));
  }
}
