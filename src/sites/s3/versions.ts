import type { ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../base/errors.ts';
import { assertObjectName, assertPrefix, assertRange } from '../names.ts';
import type { ByteRange, ObjectVersion, ObjectVersions } from '../site.ts';
import type { S3Connection } from './connection.ts';
import { BadAnswer, isMissingObject } from './errors.ts';
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
    const connection = this.#connection;
    return connection.attempt(`An older version of ${version.name} could not be read`, async (options) => {
      try {
        return await readRange(connection, version.name, version.id, range, options);
      } catch (error) {
        if (!isMissingObject(error)) throw error;
        throw new HoldfastError('object-missing', `That version of ${version.name} is gone from "${connection.site}".`);
      }
    });
  }

  async directories(prefix: string): Promise<string[]> {
    assertPrefix(prefix);
    const found: string[] = [];
    for await (const page of this.#pages(prefix, { Delimiter: '/' })) {
      for (const { Prefix } of page.CommonPrefixes ?? []) {
        const name = this.#connection.nameOf(decodeKey(Prefix)?.replace(/\/$/, ''));
        if (name !== undefined) found.push(name.slice(prefix.length));
      }
    }
    return found;
  }

  async removeAll(name: string): Promise<void> {
    assertObjectName(name);
    const { client, at } = this.#connection;
    const key = at(name).Key;
    const versions: string[] = [];
    const markers: string[] = [];
    for await (const { Versions = [], DeleteMarkers = [] } of this.#pages(name, {})) {
      for (const { Key, VersionId } of Versions) if (decodeKey(Key) === key && VersionId) versions.push(VersionId);
      for (const { Key, VersionId } of DeleteMarkers) if (decodeKey(Key) === key && VersionId) markers.push(VersionId);
      const last = [...Versions, ...DeleteMarkers]
        .map(({ Key }) => decodeKey(Key) ?? '')
        .sort()
        .at(-1);
      // What starts with it comes after it.
      if (last !== undefined && last > key) break;
    }
    // Markers last: whatever interrupts this, nothing comes back.
    for (const VersionId of [...versions, ...markers]) {
      await this.#connection.attempt(`A version of ${name} could not be removed`, async (options) => {
        await client.deleteObject({ ...at(name), VersionId }, options).catch((error) => {
          if (!isMissingObject(error)) throw error;
        });
      });
    }
  }

  async *#list(start: string): AsyncIterable<ObjectVersion> {
    const connection = this.#connection;
    for await (const page of this.#pages(start, {})) {
      for (const { Key, VersionId, Size, IsLatest, LastModified } of page.Versions ?? []) {
        const name = connection.nameOf(decodeKey(Key));
        if (name === undefined || VersionId === undefined || Size === undefined) continue;
        const storedAt = LastModified?.getTime() ?? 0;
        yield { name, size: Size, id: VersionId, current: IsLatest ?? false, storedAt };
      }
    }
  }

  async *#pages(start: string, more: { Delimiter?: string }): AsyncIterable<ListObjectVersionsCommandOutput> {
    const connection = this.#connection;
    let marker: { KeyMarker?: string | undefined; VersionIdMarker?: string } | undefined = {};
    while (marker) {
      const input = {
        ...{ Bucket: connection.options.bucket, Prefix: connection.root + start, EncodingType: 'url' as const },
        ...marker,
        ...more,
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
      yield page;
      const next = {
        KeyMarker: decodeKey(page.NextKeyMarker),
        ...(page.NextVersionIdMarker ? { VersionIdMarker: page.NextVersionIdMarker } : {}),
      };
      marker = page.IsTruncated ? next : undefined;
    }
  }
}
