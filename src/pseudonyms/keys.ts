import { HoldfastError } from '../base/errors.ts';
import { hkdf } from '../crypt/secrets.ts';

/**
 * The secret behind every pseudonym, and what is derived from it. Nothing here is ever written to a target: whoever holds
 * the key can link pseudonyms to people.
 *
 *     key → copy key (optional, HKDF with the name of the copy) → domain key (HKDF with the name of the domain)
 *         → subkeys (HKDF with a purpose): one for each primitive, so that no two of them share a key
 */

/** 256 bits: less is refused. */
export const minimumKeyBytes = 32;

/** What one domain's transformers derive their keys from. */
export interface DomainKey {
  readonly domain: string;
  /** 32 bytes bound to `purpose`. The same purpose in the same domain gives the same bytes in every table and database. */
  subkey(purpose: string): Buffer;
  /** Another domain of the same key: a document has values of several. */
  sibling(domain: string): DomainKey;
}

export class PseudonymKey {
  readonly #secret: Buffer;
  /** 16 hex digits that tell two keys apart and tell nothing about them: fit for logs and reports. */
  readonly fingerprint: string;

  /**
   * @param secret at least 32 bytes of a random source; a passphrase is not a key
   * @throws HoldfastError `config` when it is shorter
   */
  constructor(secret: Uint8Array) {
    if (secret.length < minimumKeyBytes)
      throw new HoldfastError('config', 'The key of the pseudonyms is too short.', {
        why: `It has ${secret.length * 8} bits; at least ${minimumKeyBytes * 8} are needed, or names could be found by trying keys.`,
        hint: 'Make one with `openssl rand -hex 32` and keep it in a secret store.',
      });
    this.#secret = Buffer.from(secret);
    this.fingerprint = hkdf(this.#secret, 'holdfast pseudonym fingerprint', 8).toString('hex');
  }

  /**
   * Reads a key as it stands in a secret: hex digits, or base64.
   *
   * @throws HoldfastError `config` when it is neither, or too short. It is not quoted.
   */
  static parse(text: string): PseudonymKey {
    const written = text.trim();
    if (/^(?:[0-9a-f]{2})+$/i.test(written)) return new PseudonymKey(Buffer.from(written, 'hex'));
    if (/^[0-9A-Za-z+/_-]+={0,2}$/.test(written)) return new PseudonymKey(Buffer.from(written, 'base64'));
    throw new HoldfastError('config', 'The key of the pseudonyms cannot be read.', {
      why: 'It is neither hex digits nor base64.',
      hint: 'Make one with `openssl rand -hex 32` and keep it in a secret store.',
    });
  }

  /** The key of one copy: two copies made with different names cannot be joined with each other. */
  forCopy(name: string): PseudonymKey {
    return new PseudonymKey(hkdf(this.#secret, `holdfast pseudonym copy\0${name}`));
  }

  /** The key itself, to hand to worker threads of this process; nowhere else. */
  secretBytes(): Uint8Array {
    return Uint8Array.from(this.#secret);
  }

  /** The key of a domain, e.g. `person` or `customer-id`. */
  domain(name: string): DomainKey {
    const secret = hkdf(this.#secret, `holdfast pseudonym domain\0${name}`);
    return {
      domain: name,
      subkey: (purpose) => hkdf(secret, `holdfast pseudonym purpose\0${purpose}`),
      sibling: (other) => this.domain(other),
    };
  }
}
