/**
 * What may be removed from one site: rule 7 of the design. A snapshot goes once its tombstone is older than the grace
 * period; a pack when only such snapshots need it, or none, and it has been known for the grace period. Until then a
 * writer that is under way may still rely on it, so that no lock is needed. A site that lists no live snapshot keeps the
 * dropped ones that it lists.
 */

export interface SweepInput {
  /** Milliseconds since 1970. */
  now: number;
  graceMs: number;
  /** Every snapshot that any reachable site lists, dropped ones too. */
  snapshots: Iterable<SweepSnapshot>;
  /** What a snapshot needs at this site; default: the packs that it names. */
  needsOf?: (snapshot: SweepSnapshot) => { packs: Iterable<string>; indexes: Iterable<string> };
  /** Packs that were compacted → when, milliseconds since 1970. */
  replaced?: ReadonlyMap<string, number>;
  /** Id of a snapshot → when it was dropped, milliseconds since 1970. */
  dropped: ReadonlyMap<string, number>;
  /** Packs that index objects describe → the newest such object's time, milliseconds since 1970. */
  indexed: ReadonlyMap<string, number>;
  /** Packs → when this machine first saw that nothing needs them, milliseconds since 1970. */
  seenUnneeded: ReadonlyMap<string, number>;
  /** What the site lists. */
  site: {
    snapshots: ReadonlySet<string>;
    /** Name → bytes. */
    packs: ReadonlyMap<string, number>;
    indexes: Iterable<SweepIndex>;
  };
}

export interface SweepSnapshot {
  id: string;
  packs: readonly string[];
}

export interface SweepIndex {
  id: string;
  packs: readonly string[];
}

export interface SweepPlan {
  /** In the order of removal: snapshots, so that none is ever without its packs; then index objects; then packs. */
  snapshots: string[];
  indexes: string[];
  packs: string[];
  /** Bytes of `packs`. */
  bytes: number;
  /** Dropped snapshots that stay for now → when they may go, milliseconds since 1970. */
  waiting: Map<string, number>;
  /** Packs that nothing needs and that stay for now → since when this machine knows. To be remembered. */
  unneeded: Map<string, number>;
}

/** Pure: the same input gives the same plan. */
export function planSweep(input: SweepInput): SweepPlan {
  const { now, graceMs, dropped, indexed, seenUnneeded, site, replaced = new Map<string, number>() } = input;
  const needsOf = input.needsOf ?? (({ packs }: SweepSnapshot) => ({ packs, indexes: [] }));
  const isOver = (since: number) => now - since > graceMs;
  const needed = new Set<string>();
  const neededIndexes = new Set<string>();
  const released = new Set<string>();
  const plan: SweepPlan = { snapshots: [], indexes: [], packs: [], bytes: 0, waiting: new Map(), unneeded: new Map() };
  const snapshots = [...input.snapshots];
  // One that was away has missed what was made meanwhile: until sync brings that, what it has is all that it can restore.
  const hasLive = snapshots.some(({ id }) => site.snapshots.has(id) && !dropped.has(id));
  for (const snapshot of snapshots) {
    const { id, packs } = snapshot;
    const since = dropped.get(id);
    const isLast = !hasLive && site.snapshots.has(id);
    if (since !== undefined && isOver(since) && !isLast) {
      if (site.snapshots.has(id)) plan.snapshots.push(id);
      for (const pack of packs) released.add(pack);
      continue;
    }
    if (since !== undefined && !isOver(since)) plan.waiting.set(id, since + graceMs);
    const needs = needsOf(snapshot);
    for (const pack of needs.packs) needed.add(pack);
    for (const index of needs.indexes) neededIndexes.add(index);
  }
  const going = new Set<string>();
  for (const [pack, size] of site.packs) {
    if (needed.has(pack)) continue;
    // Nobody refers to what only dropped snapshots need; other packs may be those of a backup that goes on right now. And a
    // young index object may have made somebody rely on a pack, whatever its age; one that was compacted is relied on by
    // whoever began before that.
    const since = released.has(pack) && !replaced.has(pack) ? 0 : (seenUnneeded.get(pack) ?? now);
    if (isOver(Math.max(since, indexed.get(pack) ?? 0, replaced.get(pack) ?? 0))) {
      going.add(pack);
      plan.bytes += size;
    } else {
      plan.unneeded.set(pack, seenUnneeded.get(pack) ?? now);
    }
  }
  plan.packs = [...going];
  for (const { id, packs } of site.indexes) {
    // By it the packs are found that took the place of others, also where those have been replaced in their turn.
    if (neededIndexes.has(id)) continue;
    if (packs.every((pack) => going.has(pack) || !site.packs.has(pack))) plan.indexes.push(id);
  }
  return plan;
}
