import { openDiskSite } from '../../src/sites/disk.ts';
import type { Site } from '../../src/sites/site.ts';

/** Where a site under test is, in a form that a child process can be given. Secrets of test servers may be in it. */
export type SiteAddress = { type: 'disk'; path: string };

/** A connection of its own to the site at `address`. */
export function openSite(address: SiteAddress): Promise<Site> {
  switch (address.type) {
    case 'disk':
      return openDiskSite({ name: 'disk', path: address.path });
  }
}
