import type { ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3';
import { assertObjectName, assertPrefix, assertRange } from '../names.ts';
import type { ByteRange, ObjectVersion, ObjectVersions } from '../site.ts';
import type { S3Connection } from './connection.ts';
import { BadAnswer } from './errors.ts';
import { brokenOff, decodeKey } from './listing.ts';
import { readRange } from './range.ts';

/** Older versions in a bucket that keeps them: there whether or not the credentials may ask if it does. */
export class S3Versions implements ObjectVersions {
  readonly #connection: S3Connection;

  constructor(connection: S3Connection) {
    this.#connection = connection;
  }

  async *of(name: string): AsyncIterable<ObjectVersion> {
    assertObjectName(name);
    // What starts with it comes after it.
    for await (const version of this.#list(name)) {
      if (version.name !== name) return;
      yield version;
    }
  }

  list(prefix: string): AsyncIterable<ObjectVersion> {
    assertPrefix(prefix);
    return this.#list(prefix);
  }

  async read(version: ObjectVersion, range?: ByteRange): Promise<Buffer> {
    assertObjectName(version.name);
    if (range) assertRange(range);
    return this.#connection.attempt(`An older version of ${version.name} could not be read`, (options) =>
      readRange(this.#connection, version.name, version.id, range, options),
    );
  }

  async *#list(start: string): AsyncIterable<ObjectVersion> {
    const connection = this.#connection;
    let marker: { KeyMarker?: string | undefined; VersionIdMarker?: string } | undefined = {};
    while (marker) {
      const input = {
        ...{ Bucket: connection.options.bucket, Prefix: connection.root + start, EncodingType: 'url' as const },
        ...marker,
      };
      const page: ListObjectVersionsCommandOutput = await connection.attempt(
        'The versions of objects could not be listed',
        async (options) => {
          const found = await connection.client.listObjectVersions(input, options);
          if (found.IsTruncated === undefined) throw new BadAnswer('The server gave half a list.');
          if (found.IsTruncated && !found.NextKeyMarker) throw new BadAnswer(brokenOff);
          return found;
        },
      );
      for (const { Key, VersionId, Size, IsLatest, LastModified } of page.Versions ?? []) {
        const name = connection.nameOf(decodeKey(Key));
        if (name === undefined || VersionId === undefined || Size === undefined) continue;
        const storedAt = LastModified?.getTime() ?? 0;
        yield { name, size: Size, id: VersionId, current: IsLatest ?? false, storedAt };
      }
      const next = {
        KeyMarker: decodeKey(page.NextKeyMarker),
        ...(page.NextVersionIdMarker ? { VersionIdMarker: page.NextVersionIdMarker } : {}),
      };
      marker = page.IsTruncated ? next : undefined;
    }
  }
}
