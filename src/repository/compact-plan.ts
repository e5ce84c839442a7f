/** Which packs are worth rewriting. Pure: the same input gives the same plan. */

export interface PackLife {
  pack: string;
  /** Bytes of the object. */
  size: number;
  /** Bytes of its frames, and of those that a snapshot still refers to. */
  frames: number;
  live: number;
  /** Place in the order of rewriting: neighbours end up in the same packs. */
  order: number;
}

export interface CompactPlan {
  /** Packs whose places are taken together, by one index object. */
  groups: PackLife[][];
  /** Over all packs: how many, bytes of the objects, bytes of frames that no snapshot refers to. */
  packs: number;
  bytes: number;
  deadBytes: number;
  /** Over those that are rewritten: how many, bytes of the objects that go, bytes of frames that are written anew. */
  rewrite: { packs: number; bytes: number; liveBytes: number };
}

/**
 * Every pack of which a larger share than `deadShare` is dead is rewritten: so after a compaction no larger share of the
 * whole is dead.
 *
 * @param options.deadShare from 0 to 1: of the bytes of a pack's frames
 * @param options.groupBytes live bytes after which a group ends. The larger, the fewer index objects; the smaller, the less
 *   does a snapshot need that it does not refer to
 */
export function planCompaction(
  packs: Iterable<PackLife>,
  options: { deadShare: number; groupBytes: number },
): CompactPlan {
  const plan: CompactPlan = {
    groups: [],
    packs: 0,
    bytes: 0,
    deadBytes: 0,
    rewrite: { packs: 0, bytes: 0, liveBytes: 0 },
  };
  const chosen: PackLife[] = [];
  for (const pack of packs) {
    plan.packs++;
    plan.bytes += pack.size;
    plan.deadBytes += pack.frames - pack.live;
    if (pack.frames - pack.live > options.deadShare * pack.frames) chosen.push(pack);
  }
  chosen.sort((a, b) => a.order - b.order || (a.pack < b.pack ? -1 : 1));
  let group: PackLife[] = [];
  let live = 0;
  for (const pack of chosen) {
    plan.rewrite.packs++;
    plan.rewrite.bytes += pack.size;
    plan.rewrite.liveBytes += pack.live;
    group.push(pack);
    live += pack.live;
    if (live < options.groupBytes) continue;
    plan.groups.push(group);
    [group, live] = [[], 0];
  }
  if (group.length > 0) plan.groups.push(group);
  return plan;
}
