/** What a bucket really does, found out by trying. */
import { randomUUID } from 'node:crypto';
import { temporaryDirectory } from '../names.ts';
import type { SiteCapabilities } from '../site.ts';
import type { S3Connection } from './connection.ts';
import { failureOf, hasStatus } from './errors.ts';
import { type Conditions, put } from './put.ts';

/** Never listed, like everything there. It stays, so that the next run needs one request. */
const probeName = `${temporaryDirectory}/conditional-create`;
/** Creators that race for it when it is not there yet. */
const racers = 8;

/**
 * Asks a bucket what it can do. What these credentials may not ask about counts as absent.
 *
 * @throws HoldfastError `no-repository` without a bucket, `site-unavailable` with wrong credentials and the like
 */
export async function probeBucket(
  connection: S3Connection,
): Promise<{ capabilities: SiteCapabilities; conditions: Conditions }> {
  const [conditions, versioning, objectLock] = await Promise.all([
    connection.options.readOnly ? ('refused' as const) : probeConditions(connection),
    hasVersioning(connection),
    hasObjectLock(connection),
    assertReachable(connection),
  ]);
  const conditionalCreate = conditions === 'enforced';
  return { capabilities: { conditionalCreate, durable: true, versioning, objectLock }, conditions };
}

const opening = 'The bucket could not be opened';

async function assertReachable(connection: S3Connection): Promise<void> {
  const { bucket } = connection.options;
  await connection.attempt(
    opening,
    (options) => connection.client.listObjectsV2({ Bucket: bucket, Prefix: connection.root, MaxKeys: 1 }, options),
    connection.openingRetry,
  );
}

/**
 * Whether `If-None-Match: *` lets exactly one creator win. Servers differ: some ignore it (Ceph 16 in buckets with
 * versions), some answer 501, some enforce it only against objects that have been there for a while.
 */
function probeConditions(connection: S3Connection): Promise<Conditions> {
  /** Versions that were stored though they must not have been; undefined where the bucket keeps none. */
  const stored: (string | undefined)[] = [];
  const attempt = async (options: { abortSignal: AbortSignal }): Promise<'created' | 'exists' | 'unsupported'> => {
    try {
      const body = Buffer.from(randomUUID());
      const { VersionId } = await put(connection, probeName, body, options, { IfNoneMatch: '*' });
      stored.push(VersionId);
      return 'created';
    } catch (error) {
      if (hasStatus(error, 412)) return 'exists';
      const { name, status } = failureOf(error);
      // Lost the race at a server that says so in another way.
      if (name === 'ConditionalRequestConflict') return 'exists';
      // 403: may read only. What has a right to write will ask again.
      if ([400, 403, 405, 501].includes(status ?? 0) && name !== 'RequestTimeout') return 'unsupported';
      throw error;
    }
  };
  return connection.attempt(
    opening,
    async (options) => {
      const first = await connection.client
        .headObject(connection.at(probeName), options)
        .then(() => true)
        .catch((error) => {
          if ([403, 404].includes(failureOf(error).status ?? 0)) return false;
          throw error;
        });
      if (first) {
        const outcome = await attempt(options);
        // Where versions are kept, the one before comes back.
        for (const version of stored.splice(0)) if (version) await removeProbe(connection, version, options);
        return conditionsOf(outcome);
      }
      const outcomes = await Promise.all(Array.from({ length: racers }, () => attempt(options)));
      if (outcomes.includes('unsupported')) return 'refused';
      const exclusive = outcomes.filter((outcome) => outcome === 'created').length <= 1;
      if (exclusive) return conditionsOf(await attempt(options));
      // So that the next run lets them race again; without the right to delete it finds out less.
      for (const version of new Set(stored.splice(0))) await removeProbe(connection, version, options);
      return 'unreliable';
    },
    connection.openingRetry,
  );
}

/** By its version, since a delete marker would stay, one for each opening. Without the right to, it stays. */
async function removeProbe(
  { client, at }: S3Connection,
  version: string | undefined,
  options: { abortSignal: AbortSignal },
): Promise<void> {
  const input = { ...at(probeName), ...(version !== undefined && { VersionId: version }) };
  await client.deleteObject(input, options).catch(() => {});
}

function conditionsOf(outcome: 'created' | 'exists' | 'unsupported'): Conditions {
  // Created, though it was there: ignored.
  return ({ created: 'unreliable', exists: 'enforced', unsupported: 'refused' } as const)[outcome];
}

function hasVersioning(connection: S3Connection): Promise<boolean> {
  return unlessRefused(connection, async (options) => {
    const { Status } = await connection.client.getBucketVersioning({ Bucket: connection.options.bucket }, options);
    return Status === 'Enabled';
  });
}

function hasObjectLock(connection: S3Connection): Promise<boolean> {
  return unlessRefused(connection, async (options) => {
    const { bucket } = connection.options;
    const found = await connection.client.getObjectLockConfiguration({ Bucket: bucket }, options);
    return found.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled';
  });
}

/** False where the server does not know the question, has no answer, or does not tell these credentials. */
function unlessRefused(
  connection: S3Connection,
  work: (options: { abortSignal: AbortSignal }) => Promise<boolean>,
): Promise<boolean> {
  return connection.attempt(
    opening,
    (options) =>
      work(options).catch((error) => {
        const { name, status = 0 } = failureOf(error);
        // The next attempt is signed by the server's time.
        if (name === 'RequestTimeTooSkewed') throw error;
        if (status === 501 || (status >= 400 && status < 500 && ![408, 429].includes(status))) return false;
        throw error;
      }),
    connection.openingRetry,
  );
}
