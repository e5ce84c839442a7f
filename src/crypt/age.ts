/**
 * Whole age v1 files: header by the package age-encryption, payload by stream.ts.
 *
 * The package has no call that returns a header alone, so its public `Recipient` interface is used: a recipient that
 * adds no stanza is handed the file key beside the real ones. Every file gets a fresh file key. No armor, no
 * passphrases.
 */
import { Decrypter, Encrypter, type Identity, type Recipient } from 'age-encryption';
import { HoldfastError } from '../base/errors.ts';
import * as stream from './stream.ts';
import { damaged, nonceBytes, type Range, tagBytes } from './stream.ts';

/**
 * What a ranged reader fetches first, unless the object is smaller: enough for the header and the payload's nonce of
 * every file Holdfast writes. One X25519 recipient makes a header of 168 bytes and each further one adds 98; a
 * post-quantum recipient takes about 1.6 KiB.
 */
export const headerPrefixBytes = 4096;

/** No header is read beyond this, so that a hostile file costs little. */
const headerLimit = 64 * 1024;

const versionLine = 'age-encryption.org/v1\n';

/** Seals each object to the same recipients, under a file key of its own. Calls may overlap. */
export class Sealer {
  readonly recipients: readonly string[];

  /**
   * @param recipients `age1…`, at least one; post-quantum ones do not mix with others, as age itself demands.
   * @throws HoldfastError `wrong-key` when there is none, or one is not an age recipient.
   */
  constructor(recipients: readonly string[]) {
    if (recipients.length === 0) throw noRecipient();
    if (new Set(recipients.map(isPostQuantum)).size > 1) {
      throw new HoldfastError('wrong-key', 'Post-quantum and classic age recipients cannot share a file.', {
        why: 'The file would only be as strong as the weaker of them.',
      });
    }
    this.recipients = [...recipients];
    this.#encrypter();
  }

  /**
   * The age file that holds `parts`, back to back.
   *
   * @param room memory for it, used from its beginning when it is large enough; otherwise the file gets its own
   */
  async seal(parts: readonly Uint8Array[], room?: ArrayBuffer): Promise<Buffer> {
    const encrypter = this.#encrypter();
    const capture = new CapturingRecipient();
    encrypter.addRecipient(capture);
    const { header, fileKey } = await headerOf(encrypter, capture);
    let size = 0;
    for (const part of parts) size += part.length;
    const length = header.length + stream.payloadSize(size);
    const file = room && room.byteLength >= length ? Buffer.from(room, 0, length) : Buffer.allocUnsafeSlow(length);
    file.set(header);
    stream.sealInto(file, header.length, fileKey, parts);
    return file;
  }

  // A new one for each object: the capturing recipient must see one file key only.
  #encrypter(): Encrypter {
    const encrypter = new Encrypter();
    for (const recipient of this.recipients) {
      try {
        encrypter.addRecipient(recipient);
      } catch (cause) {
        throw new HoldfastError('wrong-key', `Not an age recipient: ${recipient.slice(0, 80)}`, {
          why: 'It does not start with `age1`, or it was not copied exactly.',
          hint: 'Copy it again from the `# public:` line of its identity file.',
          cause,
        });
      }
    }
    return encrypter;
  }
}

/** Opens objects with the same identities; the first one that fits is used. Calls may overlap. */
export class Opener {
  readonly #decrypter = new Decrypter();

  /**
   * @param identities `AGE-SECRET-KEY-1…`
   * @throws HoldfastError `wrong-key` when one is not an age identity. It is not quoted.
   */
  constructor(identities: readonly string[]) {
    for (const identity of identities) {
      try {
        this.#decrypter.addIdentity(identity);
      } catch {
        // Without its cause: a decoder's message may quote the secret.
        throw new HoldfastError('wrong-key', 'A key is not an age identity.', {
          why: 'It does not start with `AGE-SECRET-KEY-1`, or it was not copied exactly.',
        });
      }
    }
    // Asked after all others, and therefore only when none of them matches.
    this.#decrypter.addIdentity(noMatch);
  }

  /**
   * The plaintext of a whole age file. Nothing of it is returned unless all of it is genuine.
   *
   * @throws HoldfastError `wrong-key` when no identity matches, `object-damaged` when anything else is wrong with it
   */
  async open(file: Uint8Array): Promise<Buffer> {
    const headerLength = parseHeader(file);
    return stream.open(await this.openHeader(file), file.subarray(headerLength));
  }

  /**
   * The file key in the header that `bytes` start with.
   *
   * @throws HoldfastError `wrong-key`, `object-damaged`
   */
  async openHeader(bytes: Uint8Array): Promise<Uint8Array> {
    const header = bytes.subarray(0, parseHeader(bytes));
    let fileKey: Uint8Array;
    try {
      fileKey = await this.#decrypter.decryptHeader(header);
    } catch (cause) {
      if (cause instanceof HoldfastError) throw cause;
      throw damaged('Its age header is malformed, or its MAC is wrong.', cause);
    }
    if (fileKey.length !== stream.fileKeyBytes) throw damaged('Its file key has the wrong size.');
    return fileKey;
  }

