/**
 * An age file as it comes, in the memory of one segment: age.ts seals objects whose size is known beforehand, and of an
 * archive nobody knows it. The format is that of age.ts and stream.ts.
 */
import { randomBytes } from 'node:crypto';
import { Encrypter } from 'age-encryption';
import { HoldfastError } from '../base/errors.ts';
import { CapturingRecipient, headerOf, Sealer } from './age.ts';
import { nonceBytes, payloadKey, sealSegment, segmentBytes } from './stream.ts';

/**
 * Makes sure that files can be sealed to them.
 *
 * @throws HoldfastError `usage` for an ssh key or a secret one; `wrong-key` for what is no age recipient, for none, and for
 *   a mixture of post-quantum and classic ones
 */
export function checkRecipients(recipients: readonly string[]): void {
  const wrong = (message: string, why: string, hint: string) => new HoldfastError('usage', message, { why, hint });
  for (const recipient of recipients) {
    // Never quoted: an error is no place for it.
    if (/SECRET-KEY|PRIVATE KEY/i.test(recipient)) {
      throw wrong(
        'A recipient is a secret key.',
        'An archive is sealed to public keys.',
        'Give the line that starts with `age1`; make a new key if others have seen this one.',
      );
    }
    if (/^(ssh-|ecdsa-|sk-)/.test(recipient)) {
      throw wrong(
        'A recipient is an ssh key.',
        'Archives are sealed to age recipients.',
        'Have the recipient run `age-keygen`, and give the line that starts with `age1`.',
      );
    }
  }
  void new Sealer(recipients);
}

/**
 * The age file that holds what `plain` gives, in pieces of at most 64 KiB and a tag. It is whole only when the last piece
 * was taken; cut short anywhere, no age opens its end.
 *
 * @param recipients `age1…`, checked by `checkRecipients`
 */
export async function* sealed(
  plain: AsyncIterable<Uint8Array>,
  recipients: readonly string[],
): AsyncGenerator<Uint8Array, void, undefined> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  const capture = new CapturingRecipient();
  encrypter.addRecipient(capture);
  const { header, fileKey } = await headerOf(encrypter, capture);
  const nonce = randomBytes(nonceBytes);
  yield header;
  yield nonce;
  const key = payloadKey(fileKey, nonce);
  const segment = Buffer.allocUnsafeSlow(segmentBytes);
  let filled = 0;
  let index = 0;
  for await (const piece of plain) {
    for (let at = 0; at < piece.length; ) {
      // Only what comes after it tells that a segment is not the last.
      if (filled === segmentBytes) {
        yield sealSegment(key, segment, index++, false);
        filled = 0;
      }
      const part = piece.subarray(at, at + segmentBytes - filled);
      segment.set(part, filled);
      filled += part.length;
      at += part.length;
    }
  }
  yield sealSegment(key, segment.subarray(0, filled), index, true);
}
