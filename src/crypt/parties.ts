/**
 * A party (an owner, a machine that verifies, a backup host): an age identity that opens and an Ed25519 key that
 * signs. Both lie in one identity file; to `age -i` the signing key is a comment.
 *
 * ```
 * # holdfast identity: keep this file secret
 * # name: anna
 * # created: 2026-11-22T10:00:00.000Z
 * # public: anna age1… hfsig1…
 * # holdfast-signing-key: HOLDFAST-SIGNING-KEY-1…
 * AGE-SECRET-KEY-1…
 * ```
 *
 * The *public line* is what people mail to each other: name, age recipient and public signing key, with one space
 * between. Both keys are bech32, whose checksum finds every change of up to four characters.
 */
import type { KeyObject } from 'node:crypto';
import { bech32 } from '@scure/base';
import { type Clock, isoTime } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import { generateKeyPair, recipientOf } from './secrets.ts';
import { generateSigningKey, privateKeyOf, publicKeyOf, publicTextOf } from './signing-keys.ts';

/** What everybody may know of a party. */
export interface PublicParty {
  /** 1 to 63 of `a-z 0-9 . _ -`, starting with a letter or digit: it is part of object names on every site. */
  readonly name: string;
  /** `age1…` */
  readonly recipient: string;
  /** `hfsig1…` */
  readonly publicSigningKey: string;
}

/** A party with its secrets. They are kept from printing: inspecting it or making JSON of it shows the public part. */
export class Party implements PublicParty {
  readonly name: string;
  readonly created: string;
  readonly recipient: string;
  readonly publicSigningKey: string;
  readonly #identity: string;
  readonly #signingKey: string;

  /** For `generateParty` and `parseParty`, which check what they give. */
  constructor(parts: PublicParty & { created: string; identity: string; signingKey: string }) {
    this.name = parts.name;
    this.created = parts.created;
    this.recipient = parts.recipient;
    this.publicSigningKey = parts.publicSigningKey;
    this.#identity = parts.identity;
    this.#signingKey = parts.signingKey;
  }

  /** `AGE-SECRET-KEY-1…` */
  get identity(): string {
    return this.#identity;
  }

  /** `HOLDFAST-SIGNING-KEY-1…` */
  get signingKey(): string {
    return this.#signingKey;
  }

  get privateKey(): KeyObject {
    return privateKeyOf(this.#signingKey);
  }
}

const namePattern = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const signingKeyField = 'holdfast-signing-key';

/** Whether `name` can be a party's. */
export function isPartyName(name: string): boolean {
  return namePattern.test(name);
}

/** @throws HoldfastError `usage` when the name cannot be a party's */
export async function generateParty(name: string, clock: Clock): Promise<Party> {
  if (!isPartyName(name)) throw badName('usage', name);
  const signingKey = generateSigningKey();
  return new Party({
    name,
    created: isoTime(clock.now()),
    ...(await generateKeyPair()),
    signingKey,
    publicSigningKey: publicTextOf(privateKeyOf(signingKey)),
  });
}

/** The identity file of a party; it is a secret. */
export function formatParty(party: Party): string {
  return [
    '# holdfast identity: keep this file secret',
    `# name: ${party.name}`,
    `# created: ${party.created}`,
    `# public: ${publicLine(party)}`,
    `# ${signingKeyField}: ${party.signingKey}`,
    party.identity,
    '',
  ].join('\n');
}

/**
 * Reads an identity file. Comments it does not know are passed over, as age does.
 *
 * @throws HoldfastError `wrong-key`, naming the line and what is wrong with it, never its text.
 */
export async function parseParty(text: string): Promise<Party> {
  const fields = new Map<string, string>();
  let identity: string | undefined;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/\r$/, '');
    const field = /^# ?(name|created|public|holdfast-signing-key): *(.*?) *$/.exec(line);
    if (field) {
      const [, key, value] = field as unknown as [string, string, string];
      if (fields.has(key)) throw badFile(`It has a second \`# ${key}:\` line, line ${index + 1}.`);
      fields.set(key, value);
    } else if (line !== '' && !line.startsWith('#')) {
      if (line.startsWith('AGE-SECRET-KEY-PQ-1')) {
        throw badFile(`Line ${index + 1} is a post-quantum identity, which this version cannot use.`);
      }
      if (!line.startsWith('AGE-SECRET-KEY-1')) throw badFile(`Line ${index + 1} is neither a comment nor an age key.`);
      if (identity !== undefined) throw badFile(`It has a second age key, line ${index + 1}.`);
      identity = line;
    }
  }
  if (identity === undefined) throw badFile('It has no `AGE-SECRET-KEY-1…` line.');
  const name = required(fields, 'name');
  if (!isPartyName(name)) throw badFile('Its `# name:` line holds no valid name.');
  const created = required(fields, 'created');
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(created)) throw badFile('Its `# created:` line holds no time.');
  const signingKey = required(fields, signingKeyField);
  let signing: KeyObject;
  let recipient: string;
  try {
    signing = privateKeyOf(signingKey);
  } catch {
    throw badFile(`Its \`# ${signingKeyField}:\` line was not copied exactly.`);
  }
  try {
    recipient = await recipientOf(identity);
  } catch {
    throw badFile('Its age key was not copied exactly.');
  }
  const party = new Party({ name, created, identity, signingKey, recipient, publicSigningKey: publicTextOf(signing) });
  if (required(fields, 'public') !== publicLine(party)) {
    throw badFile('Its `# public:` line does not belong to its keys and name.');
  }
  return party;
}

