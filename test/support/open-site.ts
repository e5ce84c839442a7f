import { openDiskSite } from '../../src/sites/disk.ts';
import type { S3SiteOptions } from '../../src/sites/s3/options.ts';
import type { SftpSiteOptions } from '../../src/sites/sftp/options.ts';
import type { Site } from '../../src/sites/site.ts';

/** Where a site under test is, in a form that a child process can be given. Secrets of test servers may be in it. */
export type SiteAddress =
  | { type: 'disk'; path: string }
  | ({ type: 's3' } & S3SiteOptions)
  | ({ type: 'sftp' } & SftpSiteOptions);

/** A connection of its own to the site at `address`. */
export async function openSite(address: SiteAddress): Promise<Site> {
  switch (address.type) {
    case 'disk':
      return openDiskSite({ name: 'disk', path: address.path });
    case 's3': {
      const { openS3Site } = await import('../../src/sites/s3/site.ts');
      return openS3Site(address);
    }
    case 'sftp': {
      const { openSftpSite } = await import('../../src/sites/sftp/site.ts');
      return openSftpSite(address);
    }
  }
}
