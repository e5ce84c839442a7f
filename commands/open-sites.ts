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
}

/** @throws HoldfastError `secret`, `site-unavailable` */
export async function openConfiguredSite(context: Context, site: SiteConfig, options: OpeningOptions): Promise<Site> {
  const opened = await openByType(context, site, options);
  if (site.bandwidth === undefined) return opened;
  const { limitRate } = await import('../src/sites/limited.ts');
  return limitRate(opened, site.bandwidth, context.clock);
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
  const { name, endpoint, bucket, prefix, region, credentials, storageClass, encryption, ca, proxy } = site;
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
