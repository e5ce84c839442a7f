/**
 * A lease says who works on a source, so that no two do the same work. Safety never depends on it.
 *
 * Leases are numbered objects; the highest number counts. A claimant takes the next number by a conditional create,
 * once the highest is marked released, or its process is seen to be dead on this machine, or its bytes have not changed
 * for one TTL on the claimant's own monotonic clock. A holder rewrites its object four times in a TTL. What a lease
 * says about times is for people; whatever nobody trusted has signed counts as held by somebody unknown.
 *
 * Nobody ever needs to unlock: a lease that is left behind is taken over, and removing old ones is a courtesy.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as timeout } from 'node:timers/promises';
import { type Clock, isoTime, systemClock } from '../base/clock.ts';
import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import { formatDuration } from '../base/units.ts';
import type { Site } from '../sites/site.ts';
import type { LeaseHolder } from './lease-holder.ts';
import { type LeaseRecord, leasePayload, leaseRecord } from './lease-record.ts';

export type { LeaseHolder } from './lease-holder.ts';

/** How long a lease outlives its last heartbeat, unless the caller says otherwise. */
export const defaultLeaseTtlMs = 60_000;
/** Heartbeats in a TTL: three may be lost. */
const beatsPerTtl = 4;
/** Looks at a silent lease in a TTL, and heartbeats while they fail. */
const looksPerTtl = 12;
/** Times that the highest lease may vanish between listing and reading it. */
const attempts = 10;

export interface LeaseSettings {
  /** The arbiter: all who may work on the source use the same one. */
  site: Site;
  /** Source id. */
  source: string;
  /** `sources/<source id>/leases/` */
  prefix: string;
  holder: LeaseHolder;
  /** The same for all who use the prefix: milliseconds without a heartbeat after which another may take over. */
  ttlMs: number;
  clock: Clock;
  /** The object to store for a payload. */
  sign(payload: Record<string, unknown>): Uint8Array;
  /** The payload, or undefined when the bytes are not signed by a trusted host. Must not throw. */
  verify(bytes: Uint8Array): Record<string, unknown> | undefined;
  /** Whether a holder's process runs; undefined when it cannot be told. Asked about holders on this machine alone. */
  isAlive?(holder: LeaseHolder): boolean | undefined;
  /** What the lease is for: `backup`, `prune`. Shown to whoever finds it held. */
  what: string;
  /** Ends the waiting for a silent holder, with its reason. */
  signal?: AbortSignal;
}

export interface Lease extends AsyncDisposable {
  /** Where it lies. */
  readonly site: Site;
  readonly number: number;
  /**
   * False, for good, once another has taken over, or no heartbeat could be written for a TTL, or it was released. What
   * another did is noticed with the next heartbeat; ask `assertHeld` where it matters now.
   */
  readonly held: boolean;
  /**
   * Looks at the site.
   *
   * @throws HoldfastError `lease-held` when the lease is lost, or whatever keeps the site from being asked
   */
  assertHeld(): Promise<void>;
  /**
   * Lets the next one begin at once. Needs no right to delete, may be called again, and never fails: if the site cannot
   * be reached the next one waits a TTL.
   */
  release(): Promise<void>;
}

/**
 * Takes the lease of a source. Waits up to one TTL when a holder on another machine, or an unknown one, is silent.
 *
 * @throws HoldfastError `lease-held` when somebody else works on the source, and what the site throws
 */
export async function takeLease(settings: LeaseSettings): Promise<Lease> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const numbers = await leaseNumbers(settings);
    const highest = numbers.at(-1) ?? 0;
    if (highest === 0 || (await becomesFree(settings, highest))) return claim(settings, highest + 1, numbers);
    // It has been removed, so there is a higher one.
  }
  throw heldBy(undefined, settings);
}

/** True when the lease may be succeeded, false when it is no longer there. @throws `lease-held` */
async function becomesFree(settings: LeaseSettings, number: number): Promise<boolean> {
  const { clock, ttlMs } = settings;
  const first = await readLease(settings, number);
  if (first === undefined) return false;
  const record = recordOf(settings, number, first);
  if (isFree(settings, record)) return true;
  if (isHeldHere(settings, record)) throw heldBy(record, settings);
  const seen = clock.monotonic();
  for (;;) {
    await clock.sleep(ttlMs / looksPerTtl, settings.signal);
    // Taken before the answer: the holder may have been silent for less than until the answer came.
    const asked = clock.monotonic();
    const bytes = await readLease(settings, number);
    if (bytes === undefined) return false;
    if (!bytes.equals(first)) {
      const later = recordOf(settings, number, bytes);
      if (later?.released) return true;
      throw heldBy(later, settings);
    }
    if (asked - seen >= ttlMs) return true;
  }
}

