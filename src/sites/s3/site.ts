/**
 * A site in a bucket, at AWS or any server that speaks S3.
 *
 * One PUT an object, never an upload in parts: it is atomic by the protocol, and `If-None-Match: *` makes it exclusive.
 * Whether the server enforces that is tried out when the site is opened; see SiteCapabilities for what holds otherwise.
 * In a bucket with versions, replace and remove leave the old bytes behind, for `versions` to read; rules of the
 * bucket's lifecycle have to clear them away. Where the configuration wants locks, `lockingSite` removes versions.
 */
import { HoldfastError } from '../../base/errors.ts';
import { cannotLock } from '../locking.ts';
import { assertObjectName, assertPrefix, assertRange } from '../names.ts';
import type { ByteRange, CreateOptions, ListedObject, ObjectStat, Site, SiteCapabilities } from '../site.ts';
import { connectS3, type S3Connection } from './connection.ts';
import { isMissingObject } from './errors.ts';
import { listDirectories, listObjects } from './listing.ts';
import type { S3SiteOptions } from './options.ts';
import { probeBucket } from './probe.ts';
import { type Conditions, createObject, head, replaceObject } from './put.ts';
import { readRange } from './range.ts';
import { lockedUntil, retainVersion } from './retention.ts';
import { S3Versions } from './versions.ts';

export type { S3Credentials, S3SiteOptions } from './options.ts';

/**
 * Opens a site in a bucket that exists, and finds out what it can do.
 *
 * @throws HoldfastError `no-repository` when there is no such bucket, `site-unavailable` when it cannot be reached or
 *   refuses the credentials, `config`
 */
export async function openS3Site(options: S3SiteOptions): Promise<Site> {
  const connection = await connectS3(options);
  try {
    const { capabilities, conditions } = await probeBucket(connection);
    return new S3Site(connection, capabilities, conditions);
  } catch (error) {
    connection.close();
    throw error;
  }
}

class S3Site implements Site {
  readonly name: string;
  readonly capabilities: SiteCapabilities;
  readonly versions: S3Versions;
  readonly #connection: S3Connection;
  readonly #conditions: Conditions;

  constructor(connection: S3Connection, capabilities: SiteCapabilities, conditions: Conditions) {
    this.#conditions = conditions;
    this.name = connection.site;
    this.capabilities = capabilities;
    this.versions = new S3Versions(connection);
    this.#connection = connection;
  }

  async create(
    name: string,
    body: Uint8Array | readonly Uint8Array[],
    { retainUntil }: CreateOptions = {},
  ): Promise<'created' | 'exists'> {
    assertObjectName(name);
    if (retainUntil !== undefined) this.#assertLocks();
    const conditions = this.#conditions;
    return createObject(this.#connection, name, inOne(body), { conditions, retainUntil });
  }

  async replace(name: string, body: Uint8Array, { retainUntil }: CreateOptions = {}): Promise<void> {
    assertObjectName(name);
    if (retainUntil !== undefined) this.#assertLocks();
    await replaceObject(this.#connection, name, inOne(body), retainUntil);
  }

  async retain(name: string, until: number, version?: string): Promise<void> {
    assertObjectName(name);
    this.#assertLocks();
    await retainVersion(this.#connection, name, until, version);
  }

  async lockedUntil(name: string): Promise<number | undefined> {
    assertObjectName(name);
    return this.capabilities.objectLock ? lockedUntil(this.#connection, this.versions, name) : undefined;
  }

  async read(name: string, range?: ByteRange): Promise<Buffer> {
    assertObjectName(name);
    if (range) assertRange(range);
    const connection = this.#connection;
    return connection.attempt(`${name} could not be read`, async (options) => {
      try {
        return await readRange(connection, name, undefined, range, options);
      } catch (error) {
        if (!isMissingObject(error)) throw error;
        throw new HoldfastError('object-missing', `There is no ${name} at the site "${this.name}".`);
      }
    });
  }

  async stat(name: string): Promise<ObjectStat | undefined> {
    assertObjectName(name);
    const connection = this.#connection;
    const found = await connection.attempt(`${name} could not be looked up`, (options) =>
      head(connection, name, options),
    );
    return found && { size: found.size };
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    assertPrefix(prefix);
    yield* listObjects(this.#connection, prefix);
  }

  async directories(prefix: string): Promise<string[]> {
    assertPrefix(prefix);
    return listDirectories(this.#connection, prefix);
  }

  async remove(name: string): Promise<void> {
    assertObjectName(name);
    const { client, at } = this.#connection;
    await this.#connection.attempt(`${name} could not be removed`, async (options) => {
      try {
        await client.deleteObject(at(name), options);
      } catch (error) {
        // Most servers say 204 also then.
        if (!isMissingObject(error)) throw error;
      }
    });
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  #assertLocks(): void {
    if (!this.capabilities.objectLock) throw cannotLock(this.name);
  }
}

function inOne(body: Uint8Array | readonly Uint8Array[]): Buffer {
  const parts = body instanceof Uint8Array ? [body] : body;
  const [first] = parts;
  if (parts.length !== 1 || !first) return Buffer.concat(parts);
  return Buffer.from(first.buffer, first.byteOffset, first.byteLength);
}
