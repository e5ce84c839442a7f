import type { Site } from '../sites/site.ts';
import type { RepositoryAccess } from './access.ts';
import { LocalState } from './local-state.ts';
import { LockMemory } from './lock-memory.ts';
import type { NamedPacks, Needs } from './replacements.ts';
import type { RunSites } from './run-sites.ts';
import type { OpenedSource } from './source-record.ts';
import type { SweepPlan } from './sweep-plan.ts';

/** What may go by retention, and is locked for now. */
export interface LockedObjects {
  snapshots: number;
  indexes: number;
  packs: number;
  /** Bytes of the packs. */
  bytes: number;
  /** When the first of them may go, and when the last, ISO 8601. */
  from: string;
  until: string;
}

export interface LockQuestion {
  site: Site;
  plan: SweepPlan;
  /** Of the site, name → bytes. */
  packs: ReadonlyMap<string, number>;
  /** Index objects → the packs they tell of. */
  indexes: ReadonlyMap<string, readonly string[]>;
  snapshots: ReadonlyMap<string, NamedPacks>;
  needsOf: (snapshot: NamedPacks) => Needs;
  /** Whether this machine remembers the dates that it is told. */
  remember: boolean;
}

const questionsUnderWay = 8;

/**
 * The part of a plan that can be done now: without what is locked, and what that needs. A snapshot that is locked keeps its
 * packs, and a pack the index objects that tell of it.
 *
 * @throws HoldfastError `site-unavailable`
 */
export async function withoutLocked(
  access: RepositoryAccess,
  sites: RunSites,
  source: OpenedSource,
  { site, plan, packs, indexes, snapshots, needsOf, remember }: LockQuestion,
): Promise<{ plan: SweepPlan; locked?: LockedObjects }> {
  if (!site.locks || !site.lockedUntil) return { plan };
  const { layout } = source;
  const now = access.clock.now();
  const state = new LocalState(access.stateDirectory, access.trust.repositoryId);
  const memory = await LockMemory.open(state, layout.id, site.name);
  const dates = new Map<string, number>();
  const ask = async (name: string) => {
    const known = memory.until(name);
    const until = known > now ? known : ((await sites.within(site, site.lockedUntil!(name))) ?? 0);
    if (until <= now) return;
    dates.set(name, until);
    memory.set(name, until);
  };
  const next = [
    ...plan.snapshots.map((id) => layout.snapshots + id),
    ...plan.indexes.map((id) => layout.index + id),
    ...plan.packs.map((pack) => layout.pack(pack)),
  ].values();
  const work = async () => {
    for (const name of next) {
      access.signal.throwIfAborted();
      await ask(name);
    }
  };
  await Promise.all(Array.from({ length: questionsUnderWay }, work));
  if (remember) await memory.save(now);
  if (dates.size === 0) return { plan };

  /** Packs and index objects that stay with something that is locked → until when. */
  const kept = new Map<string, number>();
  const keep = (name: string, until: number) => kept.set(name, Math.max(kept.get(name) ?? 0, until));
  for (const id of plan.snapshots) {
    const until = dates.get(layout.snapshots + id);
    const snapshot = snapshots.get(id);
    if (until === undefined || !snapshot) continue;
    const needs = needsOf(snapshot);
    for (const pack of needs.packs) keep(layout.pack(pack), until);
    for (const index of needs.indexes) keep(layout.index + index, until);
  }
  const untilOf = (name: string) => Math.max(dates.get(name) ?? 0, kept.get(name) ?? 0);
  for (const id of plan.indexes) {
    for (const pack of indexes.get(id) ?? []) {
      const until = packs.has(pack) ? untilOf(layout.pack(pack)) : 0;
      if (until > 0) keep(layout.index + id, until);
    }
  }
  const isFree = (name: string) => untilOf(name) === 0;
  const stays = <Of>(all: readonly Of[], nameOf: (one: Of) => string) => all.filter((one) => !isFree(nameOf(one)));
  const staying = {
    snapshots: stays(plan.snapshots, (id) => layout.snapshots + id),
    indexes: stays(plan.indexes, (id) => layout.index + id),
    packs: stays(plan.packs, (pack) => layout.pack(pack)),
  };
  const bytes = staying.packs.reduce((sum, pack) => sum + (packs.get(pack) ?? 0), 0);
  const untils = [
    ...staying.snapshots.map((id) => untilOf(layout.snapshots + id)),
    ...staying.indexes.map((id) => untilOf(layout.index + id)),
    ...staying.packs.map((pack) => untilOf(layout.pack(pack))),
  ];
  const earliest = untils.reduce((a, b) => Math.min(a, b));
  const latest = untils.reduce((a, b) => Math.max(a, b));
  return {
    plan: {
      ...plan,
      snapshots: plan.snapshots.filter((id) => isFree(layout.snapshots + id)),
      indexes: plan.indexes.filter((id) => isFree(layout.index + id)),
      packs: plan.packs.filter((pack) => isFree(layout.pack(pack))),
      bytes: plan.bytes - bytes,
      // They have waited: once the lock is over they go, whatever becomes of the snapshots that let them go.
      unneeded: new Map([...plan.unneeded, ...staying.packs.map((pack) => [pack, 0] as const)]),
    },
    locked: {
      snapshots: staying.snapshots.length,
      indexes: staying.indexes.length,
      packs: staying.packs.length,
      bytes,
      from: dateOf(earliest),
      until: dateOf(latest),
    },
  };
}

/** Of a legal hold there is no date; the last one that can be written stands for it. */
function dateOf(ms: number): string {
  return new Date(Math.min(ms, 8.64e15)).toISOString();
}