function isFree(settings: LeaseSettings, record: LeaseRecord | undefined): boolean {
  if (record === undefined) return false;
  if (record.released) return true;
  return record.holder.bootId === settings.holder.bootId && settings.isAlive?.(record.holder) === false;
}

/**
 * Whether a process of this machine, which shares its clock, still runs and beats in time: no need to wait for its next
 * beat. One that is suspended is waited for like any other.
 */
function isHeldHere({ holder, isAlive, clock, ttlMs }: LeaseSettings, record: LeaseRecord | undefined): boolean {
  if (record === undefined || record.holder.bootId !== holder.bootId) return false;
  const until = Date.parse(record.until);
  const now = clock.now();
  // The upper bound is for a clock that was set back: then the stated end means nothing.
  return isAlive?.(record.holder) === true && until > now && until <= now + ttlMs;
}

async function claim(settings: LeaseSettings, number: number, older: readonly number[]): Promise<Lease> {
  const lease = new HeldLease(settings, number);
  if (!(await lease.create())) throw heldBy(await highestRecord(settings), settings);
  try {
    // Others may have come and gone since we looked, and our number may be one that they have removed again.
    if (await lease.isOvertaken()) throw heldBy(await highestRecord(settings), settings);
  } catch (error) {
    await lease.release();
    throw error;
  }
  lease.startHeartbeat();
  // Whoever may not delete leaves them: they are small, and somebody who may will come by.
  await Promise.all(older.map((old) => settings.site.remove(nameOf(settings, old)).catch(() => {})));
  return lease;
}

class HeldLease implements Lease {
  readonly site: Site;
  readonly number: number;
  readonly #settings: LeaseSettings;
  readonly #record: LeaseRecord;
  /** Monotonic time before the last rewrite that succeeded: nobody can have seen it earlier. */
  #written: number;
  #overtaken = false;
  #lost = false;
  #releasing: Promise<void> | undefined;
  #heartbeat: Promise<void> = Promise.resolve();
  readonly #ended = new AbortController();

