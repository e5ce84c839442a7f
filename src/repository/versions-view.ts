import type { HoldfastError } from '../base/errors.ts';
import { type Concealment, throughVersions } from '../sites/older-versions.ts';
import type { Site } from '../sites/site.ts';
import { genuineBy } from './genuine.ts';
import { promisedHash } from './layout.ts';
import { lockClassOf } from './lock-rules.ts';
import type { Trust } from './trust.ts';

export interface VersionsTold {
  /** Told once for each way in which somebody has hidden objects, when what he hid is read. */
  onConcealed?: (how: Concealment) => void;
  /** Told when versions cannot be listed, so that what is current is all that there is. */
  onUnable?: (error: HoldfastError) => void;
}

/**
 * The site of a repository as readers see it: what somebody has hidden there is read as it was (docs/format.md §14). A site
 * without versions stays as it is.
 */
export function versionsView(site: Site, trust: Trust, told: VersionsTold = {}): Site {
  return throughVersions(site, {
    isOurs: (name) => lockClassOf(name) !== undefined,
    isHash: (name) => promisedHash(name) !== undefined,
    isGenuine: genuineBy(trust),
    onConcealed: told.onConcealed ?? (() => {}),
    onUnable: told.onUnable ?? (() => {}),
  });
}
