import { damaged } from '../disk-errors.ts';
import type { ByteRange } from '../site.ts';
import type { S3Connection } from './connection.ts';
import { BadAnswer, hasStatus } from './errors.ts';

/**
 * The bytes of an object or of one of its versions, or exactly a range of them. One attempt.
 *
 * @throws HoldfastError `object-damaged` when the range reaches past the end; BadAnswer; what the SDK throws
 */
export async function readRange(
  connection: S3Connection,
  name: string,
  version: string | undefined,
  range: ByteRange | undefined,
  options: { abortSignal: AbortSignal },
): Promise<Buffer> {
  const object = { ...connection.at(name), ...(version === undefined ? {} : { VersionId: version }) };
  const tooShort = (size: number | string) =>
    damaged(connection.site, name, `It has ${size} bytes; ${range?.length} were needed from byte ${range?.offset} on.`);
  if (range === undefined) {
    const { bytes } = await connection.get(object, options);
    return bytes;
  }
  const { offset, length } = range;
  if (length === 0) {
    // HTTP has no empty range.
    const { ContentLength = 0 } = await connection.client.headObject(object, options);
    if (offset > ContentLength) throw tooShort(ContentLength);
    return Buffer.alloc(0);
  }
  const asked = `bytes=${offset}-${offset + length - 1}`;
  const answer = await connection.get({ ...object, Range: asked }, options).catch((error) => {
    if (hasStatus(error, 416)) throw tooShort('fewer');
    throw error;
  });
  const found = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.range ?? '');
  if (answer.status !== 206 || !found) throw new BadAnswer('The server, or a proxy, does not give parts of objects.');
  const [first, last, size] = found.slice(1).map(Number) as [number, number, number];
  if (size < offset + length) throw tooShort(size);
  if (first !== offset || last !== offset + length - 1 || answer.bytes.length !== length) {
    throw new BadAnswer(`The server gave the bytes ${first} to ${last}, not ${offset} to ${offset + length - 1}.`);
  }
  return answer.bytes;
}
