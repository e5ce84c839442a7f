/** Dates until when versions are locked. */
import { HoldfastError } from '../../base/errors.ts';
import type { S3Connection } from './connection.ts';
import { failureOf, isMissingObject } from './errors.ts';
import type { S3Versions } from './versions.ts';

/** Servers keep whole seconds. */
const secondMs = 1000;

/** See Site.retain. */
export async function retainVersion(
  connection: S3Connection,
  name: string,
  until: number,
  version: string | undefined,
): Promise<void> {
  const { client, at, options: site } = connection;
  const object = { ...at(name), ...(version === undefined ? {} : { VersionId: version }) };
  const Retention = { Mode: site.lockMode ?? 'COMPLIANCE', RetainUntilDate: new Date(until) };
  await connection.attempt(`${name} could not be locked`, async (options) => {
    connection.assertClock();
    try {
      await client.putObjectRetention({ ...object, Retention }, options);
    } catch (error) {
      if (isMissingObject(error)) {
        throw new HoldfastError('object-missing', `There is no ${name} at the site "${connection.site}".`);
      }
      // Refused also where the date that it has is later.
      const { status = 0 } = failureOf(error);
      if (status < 400 || status >= 500) throw error;
      const found = await client.headObject(object, options).catch(() => undefined);
      if ((found?.ObjectLockRetainUntilDate?.getTime() ?? 0) < until - secondMs) throw error;
    }
  });
}

/** See Site.lockedUntil. */
export async function lockedUntil(
  connection: S3Connection,
  versions: S3Versions,
  name: string,
): Promise<number | undefined> {
  const { client, at } = connection;
  let latest: number | undefined;
  for await (const { id } of versions.of(name)) {
    const until = await connection.attempt(`The lock of ${name} could not be looked up`, async (options) => {
      try {
        const found = await client.headObject({ ...at(name), VersionId: id }, options);
        // Held without a date: nobody knows until when.
        if (found.ObjectLockLegalHoldStatus === 'ON') return Number.MAX_SAFE_INTEGER;
        return found.ObjectLockRetainUntilDate?.getTime();
      } catch (error) {
        if (isMissingObject(error)) return undefined;
        throw error;
      }
    });
    if (until !== undefined && until > (latest ?? 0)) latest = until;
  }
  return latest;
}