  /**
   * Prepares to read ranges of an age file of `fileSize` bytes.
   *
   * @param prefix its first bytes: header and nonce at least; `min(fileSize, headerPrefixBytes)` are enough.
   * @throws HoldfastError `wrong-key`, `object-damaged`
   */
  async openPrefix(prefix: Uint8Array, fileSize: number): Promise<RangeReader> {
    const headerLength = parseHeader(prefix);
    const fileKey = await this.openHeader(prefix);
    const plaintextSize = stream.plaintextSize(fileSize - headerLength);
    const key = stream.payloadKey(fileKey, prefix.subarray(headerLength, headerLength + nonceBytes));
    return {
      plaintextSize,
      covering(range) {
        const { offset, length } = stream.coveringRange(range, plaintextSize);
        return { offset: headerLength + offset, length };
      },
      open: (range, segments) => stream.openRange(key, segments, range, plaintextSize),
    };
  }
}

/** Reads ranges of the plaintext of one age file, given only the bytes of the file that cover them. */
export interface RangeReader {
  /** Bytes. Follows from the file's size, and is genuine only once a range that reaches the end has been opened. */
  readonly plaintextSize: number;
  /** The bytes of the file to read for `range` of the plaintext. @throws HoldfastError `object-damaged` past the end */
  covering(range: Range): Range;
  /** `range` of the plaintext, from exactly those bytes. @throws HoldfastError `object-damaged` */
  open(range: Range, bytes: Uint8Array): Buffer;
}

/** One age file to `recipients` that holds `parts`, back to back. For many objects, make one `Sealer`. */
export async function seal(recipients: readonly string[], parts: readonly Uint8Array[]): Promise<Buffer> {
  return new Sealer(recipients).seal(parts);
}

/** The plaintext of one age file. @throws HoldfastError `wrong-key`, `object-damaged` */
export async function openFile(identities: readonly string[], file: Uint8Array): Promise<Buffer> {
  return new Opener(identities).open(file);
}

/** The file key in the header that `bytes` start with. @throws HoldfastError `wrong-key`, `object-damaged` */
export async function openHeader(identities: readonly string[], bytes: Uint8Array): Promise<Uint8Array> {
  return new Opener(identities).openHeader(bytes);
}

/**
 * Length in bytes of the age header that `bytes` start with, its MAC line included. Only finds its end; what it holds
 * is checked when it is opened.
 *
 * @throws HoldfastError `object-damaged` when they start with something else, or the header does not end in them.
 */
export function parseHeader(bytes: Uint8Array): number {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, headerLimit));
  if (head.toString('latin1', 0, versionLine.length) !== versionLine) {
    throw damaged('It does not start like an age file, version 1.');
  }
  for (let line = versionLine.length; ; ) {
    const end = head.indexOf(0x0a, line) + 1;
    if (end === 0) throw damaged('Its age header does not end where it should.');
    // Neither the first line of a stanza (`-> `) nor a body line (base64) can start like this.
    if (head.toString('latin1', line, line + 3) === '---') return end;
    line = end;
  }
}

/** Sees the file key, and adds nothing to the header. Of no use alone; exported for the test of `headerOf`. */
export class CapturingRecipient implements Recipient {
  fileKey: Uint8Array | undefined;

  wrapFileKey(fileKey: Uint8Array): [] {
    this.fileKey = Uint8Array.from(fileKey);
    return [];
  }
}

/**
 * The header the package writes before an empty payload, and its file key.
 *
 * @throws HoldfastError `internal` when no real recipient is in it: nobody could ever open what is sealed under it.
 */
export async function headerOf(
  encrypter: Encrypter,
  capture: CapturingRecipient,
): Promise<{ header: Uint8Array; fileKey: Uint8Array }> {
  const empty = await encrypter.encrypt(new Uint8Array(0));
  const length = parseHeader(empty);
  const header = empty.subarray(0, length);
  const stanzas = Buffer.from(header).toString('latin1').split('\n-> ').length - 1;
  if (stanzas < 1) throw noRecipient();
  if (!capture.fileKey || empty.length !== length + nonceBytes + tagBytes) {
    throw new HoldfastError('internal', 'The age package wrote an unexpected header.');
  }
  return { header, fileKey: capture.fileKey };
}

const noMatch: Identity = {
  unwrapFileKey() {
    throw new HoldfastError('wrong-key', 'No key at hand opens this object.', {
      why: 'It is sealed to other recipients.',
      hint: 'Give the identity file of an owner or host that this source was sealed to.',
    });
  },
};

function noRecipient(): HoldfastError {
  return new HoldfastError('wrong-key', 'There is no recipient to seal to.', {
    why: 'Nobody could ever open what is sealed to nobody.',
  });
}

function isPostQuantum(recipient: string): boolean {
  return recipient.startsWith('age1pq1') || recipient.startsWith('age1tagpq1');
}
