import type { Readable } from 'node:stream';
import { BadAnswer } from './errors.ts';

/**
 * All bytes of an answer's body. Always to its end: a body left unread keeps its socket.
 *
 * @param length how many bytes the answer says it has
 * @throws BadAnswer when it has another number of bytes
 */
export async function readBody(body: unknown, length: number | undefined): Promise<Buffer> {
  const stream = body as Readable;
  if (length === undefined) {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
  const bytes = Buffer.allocUnsafeSlow(length);
  let done = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    // Copying stops at the end of `bytes`; counting does not.
    if (done < length) chunk.copy(bytes, done);
    done += chunk.length;
  }
  if (done !== length) throw new BadAnswer(`The answer had ${done} bytes where it promised ${length}.`);
  return bytes;
}