/** The line a party gives to others: `name age1… hfsig1…`. Nothing in it is secret. */
export function publicLine(party: PublicParty): string {
  return `${party.name} ${party.recipient} ${party.publicSigningKey}`;
}

/**
 * Reads a public line. Forgives what mail does to it: spaces around it, several between its words, line breaks.
 *
 * @throws HoldfastError `config`, naming the word that is wrong.
 */
export function parsePublicLine(line: string): PublicParty {
  if (/AGE-SECRET-KEY-|HOLDFAST-SIGNING-KEY-/i.test(line)) {
    throw new HoldfastError('config', 'A public line holds a secret key.', {
      why: 'Secret keys belong in the identity file of their party alone.',
      hint: 'Use the `# public:` line instead, and replace the key if others have seen it.',
    });
  }
  const words = line.trim().split(/\s+/);
  const [name = '', recipient = '', publicSigningKey = ''] = words;
  if (words.length !== 3) throw badLine(`It has ${words.length} words instead of three: name, age1…, hfsig1….`);
  if (!isPartyName(name)) throw badName('config', name);
  if (!isX25519Recipient(recipient)) throw badLine('Its age recipient was not copied exactly.');
  try {
    publicKeyOf(publicSigningKey);
  } catch {
    throw badLine('Its public signing key was not copied exactly.');
  }
  return { name, recipient, publicSigningKey };
}

function isX25519Recipient(text: string): boolean {
  const found = text === text.toLowerCase() ? bech32.decodeUnsafe(text) : undefined;
  if (found?.prefix !== 'age') return false;
  const bytes = bech32.fromWordsUnsafe(found.words);
  return bytes instanceof Uint8Array && bytes.length === 32;
}

function required(fields: ReadonlyMap<string, string>, key: string): string {
  const value = fields.get(key);
  if (value === undefined) throw badFile(`It has no \`# ${key}:\` line.`);
  return value;
}

function badFile(why: string): HoldfastError {
  return new HoldfastError('wrong-key', 'An identity file cannot be used.', {
    why,
    hint: 'Restore it from a copy; `holdfast keys` makes new ones.',
  });
}

function badLine(why: string): HoldfastError {
  return new HoldfastError('config', 'A public line cannot be used.', { why, hint: 'Copy the whole line again.' });
}

function badName(code: 'usage' | 'config', name: string): HoldfastError {
  return new HoldfastError(code, `Not a name for a party: ${JSON.stringify(name.slice(0, 80))}`, {
    why: 'A name has 1 to 63 of a-z, 0-9, `.`, `_` and `-`, and starts with a letter or digit.',
  });
}
