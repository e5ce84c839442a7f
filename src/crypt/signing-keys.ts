/**
 * Ed25519 keys (RFC 8032) as text: bech32 like age's own keys, so that a typo is found by its checksum.
 *
 * Secret: `HOLDFAST-SIGNING-KEY-1…` (upper case, the 32-byte seed). Public: `hfsig1…` (lower case, 32 bytes).
 */
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { bech32 } from '@scure/base';
import { HoldfastError } from '../base/errors.ts';

const secretPrefix = 'HOLDFAST-SIGNING-KEY-';
const publicPrefix = 'hfsig';

/** DER that stands before the 32 bytes of a seed (PKCS #8) and of a public key (SPKI); RFC 8410. */
const pkcs8Start = Buffer.from('302e020100300506032b657004220420', 'hex');
const spkiStart = Buffer.from('302a300506032b6570032100', 'hex');

/** A new secret signing key, `HOLDFAST-SIGNING-KEY-1…`. */
export function generateSigningKey(): string {
  return bech32.encodeFromBytes(secretPrefix, randomBytes(32)).toUpperCase();
}

/**
 * The private key that `text` writes.
 *
 * @throws HoldfastError `wrong-key` when it is not a signing key. It is not quoted.
 */
export function privateKeyOf(text: string): KeyObject {
  const seed = text === text.toUpperCase() ? decode(text, secretPrefix) : undefined;
  if (!seed) {
    throw new HoldfastError('wrong-key', 'A signing key is malformed.', {
      why: `It does not start with \`${secretPrefix}1\`, or it was not copied exactly.`,
    });
  }
  return createPrivateKey({ key: Buffer.concat([pkcs8Start, seed]), format: 'der', type: 'pkcs8' });
}

/**
 * The public key that `text` (`hfsig1…`) writes.
 *
 * @throws HoldfastError `wrong-key` when it is not a public signing key.
 */
export function publicKeyOf(text: string): KeyObject {
  const bytes = text === text.toLowerCase() ? decode(text, publicPrefix) : undefined;
  if (!bytes) {
    throw new HoldfastError('wrong-key', `Not a public signing key: ${text.slice(0, 80)}`, {
      why: `It does not start with \`${publicPrefix}1\`, or it was not copied exactly.`,
    });
  }
  return createPublicKey({ key: Buffer.concat([spkiStart, bytes]), format: 'der', type: 'spki' });
}

/** The public half of a private or public key, as `hfsig1…`. */
export function publicTextOf(key: KeyObject): string {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  const bytes = half.export({ format: 'der', type: 'spki' }).subarray(spkiStart.length);
  return bech32.encodeFromBytes(publicPrefix, Uint8Array.from(bytes));
}

/** The public key `hfsig1…` as PEM, for `openssl pkeyutl -verify -rawin -pubin -inkey`. @throws as `publicKeyOf` */
export function publicKeyPem(text: string): string {
  return publicKeyOf(text).export({ format: 'pem', type: 'spki' }).toString();
}

function decode(text: string, prefix: string): Uint8Array | undefined {
  const found = bech32.decodeUnsafe(text);
  if (found?.prefix.toLowerCase() !== prefix.toLowerCase()) return undefined;
  const bytes = bech32.fromWordsUnsafe(found.words);
  return bytes instanceof Uint8Array && bytes.length === 32 ? bytes : undefined;
}
