import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import { silent } from '../base/events.ts';
import { accessAt, type RepositoryAccess, sitesOf, withEmit } from '../repository/access.ts';
import { type KnownProof, readProofs } from '../repository/proofs.ts';
import { type KnownSnapshot, listSnapshots, type SnapshotListing } from '../repository/snapshot.ts';
import { clusterOf } from '../repository/source-name.ts';
import { closedGenerations, type OpenedSource, openSource } from '../repository/source-record.ts';
import { clusterRoster } from '../repository/source-roster.ts';
import type { Site } from '../sites/site.ts';
import { warnOfIgnored } from './ignored-warnings.ts';
import { assertRepository } from './init.ts';
import { openAnywhere } from './open-anywhere.ts';
import { beginAtEachSite } from './run-begin.ts';

export interface SourceSnapshots extends SnapshotListing {
  source: string;
  /** Before its first backup. */
  begun: boolean;
  /** What verifications found, the newest first. */
  proofs: KnownProof[];
}

/**
 * Every snapshot of the given sources at whichever site it lies, as far as it can be trusted. A site that fails is dropped.
 *
 * @throws HoldfastError when no site can be used
 */
export async function snapshotsOf(access: RepositoryAccess, sources: readonly string[]): Promise<SourceSnapshots[]> {
  const runSites = await beginAtEachSite(access);
  const all: SourceSnapshots[] = [];
  for (const name of sources) {
    const source = await openAnywhere(access, name, { partly: true }).catch((error) => {
      if (isHoldfastError(error, 'not-found')) return undefined;
      throw error;
    });
    const listing: SnapshotListing = source
      ? await listSnapshots(access, source, runSites)
      : {
          snapshots: [],
          tombstoned: [],
          tombstones: new Map(),
          ignored: [],
          gaps: [],
          freshnessKnown: true,
          sealed: [],
          undecided: [],
        };
    const proofs = source ? await readProofs(access, runSites, source, listing.ignored) : [];
    if (listing.sealed.length > 0) {
      const text = `${listing.sealed.length} snapshots are sealed to keys that are not at hand, and not shown.`;
      access.emit({ type: 'warning', source: name, text });
    }
    all.push({ source: name, begun: source !== undefined, proofs, ...listing });
  }
  return all;
}

/**
 * The name of a site, other than the one that is read from, that has the snapshot of an address.
 *
 * @returns undefined when that one has it too, or none of the others that can be reached
 */
export async function siteWithSnapshot(
  access: RepositoryAccess,
  address: string,
  readFrom: string,
): Promise<string | undefined> {
  const has = async (site: Site) => {
    try {
      await findSnapshot(withEmit(accessAt(access, site), silent), address);
      return true;
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
      return false;
    }
  };
  const { live } = sitesOf(access);
  const first = live.find(({ name }) => name === readFrom);
  if (first && (await has(first))) return undefined;
  for (const site of live) if (site !== first && (await has(site))) return site.name;
  return undefined;
}

export interface FoundSnapshot {
  source: OpenedSource;
  snapshot: KnownSnapshot;
}

const datePattern = /^\d{4}-\d\d-\d\d(T[\d:.]+Z?)?$/;

/**
 * The snapshot that an address names: `source`, `source@latest`, `source@2026-11-22` (the newest of that day, in UTC, or
 * before that time), `source@<id prefix>`.
 *
 * @throws HoldfastError `usage`, `not-found`, `rollback` when "the latest" is asked for and the site hides newer ones
 */
