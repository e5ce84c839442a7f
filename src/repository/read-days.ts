/**
 * On which day this machine last read each pack at each site, so that `check --read-data oldest/N` reads the oldest ones
 * first and `status` can tell how old the oldest reading is. Losing it only costs readings.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { type LocalState, writeDurably } from './local-state.ts';

const dayMs = 86_400_000;
const magic = Buffer.from('HFREAD1\n');
/** The first 128 bits of the pack's name, the day, and whether it was ever read: 2.5 MB for a terabyte of packs. */
const nameLength = 16;
const entryLength = nameLength + 3;

export interface ReadDay {
  /** Days since 1970: of the last reading, or of when the pack was first seen. */
  day: number;
  read: boolean;
}

export interface OldestReading {
  site: string;
  /** Whole days since the pack that was read longest ago was read; of one never read, since it was first seen. */
  days: number;
  packs: number;
  neverRead: number;
}

/** Whole days since 1970. @param now milliseconds since 1970 */
export function dayOf(now: number): number {
  return Math.max(0, Math.floor(now / dayMs));
}

/** Days of one source at one site, in memory until `save`. */
export class ReadDays {
  readonly #path: string;
  readonly #days: Map<string, ReadDay>;

  private constructor(path: string, days: Map<string, ReadDay>) {
    this.#path = path;
    this.#days = days;
  }

  static async open(state: LocalState, sourceId: string, site: string): Promise<ReadDays> {
    const path = pathOf(state, sourceId, site);
    return new ReadDays(path, await load(path));
  }

  /** Brings it up to what there is: new packs are seen today, packs that are gone are forgotten. */
  keep(packs: Iterable<string>, today: number): void {
    const present = new Set<string>();
    for (const pack of packs) {
      const key = keyOf(pack);
      present.add(key);
      if (!this.#days.has(key)) this.#days.set(key, { day: today, read: false });
    }
    for (const key of this.#days.keys()) if (!present.has(key)) this.#days.delete(key);
  }

  /** Every byte of the pack was read, and was right. */
  mark(pack: string, today: number): void {
    this.#days.set(keyOf(pack), { day: today, read: true });
  }

  /** The packs in the order in which they are to be read: the oldest first, before others of its day one never read. */
  oldestFirst(packs: Iterable<string>): string[] {
    const never: ReadDay = { day: 0, read: false };
    const entries = Array.from(packs, (pack) => ({ pack, ...(this.#days.get(keyOf(pack)) ?? never) }));
    entries.sort((a, b) => a.day - b.day || Number(a.read) - Number(b.read) || (a.pack < b.pack ? -1 : 1));
    return entries.map(({ pack }) => pack);
  }

  oldest(site: string, today: number): OldestReading | undefined {
    if (this.#days.size === 0) return undefined;
    let oldest = Number.POSITIVE_INFINITY;
    let neverRead = 0;
    for (const { day, read } of this.#days.values()) {
      oldest = Math.min(oldest, day);
      if (!read) neverRead++;
    }
    return { site, days: Math.max(0, today - oldest), packs: this.#days.size, neverRead };
  }

  async save(): Promise<void> {
    const bytes = Buffer.alloc(magic.length + this.#days.size * entryLength);
    magic.copy(bytes);
    let at = magic.length;
    for (const [key, { day, read }] of this.#days) {
      bytes.write(key, at, 'latin1');
      bytes.writeUInt16LE(Math.min(day, 0xffff), at + nameLength);
      bytes[at + nameLength + 2] = read ? 1 : 0;
      at += entryLength;
    }
    await writeDurably(this.#path, bytes);
  }
}

/**
 * How long ago the bytes of a source that were read longest ago were read by this machine, at each of these sites of which
 * it knows anything. Asks no site.
 */
export async function oldestUnread(
  state: LocalState,
  sourceId: string,
  sites: readonly string[],
  now: number,
): Promise<OldestReading[]> {
  const found: OldestReading[] = [];
  for (const site of sites) {
    const oldest = (await ReadDays.open(state, sourceId, site)).oldest(site, dayOf(now));
    if (oldest) found.push(oldest);
  }
  return found;
}

/** A key of 16 bytes as a flat string of 16 characters. */
function keyOf(pack: string): string {
  return Buffer.from(pack.slice(0, nameLength * 2), 'hex').toString('latin1');
}

function pathOf(state: LocalState, sourceId: string, site: string): string {
  return join(state.directory, 'read', `${sourceId}-${site}.days`);
}

/** Damaged or of another version, it is as if it were lost: then packs count as never read. */
async function load(path: string): Promise<Map<string, ReadDay>> {
  const days = new Map<string, ReadDay>();
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return days;
    throw error;
  }
  if (!bytes.subarray(0, magic.length).equals(magic)) return days;
  for (let at = magic.length; at + entryLength <= bytes.length; at += entryLength) {
    const day = bytes.readUInt16LE(at + nameLength);
    days.set(bytes.toString('latin1', at, at + nameLength), { day, read: bytes[at + nameLength + 2] === 1 });
  }
  return days;
}
