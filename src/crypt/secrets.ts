/** Random secrets, key pairs of sources, and the few hash functions that every layer above uses. */
import { createHash, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { HoldfastError } from '../base/errors.ts';

/** An X25519 key pair in age's own writing. */
export interface KeyPair {
  /** `AGE-SECRET-KEY-1…`: opens. */
  readonly identity: string;
  /** `age1…`: seals. */
  readonly recipient: string;
}

export async function generateKeyPair(): Promise<KeyPair> {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/**
 * The recipient that `identity` opens.
 *
 * @throws HoldfastError `wrong-key` when it is not an X25519 age identity. It is not quoted.
 */
export async function recipientOf(identity: string): Promise<string> {
  try {
    return await identityToRecipient(identity);
  } catch {
    // Without its cause: a decoder's message may quote the secret.
    throw new HoldfastError('wrong-key', 'A key is not an age identity.', {
      why: 'It does not start with `AGE-SECRET-KEY-1`, or it was not copied exactly.',
    });
  }
}

/** `bytes` random bytes of the operating system; 32 unless told. */
export function randomSecret(bytes = 32): Buffer {
  return randomBytes(bytes);
}

/** HKDF-SHA-256 (RFC 5869) with an empty salt unless given: `bytes` bytes bound to the purpose `info`. */
export function hkdf(secret: Uint8Array, info: string, bytes = 32, salt: Uint8Array = new Uint8Array(0)): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, info, bytes));
}

/** Whether both hold the same bytes, in a time that tells nothing about where they differ (their lengths may show). */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** SHA-256 of all parts, back to back, as 64 lower-case hex digits: the form in which objects are named. */
export function sha256Hex(...parts: readonly (Uint8Array | string)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
