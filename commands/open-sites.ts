/** Opens sites of the configuration, with their secrets. What a type of site needs is loaded when there is one. */
import type { S3Site, SftpSite, Site as SiteConfig } from '../config/sites.ts';
import { didYouMean } from '../config/suggestion.ts';
import { HoldfastError } from '../src/base/errors.ts';
import type { Site } from '../src/sites/site.ts';
import type { Context } from './context.ts';

export interface OpeningOptions {
  /** Make the directory when it is missing; otherwise a disk that is not mounted is an error. */
  create: boolean;
  /** Nothing will be written. */
  readOnly: boolean;
  /** Where objects are locked: also see what somebody removed or wrote over there. For readers; never to build on. */
  olderVersions?: boolean;
}

/** @throws HoldfastError `secret`, `site-unavailable` */
export async function openConfiguredSite(context: Context, site: SiteConfig, options: OpeningOptions): Promise<Site> {
  let opened = await openByType(context, site, options);
  const lock = site.type === 's3' ? site.objectLock : undefined;
  if (lock) opened = await withLocks(context, opened, lock, options);
  if (site.bandwidth !== undefined) {
    const { limitRate } = await import('../src/sites/limited.ts');
    opened = limitRate(opened, site.bandwidth, context.clock);
  }
  if (lock && options.olderVersions) opened = await withOlderVersions(context, opened);
  return opened;
}

/** @throws HoldfastError `site-unavailable` when the bucket cannot lock: it is never used unlocked */
async function withLocks(
  context: Context,
  site: Site,
  { mode, minimum }: NonNullable<S3Site['objectLock']>,
  { readOnly }: OpeningOptions,
): Promise<Site> {
  const [{ lockingSite }, { lockMsOf }] = await Promise.all([
    import('../src/sites/locking.ts'),
    import('../src/repository/lock-rules.ts'),
  ]);
  try {
    return lockingSite(site, {
      terms: { mode: mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE', minimumMs: minimum },
      lockMs: (name) => lockMsOf(name, minimum),
      clock: context.clock,
    });
  } catch (error) {
    // Who only reads need not have the right to ask.
    if (readOnly) return site;
    await site.close();
    throw error;
  }
}

/** The site as readers see it, who are told of what somebody has hidden. */
export async function withOlderVersions(context: Context, site: Site): Promise<Site> {
  const [{ versionsView }, { Trust }, { partiesOf }] = await Promise.all([
    import('../src/repository/versions-view.ts'),
    import('../src/repository/trust.ts'),
    import('../config/trust-parties.ts'),
  ]);
  const { config } = await context.config();
  return versionsView(site, new Trust(config.repository, partiesOf(config)), {
    onConcealed: (how) =>
      context.emit({
        type: 'warning',
        text: `Somebody has ${how === 'removed' ? 'removed objects' : 'written over objects'} at the site "${site.name}". Older versions of them are locked, and were read.`,
        hint: `Find out who; bring them back: holdfast repair --site ${site.name}`,
      }),
    onUnable: (error) =>
      context.emit({
        type: 'warning',
        text: `Older versions cannot be looked at, at the site "${site.name}": ${error.why ?? error.message}`,
        hint: 'Allow s3:ListBucketVersions and s3:GetObjectVersion.',
      }),
  });
}

async function openByType(context: Context, site: SiteConfig, options: OpeningOptions): Promise<Site> {
  switch (site.type) {
    case 'disk': {
      const { openDiskSite } = await import('../src/sites/disk.ts');
      return openDiskSite({ name: site.name, path: site.path, create: options.create });
    }
    case 's3': {
      const { openS3Site } = await import('../src/sites/s3/site.ts');
      return openS3Site({ ...(await s3Options(context, site)), readOnly: options.readOnly });
    }
    case 'sftp': {
      const { openSftpSite } = await import('../src/sites/sftp/site.ts');
      return openSftpSite({ ...(await sftpOptions(context, site)), create: options.create });
    }
  }
}

async function s3Options(context: Context, site: S3Site) {
  const { name, endpoint, bucket, prefix, region, credentials, storageClass, encryption, ca, proxy, objectLock } = site;
  const pathStyle = site.pathStyle ?? endpoint !== undefined;
  const { accessKeyId, secretAccessKey, sessionToken } = credentials ?? {};
  return {
    name,
    bucket,
    pathStyle,
    ...(endpoint !== undefined && { endpoint }),
    ...(prefix !== undefined && { prefix }),
    ...(region !== undefined && { region }),
    ...(storageClass !== undefined && { storageClass }),
    ...(encryption !== undefined && {
      encryption:
        encryption === 'AES256' ? { type: 'AES256' as const } : { type: 'aws:kms' as const, keyId: encryption.kmsKey },
    }),
    ...(objectLock && {
      lockMode: objectLock.mode === 'compliance' ? ('COMPLIANCE' as const) : ('GOVERNANCE' as const),
    }),
    ...(ca !== undefined && { caFile: ca }),
    ...(proxy !== undefined && { proxy: await context.secret(proxy) }),
    ...(accessKeyId &&
      secretAccessKey && {
        credentials: {
          accessKeyId: await context.secret(accessKeyId),
          secretAccessKey: await context.secret(secretAccessKey),
          ...(sessionToken && { sessionToken: await context.secret(sessionToken) }),
        },
      }),
    retry: retryNotes(context),
  };
}

async function sftpOptions(context: Context, site: SftpSite) {
  const { name, host, port, user, path, identity, passphrase, agent, hostKeys } = site;
  return {
    name,
    host,
    port,
    user,
    path,
    hostKeys,
    ...(identity && { identity: await context.secret(identity) }),
    ...(passphrase && { passphrase: await context.secret(passphrase) }),
    ...(agent !== undefined && { agent }),
    retry: retryNotes(context),
  };
}

function retryNotes(context: Context) {
  return {
    clock: context.clock,
    onRetry: ({ site, what, why }: { site: string; what: string; why: string }) =>
      context.emit({ type: 'note', text: `The site "${site}" is tried again: ${what} (${why}).` }),
  };
}

/** @throws HoldfastError `usage` when the configuration has no such site */
export function siteNamed(sites: readonly SiteConfig[], name: string): SiteConfig {
  const site = sites.find((candidate) => candidate.name === name);
  if (site) return site;
  const names = sites.map((candidate) => candidate.name);
  throw new HoldfastError('usage', `There is no site ${name}.`, {
    why: `The configuration has ${names.join(', ')}.`,
    hint: didYouMean(name, names)?.replace(/^d/, 'D') ?? 'Name one of those, or add it to `sites`.',
  });
}
