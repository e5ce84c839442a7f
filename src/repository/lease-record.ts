/**
 * What a lease object says, before it is signed and after it was verified:
 *
 * `{"kind": "lease", "source", "lease": n, "holder": {"host", "process", "pid", "bootId", "startedAt"}, "what": "backup",
 * "claim": "<random>", "beat": n, "taken": time, "until": time, "released": bool}`
 */
import type { LeaseHolder } from './lease-holder.ts';

export interface LeaseRecord {
  /** Source id. */
  source: string;
  /** The number in the object's name, so that an old lease cannot be copied to a new name. */
  lease: number;
  holder: LeaseHolder;
  /** What the holder does: `backup`, `prune`. */
  what: string;
  /** Random, one for each lease taken, so that no two claimants ever write the same bytes. */
  claim: string;
  /** Rises with every heartbeat. */
  beat: number;
  /** When it was taken, by the holder's clock; ISO 8601. */
  taken: string;
  /** Until when the holder says it holds. Information for people: nobody's clock is trusted. */
  until: string;
  released: boolean;
}

/** The payload to sign. */
export function leasePayload(record: LeaseRecord): Record<string, unknown> {
  return { kind: 'lease', ...record };
}

/** The lease a verified payload describes, or undefined when it is another thing, of another source or number. */
export function leaseRecord(
  payload: Record<string, unknown> | undefined,
  source: string,
  lease: number,
): LeaseRecord | undefined {
  if (payload?.kind !== 'lease' || payload.source !== source || payload.lease !== lease) return undefined;
  const { holder, what, claim, beat, taken, until, released } = payload;
  if (typeof holder !== 'object' || holder === null) return undefined;
  const { host, process, pid, bootId, startedAt } = holder as Record<string, unknown>;
  if (!isText(host) || !isText(process) || !isText(bootId) || !isText(startedAt) || !isCount(pid)) return undefined;
  if (!isText(what) || !isText(claim) || !isText(taken) || !isText(until)) return undefined;
  if (!isCount(beat) || typeof released !== 'boolean') return undefined;
  const known = { host, process, pid, bootId, startedAt };
  return { source, lease, holder: known, what, claim, beat, taken, until, released };
}

/** Short, and safe on a terminal: these texts come up in errors. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 255 && !/\p{C}/u.test(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