  constructor(settings: LeaseSettings, number: number) {
    this.number = number;
    this.site = settings.site;
    this.#settings = settings;
    this.#written = settings.clock.monotonic();
    const { source, holder, what, clock } = settings;
    this.#record = {
      source,
      lease: number,
      holder,
      what,
      claim: randomBytes(16).toString('hex'),
      beat: 0,
      taken: isoTime(clock.now()),
      until: '',
      released: false,
    };
  }

  get held(): boolean {
    if (this.#settings.clock.monotonic() - this.#written >= this.#settings.ttlMs) this.#lost = true;
    return !this.#lost && !this.#overtaken && this.#releasing === undefined;
  }

  /** Whether the number is ours now. */
  async create(): Promise<boolean> {
    const name = nameOf(this.#settings, this.number);
    const bytes = this.#bytes();
    if ((await this.#settings.site.create(name, bytes)) === 'created') return true;
    // A create that was made but whose answer was lost, and tried again, finds itself.
    return (await readLease(this.#settings, this.number))?.equals(bytes) === true;
  }

  async isOvertaken(): Promise<boolean> {
    const highest = (await leaseNumbers(this.#settings)).at(-1) ?? 0;
    if (highest > this.number) this.#overtaken = true;
    return this.#overtaken;
  }

  startHeartbeat(): void {
    this.#heartbeat = this.#keepBeating();
  }

  async assertHeld(): Promise<void> {
    if (this.held && !(await this.isOvertaken()) && this.held) return;
    const { what, ttlMs } = this.#settings;
    throw new HoldfastError('lease-held', `This ${what} no longer holds its lease on the source.`, {
      why: this.#overtaken
        ? describe(await highestRecord(this.#settings).catch(() => undefined))
        : this.#releasing
          ? 'It was released.'
          : `No heartbeat could be written for ${formatDuration(ttlMs)}, so another may begin.`,
      hint: `Start the ${what} again; it goes on from what is stored.`,
    });
  }

  release(): Promise<void> {
    this.#releasing ??= this.#release();
    return this.#releasing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #keepBeating(): Promise<void> {
    const { ttlMs } = this.#settings;
    const clock = unreferenced(this.#settings.clock);
    try {
      for (let pause = ttlMs / beatsPerTtl; ; ) {
        await clock.sleep(pause, this.#ended.signal);
        if (!this.held) return;
        // A failure is tried again sooner; when that goes on for too long, `held` says so.
        pause = await this.#beat().then(
          () => ttlMs / beatsPerTtl,
          () => ttlMs / looksPerTtl,
        );
      }
    } catch {
      // Ended.
    }
  }

  async #beat(): Promise<void> {
    if (await this.isOvertaken()) return;
    const begun = this.#settings.clock.monotonic();
    this.#record.beat++;
    await this.#settings.site.replace(nameOf(this.#settings, this.number), this.#bytes());
    this.#written = begun;
  }

  async #release(): Promise<void> {
    this.#ended.abort();
    // A beat under way must not overwrite the release.
    await this.#heartbeat;
    try {
      // Once overtaken it counts no more, and writing it might bring back what another has tidied away.
      if (await this.isOvertaken()) return await this.#settings.site.remove(nameOf(this.#settings, this.number));
      this.#record.beat++;
      this.#record.released = true;
      await this.#settings.site.replace(nameOf(this.#settings, this.number), this.#bytes());
    } catch {
      // Then it ends like any other: by a TTL without a heartbeat.
    }
  }

  #bytes(): Uint8Array {
    const { clock, ttlMs, sign } = this.#settings;
    this.#record.until = isoTime(clock.now() + (this.#record.released ? 0 : ttlMs));
    return sign.call(this.#settings, leasePayload(this.#record));
  }
}

/** Timers of a heartbeat must not keep a process alive. A clock set by a test has none. */
function unreferenced(clock: Clock): Clock {
  if (clock !== systemClock) return clock;
  return { ...clock, sleep: (ms, signal) => timeout(ms, undefined, { ref: false, signal }) };
}

function nameOf(settings: LeaseSettings, number: number): string {
  return settings.prefix + number;
}

/** Ascending. */
async function leaseNumbers(settings: LeaseSettings): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { name } of settings.site.list(settings.prefix)) {
    const text = name.slice(settings.prefix.length);
    if (/^[1-9]\d{0,14}$/.test(text)) numbers.push(Number(text));
  }
  return numbers.sort((a, b) => a - b);
}

async function readLease(settings: LeaseSettings, number: number): Promise<Buffer | undefined> {
  try {
    return await settings.site.read(nameOf(settings, number));
  } catch (error) {
    if (isHoldfastError(error, 'object-missing')) return undefined;
    throw error;
  }
}

function recordOf(settings: LeaseSettings, number: number, bytes: Buffer): LeaseRecord | undefined {
  return leaseRecord(settings.verify(bytes), settings.source, number);
}

async function highestRecord(settings: LeaseSettings): Promise<LeaseRecord | undefined> {
  const highest = (await leaseNumbers(settings)).at(-1);
  if (highest === undefined) return undefined;
  const bytes = await readLease(settings, highest);
  return bytes === undefined ? undefined : recordOf(settings, highest, bytes);
}

function heldBy(record: LeaseRecord | undefined, settings: LeaseSettings): HoldfastError {
  const who = record ? `: ${record.what} on ${record.holder.host}, process ${record.holder.pid}` : '';
  return new HoldfastError('lease-held', `Somebody else works on this source${who}.`, {
    why: describe(record),
    hint: `Try again when it is done. If it died, its lease ends by itself, ${formatDuration(settings.ttlMs)} after its last sign of life.`,
  });
}

function describe(record: LeaseRecord | undefined): string {
  if (!record) return 'Its lease is not signed by a host that this configuration trusts.';
  const { lease, holder, what, taken, until } = record;
  return `Lease ${lease} was taken for ${what} by process ${holder.pid} on ${holder.host} at ${taken}, and holds until ${until} or longer.`;
}
