/** Storing an object by one PUT, and knowing afterwards whether it was ours. */
import { createHash, randomUUID } from 'node:crypto';
import type { PutObjectCommandInput, PutObjectCommandOutput } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../base/errors.ts';
import type { S3Connection } from './connection.ts';
import { BadAnswer, failureOf, hasStatus, isMissingObject, mayHaveHappened } from './errors.ts';
import { creatorKey, sizeKey } from './metadata.ts';

/** Below this, the cheap storage classes bill more than they save. */
const smallestInClass = 128 * 1024;

export interface PutOptions {
  abortSignal: AbortSignal;
}

/** What the server does with `If-None-Match: *`; `refused` also where nothing may be written. */
export type Conditions = 'enforced' | 'unreliable' | 'refused';

export interface CreateSettings {
  conditions: Conditions;
  retainUntil?: number | undefined;
}

/** See Site.create. */
export async function createObject(
  connection: S3Connection,
  name: string,
  body: Buffer,
  { conditions, retainUntil }: CreateSettings,
): Promise<'created' | 'exists'> {
  const creator = randomUUID();
  // Whether an earlier attempt may have stored it.
  let unsure = false;
  return connection.attempt(`${name} could not be stored`, async (options) => {
    const outcome = async () =>
      unsure && (await isCreatedBy(connection, name, creator, body, options)) ? 'created' : 'exists';
    if (conditions !== 'enforced' && (await head(connection, name, options)) !== undefined) return outcome();
    try {
      await put(connection, name, body, options, {
        Metadata: { [creatorKey]: creator, [sizeKey]: String(body.length) },
        ...(conditions !== 'refused' ? { IfNoneMatch: '*' } : {}),
        ...(retainUntil === undefined ? {} : lock(connection, retainUntil)),
      });
    } catch (error) {
      if (hasStatus(error, 412)) return outcome();
      unsure ||= mayHaveHappened(error);
      throw error;
    }
    if (retainUntil !== undefined) await assertLocked(connection, name, retainUntil, options);
    return 'created';
  });
}

/** See Site.replace. */
export async function replaceObject(
  connection: S3Connection,
  name: string,
  body: Buffer,
  retainUntil: number | undefined,
): Promise<void> {
  await connection.attempt(`${name} could not be stored`, async (options) => {
    await put(connection, name, body, options, retainUntil === undefined ? {} : lock(connection, retainUntil));
    if (retainUntil !== undefined) await assertLocked(connection, name, retainUntil, options);
  });
}

/** One PUT. The server holds the body against its MD5, and its answer is held against it too. */
export async function put(
  { client, at, options: site }: S3Connection,
  name: string,
  body: Buffer,
  options: PutOptions,
  more: Partial<PutObjectCommandInput> = {},
): Promise<PutObjectCommandOutput> {
  const md5 = createHash('md5').update(body).digest();
  const { encryption } = site;
  const output = await client.putObject(
    {
      ...{ Bucket: site.bucket, Key: at(name).Key, Body: body, ContentLength: body.length },
      ContentMD5: md5.toString('base64'),
      ContentType: 'application/octet-stream',
      Metadata: { [sizeKey]: String(body.length) },
      ...(encryption ? { ServerSideEncryption: encryption.type } : {}),
      ...(encryption?.type === 'aws:kms' && encryption.keyId ? { SSEKMSKeyId: encryption.keyId } : {}),
      ...(site.storageClass && body.length >= smallestInClass
        ? { StorageClass: site.storageClass as NonNullable<PutObjectCommandInput['StorageClass']> }
        : {}),
      ...more,
    },
    options,
  );
  // The ETag is the MD5 where nothing is encrypted by the server; where it is not, the size at least must be right.
  if (output.ETag?.replaceAll('"', '') !== md5.toString('hex')) {
    const found = await client.headObject({ Bucket: site.bucket, Key: at(name).Key }, options);
    // A creator without conditions, or a replacement, may have come between: another whole object.
    if (found.ETag === output.ETag && found.ContentLength !== body.length) {
      throw new BadAnswer(`The server stored ${found.ContentLength} of ${body.length} bytes.`);
    }
  }
  return output;
}

/** Undefined when there is no such object. */
export async function head(
  { client, at }: S3Connection,
  name: string,
  options: PutOptions,
): Promise<{ size: number; etag: string | undefined; creator: string | undefined } | undefined> {
  try {
    const found = await client.headObject(at(name), options);
    if (found.ContentLength === undefined) throw new BadAnswer('The server does not tell the size of an object.');
    return { size: found.ContentLength, etag: found.ETag, creator: found.Metadata?.[creatorKey] };
  } catch (error) {
    if (isMissingObject(error)) return undefined;
    throw error;
  }
}

async function isCreatedBy(
  connection: S3Connection,
  name: string,
  creator: string,
  body: Buffer,
  options: PutOptions,
): Promise<boolean> {
  const found = await head(connection, name, options);
  if (found === undefined) return false;
  if (found.creator !== undefined) return found.creator === creator;
  // A server that loses metadata. Equal bytes are then the best there is.
  if (found.size !== body.length) return false;
  return (await connection.get(connection.at(name), options)).bytes.equals(body);
}

function lock(connection: S3Connection, until: number): Partial<PutObjectCommandInput> {
  const { options } = connection;
  connection.assertClock();
  return { ObjectLockMode: options.lockMode ?? 'COMPLIANCE', ObjectLockRetainUntilDate: new Date(until) };
}

/** Some servers take the headers of Object Lock and do nothing. */
async function assertLocked(
  { client, at, site }: S3Connection,
  name: string,
  until: number,
  options: PutOptions,
): Promise<void> {
  const found = await client.headObject(at(name), options).catch((error) => {
    // Not being allowed to look is no reason to fail; doctor tries it with a deletion.
    if (failureOf(error).status === 403) return undefined;
    throw error;
  });
  // Servers keep whole seconds.
  if (!found || (found.ObjectLockRetainUntilDate?.getTime() ?? 0) >= until - 1000) return;
  throw new HoldfastError('site-unavailable', `${name} was stored at the site "${site}", but not locked.`, {
    why: 'The server accepts a retention date and does not keep it.',
    hint: 'Make the bucket with Object Lock enabled, or use a server that has it.',
  });
}