export async function findSnapshot(access: RepositoryAccess, address: string): Promise<FoundSnapshot> {
  await assertRepository(access);
  const at = address.lastIndexOf('@');
  const [name, which] = at < 0 ? [address, 'latest'] : [address.slice(0, at), address.slice(at + 1)];
  const source = await openSource(access, name, { partly: true }).catch((error) => notOneSource(access, name, error));
  const listing = await listSnapshots(access, source);
  warnOfIgnored(access.emit, name, listing.ignored);
  if (listing.rollback) reportRollback(access, name, listing.rollback, which === 'latest');
  else if (!listing.freshnessKnown) {
    access.emit({
      type: 'note',
      source: name,
      text: `This machine sees ${name} for the first time: it cannot tell whether the site shows the newest snapshot.`,
    });
  }
  const { snapshots } = listing;
  assertNotSealed(source, listing, which);
  const snapshot = which === 'latest' ? snapshots.at(-1) : byDateOrId(snapshots, name, which);
  if (!snapshot) {
    throw new HoldfastError('not-found', `There is no snapshot ${address}.`, {
      why:
        snapshots.length === 0 ? 'The site shows none of this source.' : `The site shows ${snapshots.length} others.`,
      hint: `See them: holdfast snapshots ${name}`,
    });
  }
  return { source, snapshot };
}

/**
 * What was asked for may be among those that no key at hand opens; then an older one is no answer.
 *
 * @throws HoldfastError `wrong-key`
 */
function assertNotSealed(source: OpenedSource, { sealed }: SnapshotListing, which: string): void {
  const closed = closedGenerations(source);
  const isNewest = closed.includes(source.record.generations.length);
  const isMeant = sealed.some((id) => /^[0-9a-f]{4,64}$/.test(which) && id.startsWith(which));
  if (sealed.length === 0 || !(isMeant || (isNewest && which === 'latest'))) return;
  const who = source.record.generations.at(-1)!.keys.map(({ party }) => party);
  throw new HoldfastError(
    'wrong-key',
    `No key at hand opens ${isMeant ? 'this snapshot' : 'the newest snapshots'} of ${source.name}.`,
    {
      why: `The site has ${sealed.length} that are sealed to a later generation of its keys. Its parties: ${who.join(', ')}.`,
      hint: `Give the identity file of one of them: --identity FILE. Those that open: holdfast snapshots ${source.name}`,
    },
  );
}

/** A whole cluster is no source; its databases are. */
async function notOneSource(access: RepositoryAccess, name: string, error: unknown): Promise<never> {
  if (!isHoldfastError(error, 'not-found') || clusterOf(name) !== undefined) throw error;
  const { names, closed } = await clusterRoster(access, name);
  if (names.length + closed.length === 0) throw error;
  const few = names.slice(0, 5).join(', ');
  throw new HoldfastError('not-found', `"${name}" is a whole cluster, and no single source.`, {
    why: `Each of its databases is one: ${few}${names.length > 5 ? ` and ${names.length - 5} more` : ''}.`,
    hint: `Name one of them; all are listed by: holdfast snapshots ${name}`,
    cause: error,
  });
}

/** @param which what follows the `@` of an address, other than `latest` @throws HoldfastError `usage` */
export function byDateOrId(snapshots: KnownSnapshot[], name: string, which: string): KnownSnapshot | undefined {
  if (datePattern.test(which)) {
    return snapshots.findLast(({ time }) => (which.length === 10 ? time.slice(0, 10) === which : time <= which));
  }
  if (!/^[0-9a-f]{4,64}$/.test(which)) {
    throw new HoldfastError('usage', `"${which}" names no snapshot of ${name}.`, {
      why: 'It is neither `latest`, nor a date, nor at least four characters of an id.',
      hint: `See them: holdfast snapshots ${name}`,
    });
  }
  const found = snapshots.filter(({ id }) => id.startsWith(which));
  if (found.length > 1) {
    throw new HoldfastError('usage', `Several snapshots of ${name} begin with ${which}.`, {
      hint: 'Give more of the id.',
    });
  }
  return found[0];
}

function reportRollback(
  access: RepositoryAccess,
  name: string,
  { known, shown }: NonNullable<SnapshotListing['rollback']>,
  refuse: boolean,
): void {
  const text = `The site "${access.site.name}" shows an older state of ${name} than this machine has seen.`;
  const why = `Known: number ${known.sequence} of ${known.time}; shown: ${shown ? `number ${shown.sequence} of ${shown.time}` : 'none'}.`;
  if (refuse) {
    throw new HoldfastError('rollback', text, {
      why,
      hint: 'Restore from another site; or name the snapshot by its id to take what is there.',
    });
  }
  access.emit({ type: 'warning', source: name, text: `${text} ${why}` });
}
