import { calendarIn, type PeriodKind, periodKinds } from './calendar.ts';

/** How many snapshots are kept: `last` the newest ones, the others the newest one of so many periods that have one. */
export type Keep = Readonly<Record<'last' | PeriodKind, number>>;

/** What retention must know of a snapshot. */
export interface RetainedSnapshot {
  id: string;
  /** Rises by one from snapshot to snapshot. */
  sequence: number;
  /** Signed time, ISO 8601. */
  time: string;
}

/** Why a snapshot is kept. */
export type KeepReason =
  /** It is the newest of a period, which is one of the newest that have a snapshot. */
  | { rule: PeriodKind; period: string }
  /** It is one of the newest. */
  | { rule: 'last' }
  /** The newest of a source is never removed. */
  | { rule: 'newest' }
  /** It is the newest one that a restore has proven. */
  | { rule: 'proven' }
  /** Somebody asked for it. */
  | { rule: 'pinned' };

export interface RetentionDecision<S extends RetainedSnapshot = RetainedSnapshot> {
  snapshot: S;
  /** Empty: it goes. */
  reasons: KeepReason[];
}

/** Why nothing may be removed at all. */
export interface RetentionPause {
  /**
   * `clock`: the clock of this machine cannot be right. `proof-failed`: the newest proof did. `unusual`: as unusualContent
   * says. `rollback`: the sites hide a snapshot.
   */
  because: 'clock' | 'proof-failed' | 'unusual' | 'rollback';
  /** In one sentence. */
  why: string;
}

export interface RetentionPlan<S extends RetainedSnapshot = RetainedSnapshot> {
  /** In the order of their sequence, the newest first. */
  decisions: RetentionDecision<S>[];
  /** Then `decisions` tells what would go, and nothing may. */
  pause?: RetentionPause;
}

export interface RetentionInput<S extends RetainedSnapshot = RetainedSnapshot> {
  /** The union of what all reachable sites show, each once; tombstoned ones left out. */
  snapshots: readonly S[];
  keep: Keep;
  /** Of the IANA database: where days begin. */
  timeZone: string;
  /** Milliseconds since 1970, by this machine's clock. */
  now: number;
  /** Ids of snapshots that stay whatever their age. */
  pinned: ReadonlySet<string>;
  /** Id of the newest snapshot that a verify has proven. */
  proven?: string | undefined;
  /** Found by others: a failed proof, unusual content. */
  pause?: RetentionPause | undefined;
}

/** A clock may be behind the one that signed by so much: machines drift. */
const driftMs = 60_000;

/**
 * Decides what is kept. Pure: the same input always gives the same plan.
 *
 * A period is counted when it has a snapshot, so that a month without runs shortens nothing: what was kept before it
 * stays until as many newer periods have one. A monthly snapshot is the newest daily one of its month.
 */
export function planRetention<S extends RetainedSnapshot>(input: RetentionInput<S>): RetentionPlan<S> {
  const periodsOf = calendarIn(input.timeZone);
  const newestFirst = [...input.snapshots].sort(
    (a, b) => b.sequence - a.sequence || (a.time < b.time ? 1 : a.time > b.time ? -1 : a.id < b.id ? 1 : -1),
  );
  const seen = Object.fromEntries(periodKinds.map((kind) => [kind, new Set<string>()])) as Record<
    PeriodKind,
    Set<string>
  >;
  const decisions = newestFirst.map((snapshot, at): RetentionDecision<S> => {
    const reasons: KeepReason[] = [];
    if (at === 0) reasons.push({ rule: 'newest' });
    if (snapshot.id === input.proven) reasons.push({ rule: 'proven' });
    if (input.pinned.has(snapshot.id)) reasons.push({ rule: 'pinned' });
    if (at < input.keep.last) reasons.push({ rule: 'last' });
    const periods = periodsOf(Date.parse(snapshot.time));
    for (const rule of periodKinds) {
      const period = periods[rule];
      if (seen[rule].has(period) || seen[rule].size >= input.keep[rule]) continue;
      seen[rule].add(period);
      reasons.push({ rule, period });
    }
    return { snapshot, reasons };
  });
  const pause = clockDoubt(newestFirst, input.now) ?? input.pause;
  return { decisions, ...(pause && { pause }) };
}

/**
 * A clock that is behind would keep too much, which is harmless; but one that jumps is not to be trusted with removing
 * anything. And a snapshot of the future may have been signed to push others out.
 */
function clockDoubt(snapshots: readonly RetainedSnapshot[], now: number): RetentionPause | undefined {
  const latest = Math.max(...snapshots.map(({ time }) => Date.parse(time)));
  if (!(latest > now + driftMs)) return undefined;
  const [signed, here] = [new Date(latest).toISOString(), new Date(now).toISOString()];
  return { because: 'clock', why: `A snapshot was signed at ${signed}, and the clock of this machine says ${here}.` };
}

/** What is compared from snapshot to snapshot. */
export interface ContentFigures {
  /** Figures of the summary: `rows`, `files`, `bytes`. */
  totals: Readonly<Record<string, number>>;
}

const usualCount = 7;
const figures = ['rows', 'files', 'bytes'] as const;

/**
 * Whether the newest snapshot holds far less than the ones before it: an attacker who empties or encrypts the source
 * leaves snapshots that restore and verify perfectly, and retention would let them push out the good ones.
 *
 * @param newestFirst the snapshots of a source
 * @param least share of the median of the former ones below which a figure is unusual; 0 turns it off
 */
export function unusualContent(newestFirst: readonly ContentFigures[], least = 0.5): RetentionPause | undefined {
  const [newest, ...former] = newestFirst;
  if (!newest || former.length < usualCount) return undefined;
  for (const figure of figures) {
    const values = former
      .slice(0, usualCount)
      .flatMap(({ totals }) => totals[figure] ?? [])
      .sort((a, b) => a - b);
    const usual = values[Math.floor(values.length / 2)];
    const found = newest.totals[figure];
    if (usual === undefined || found === undefined || values.length < usualCount) continue;
    if (found < usual * least) {
      const why = `The newest snapshot has ${found} ${figure}; the ${usualCount} before it had ${usual} (median).`;
      return { because: 'unusual', why };
    }
  }
  return undefined;
}
