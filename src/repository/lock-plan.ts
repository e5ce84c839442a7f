import type { Site } from '../sites/site.ts';
import type { RepositoryAccess } from './access.ts';
import { lockDates } from './lock-periods.ts';
import { neededPacks, type Replacements } from './replacements.ts';
import { listedAt } from './replacements-load.ts';
import type { Keep, RetainedSnapshot } from './retention.ts';
import type { KnownSnapshot } from './snapshot.ts';
import type { OpenedSource } from './source-record.ts';

/** Without a policy the newest is what is kept. */
const newestOnly: Keep = { last: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
/** Stands for the snapshot that is being made. */
const comingId = 'coming';

/** What a source has, as far as locks depend on it. */
export interface SourceContent {
  /** Those that are not dropped, the oldest first. */
  snapshots: readonly KnownSnapshot[];
  /** Ids of those that are. */
  dropped: { has(id: string): boolean };
  replacements: Replacements;
  packsAt: ReadonlyMap<Site, ReadonlyMap<string, number>>;
  /** Index object → the packs it tells of. */
  indexes: ReadonlyMap<string, readonly string[]>;
  /** Ids of snapshots. */
  pinned: ReadonlySet<string>;
  proven: string | undefined;
}

export interface LockPlanInput {
  access: RepositoryAccess;
  source: OpenedSource;
  content: SourceContent;
  /** One with `locks`. */
  site: Site;
}

/** Until when a site locks what the coming snapshot needs, in milliseconds since 1970. */
export function comingLock(input: LockPlanInput): number {
  return datesAt(input).get(comingId)!;
}

/**
 * Until when a site must lock what the snapshots need, and the coming one.
 *
 * @param used packs of the coming snapshot
 * @param atLeast date for a snapshot, whether or not retention keeps it; undefined: retention decides
 * @returns name of an object → milliseconds since 1970
 */
export function neededLocks(
  input: LockPlanInput,
  used: readonly string[],
  atLeast: (snapshot: string) => number | undefined = () => undefined,
): Map<string, number> {
  const { layout } = input.source;
  const { snapshots, replacements, packsAt, indexes } = input.content;
  const dates = datesAt(input);
  const listed = listedAt(packsAt, input.site);
  const packs = new Map<string, number>();
  const needed = new Map<string, number>();
  for (const pack of used) raise(packs, pack, dates.get(comingId)!);
  for (const snapshot of snapshots) {
    const until = Math.max(dates.get(snapshot.id) ?? 0, atLeast(snapshot.id) ?? 0);
    if (until === 0) continue;
    raise(needed, layout.snapshots + snapshot.id, until);
    const needs = neededPacks(snapshot, replacements, listed, 'replacement');
    for (const pack of needs.packs) raise(packs, pack, until);
    for (const index of needs.indexes) raise(needed, layout.index + index, until);
  }
  for (const [id, about] of indexes) {
    const until = about.reduce((latest, pack) => Math.max(latest, packs.get(pack) ?? 0), 0);
    if (until > 0) raise(needed, layout.index + id, until);
  }
  for (const [pack, until] of packs) needed.set(layout.pack(pack), until);
  return needed;
}

/** Keeps the later date. */
export function raise(dates: Map<string, number>, name: string, until: number): void {
  if (until > (dates.get(name) ?? 0)) dates.set(name, until);
}

function datesAt({ access, source, content, site }: LockPlanInput): Map<string, number> {
  const { clock, retentionOf } = access;
  const { snapshots, pinned, proven } = content;
  const { keep, timeZone } = retentionOf?.(source.name) ?? { keep: newestOnly, timeZone: 'UTC' };
  const last = snapshots.at(-1);
  const now = clock.now();
  const coming: RetainedSnapshot = {
    id: comingId,
    sequence: (last?.sequence ?? 0) + 1,
    time: new Date(last ? Math.max(now, Date.parse(last.time) + 1) : now).toISOString(),
  };
  const { minimumMs } = site.locks!;
  return lockDates({ snapshots: [...snapshots, coming], keep, timeZone, now, pinned, proven, minimumMs });
}
