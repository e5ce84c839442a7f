import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import type { ListedObject } from '../site.ts';
import type { S3Connection } from './connection.ts';
import { BadAnswer } from './errors.ts';

export const brokenOff = 'The server broke a list off and does not tell where to go on.';

/** Keys are asked for in this form because some, not ours, cannot be written in XML. */
export function decodeKey(key: string | undefined): string | undefined {
  try {
    return key === undefined ? undefined : decodeURIComponent(key);
  } catch {
    // Not encoded after all, so none of ours.
    return key;
  }
}

/** Objects by name; what has no object's name is passed over. */
export async function* listObjects(connection: S3Connection, prefix: string): AsyncIterable<ListedObject> {
  for await (const page of pages(connection, prefix, {})) {
    for (const { Key, Size } of page.Contents ?? []) {
      const name = connection.nameOf(decodeKey(Key));
      if (name !== undefined && Size !== undefined) yield { name, size: Size };
    }
  }
}

/** See Site.directories. */
export async function listDirectories(connection: S3Connection, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const page of pages(connection, prefix, { Delimiter: '/' })) {
    for (const { Prefix } of page.CommonPrefixes ?? []) {
      const name = connection.nameOf(decodeKey(Prefix)?.replace(/\/$/, ''));
      if (name !== undefined) found.push(name.slice(prefix.length));
    }
  }
  return found;
}

async function* pages(
  connection: S3Connection,
  prefix: string,
  more: { Delimiter?: string },
): AsyncIterable<ListObjectsV2CommandOutput> {
  let token: string | undefined;
  do {
    const input = {
      ...{ Bucket: connection.options.bucket, Prefix: connection.root + prefix, EncodingType: 'url' as const },
      ...(token === undefined ? {} : { ContinuationToken: token }),
      ...more,
    };
    const page: ListObjectsV2CommandOutput = await connection.attempt(
      'The objects could not be listed',
      async (options) => {
        const found = await connection.client.listObjectsV2(input, options);
        // An answer that is cut off after its headers can parse as a list with nothing in it.
        if (found.IsTruncated === undefined) throw new BadAnswer('The server gave half a list.');
        if (found.IsTruncated && (!found.NextContinuationToken || found.NextContinuationToken === token)) {
          throw new BadAnswer(brokenOff);
        }
        return found;
      },
    );
    yield page;
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}
