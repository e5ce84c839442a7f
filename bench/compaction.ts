/**
 * What a year of daily backups weighs, with and without compaction: a table whose rows change, cut and packed on simulated
 * days with the chunker, the frames and the plans of the product (retention, sweep, compaction), in memory. Sizes are scaled
 * down: the table is small, and so are the packs.
 *
 *     node bench/compaction.ts [--megabytes 16] [--days 365] [--share 0.01] [--pattern scattered|mixed|recent]
 *
 * `recent`: all changes are in the newest tenth of the rows; `mixed`: nine tenths of them are.
 */
import { parseArgs } from 'node:util';
import { incompressible, Random } from '../src/jobs/demo/random.ts';
import { Chunker, gearTable } from '../src/repository/chunker.ts';
import { type PackLife, planCompaction } from '../src/repository/compact-plan.ts';
import { padme } from '../src/repository/directory.ts';
import { chunkId, makeFrame } from '../src/repository/frame.ts';
import { chunkSizes, graceMs } from '../src/repository/parameters.ts';
import { planRetention } from '../src/repository/retention.ts';
import { table } from './table.ts';

const { values: flags } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '16' },
    days: { type: 'string', default: '365' },
    share: { type: 'string', default: '0.01' },
    pattern: { type: 'string', default: 'scattered' },
  },
});
const days = Number(flags.days);
const share = Number(flags.share);
const dayMs = 86_400_000;
const keep = { last: 0, daily: 30, weekly: 0, monthly: 12, yearly: 0 };
const begin = Date.parse('2025-01-01T04:00:00Z');
/** A pack holds 1 MiB here, so that there are as many for the size of the table as there would be of a large one. */
const packSize = 1024 * 1024;
const rowBytes = 300;
const directoryEntry = 40;

/** Rows of which half compresses well, as text does. */
function row(number: number, version: number): Buffer {
  const key = `${number}/${version}`;
  const text = `${number}\t${'customer invoice paid 2025-01-01 '.repeat(4)}\t${version}\t`;
  const noise = incompressible(key, 80)
    .toString('hex')
    .slice(0, rowBytes - text.length - 1);
  return Buffer.from(`${text}${noise}`.padEnd(rowBytes - 1, 'x').concat('\n'));
}

interface Frame {
  id: string;
  length: number;
}
interface Pack {
  name: string;
  frames: Frame[];
  /** The day it was written, and since when nothing needs it. */
  day: number;
  unneededSince?: number;
}
interface Snapshot {
  id: string;
  sequence: number;
  time: string;
  chunks: string[];
  droppedOn?: number;
}

class Repository {
  readonly deadShare: number;
  /** Every so many days. */
  readonly every: number;
  packs: Pack[] = [];
  snapshots: Snapshot[] = [];
  rewritten = 0;
  /** Where a writer finds a chunk: not in packs that were replaced. */
  readonly #where = new Map<string, Pack>();
  readonly #replaced = new Set<Pack>();
  #number = 0;

  constructor(deadShare: number, every: number) {
    this.deadShare = deadShare;
    this.every = every;
  }

  backUp(day: number, chunks: Frame[]): void {
    this.#pack(day, chunks);
    const time = new Date(begin + day * dayMs).toISOString();
    this.snapshots.push({ id: `s${day}`, sequence: day + 1, time, chunks: chunks.map(({ id }) => id) });
  }

  #pack(day: number, frames: Iterable<Frame>): void {
    let pack: Pack | undefined;
    let size = 0;
    for (const frame of frames) {
      if (this.#where.has(frame.id) && !this.#replaced.has(this.#where.get(frame.id)!)) continue;
      if (pack === undefined || size >= packSize) {
        pack = { name: `p${this.#number++}`, frames: [], day };
        this.packs.push(pack);
        size = 0;
      }
      pack.frames.push(frame);
      size += frame.length;
      this.#where.set(frame.id, pack);
    }
  }

  /** What a daily prune does: drop, wait for the grace period, remove. */
  prune(day: number): void {
    const now = begin + day * dayMs + 1;
    const shown = this.snapshots.filter(({ droppedOn }) => droppedOn === undefined);
    const plan = planRetention({ snapshots: shown, keep, timeZone: 'UTC', now, pinned: new Set() } as never);
    for (const { snapshot, reasons } of plan.decisions as { snapshot: Snapshot; reasons: unknown[] }[]) {
      if (reasons.length === 0) snapshot.droppedOn = day;
    }
    const grace = graceMs / dayMs;
    this.snapshots = this.snapshots.filter(({ droppedOn }) => droppedOn === undefined || day - droppedOn <= grace);
    const needed = new Set(this.snapshots.flatMap(({ chunks }) => chunks));
    this.packs = this.packs.filter((pack) => {
      const isNeeded = !this.#replaced.has(pack) && pack.frames.some(({ id }) => needed.has(id));
      if (isNeeded) delete pack.unneededSince;
      else pack.unneededSince ??= day;
      const goes =
        pack.unneededSince !== undefined && day - pack.unneededSince > (this.#replaced.has(pack) ? grace : 0);
      if (goes) for (const { id } of pack.frames) if (this.#where.get(id) === pack) this.#where.delete(id);
      return !goes;
    });
  }

  compact(day: number): void {
    if (day % this.every !== this.every - 1) return;
    const live = this.live();
    const lives = new Map<string, { pack: Pack; life: PackLife }>();
    for (const pack of this.packs) {
      if (this.#replaced.has(pack)) continue;
      const sum = (frames: Frame[]) => frames.reduce((total, { length }) => total + length, 0);
      const life = {
        pack: pack.name,
        size: sizeOf(pack),
        frames: sum(pack.frames),
        live: sum(pack.frames.filter(({ id }) => live.has(id))),
        order: pack.day,
      };
      if (life.live > 0) lives.set(pack.name, { pack, life });
    }
    const plan = planCompaction(
      [...lives.values()].map(({ life }) => life),
      { deadShare: this.deadShare, groupBytes: 16 * packSize },
    );
    for (const group of plan.groups) {
      const gone = group.map(({ pack }) => lives.get(pack)!.pack);
      for (const pack of gone) this.#replaced.add(pack);
      this.#pack(
        day,
        gone.flatMap(({ frames }) => frames.filter(({ id }) => live.has(id))),
      );
    }
    this.rewritten += plan.rewrite.liveBytes;
  }

  live(): Set<string> {
    return new Set(this.snapshots.filter(({ droppedOn }) => droppedOn === undefined).flatMap(({ chunks }) => chunks));
  }

  get kept(): number {
    return this.snapshots.filter(({ droppedOn }) => droppedOn === undefined).length;
  }

  get bytes(): number {
    return this.packs.reduce((sum, pack) => sum + sizeOf(pack), 0);
  }
}

function sizeOf({ frames }: Pack): number {
  const length = frames.reduce((sum, frame) => sum + frame.length, 0);
  return padme(length + frames.length * directoryEntry + 24);
}

const secret = Buffer.alloc(32, 1);
const chunker = new Chunker(gearTable(Buffer.alloc(32, 2)), chunkSizes);
const lengths = new Map<string, number>();

function cut(stream: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < stream.length; ) {
    const length = chunker.cut(stream, at, stream.length, true);
    const chunk = stream.subarray(at, at + length);
    const id = chunkId(secret, chunk);
    const name = id.toString('latin1', 0, 16);
    let stored = lengths.get(name);
    if (stored === undefined) {
      stored = makeFrame(secret, id, chunk).length;
      lengths.set(name, stored);
    }
    frames.push({ id: name, length: stored });
    at += length;
  }
  return frames;
}

const rows = Math.floor((Number(flags.megabytes) * 1e6) / rowBytes);
const content = Buffer.concat(Array.from({ length: rows }, (_, i) => row(i, 0)));
const none = new Repository(1, 1);
const compacted = [new Repository(0.5, 7), new Repository(0.3, 7), new Repository(0.1, 7), new Repository(0, 1)];
const all = [none, ...compacted];
let first = 0;
for (let day = 0; day < days; day++) {
  const random = new Random(`day ${day}`);
  if (day > 0) {
    for (let n = 0; n < rows * share; n++) {
      const isRecent = flags.pattern === 'recent' || (flags.pattern === 'mixed' && random.chance(0.9));
      const from = isRecent ? Math.floor(rows * 0.9) : 0;
      const number = random.between(from, rows - 1);
      row(number, day).copy(content, number * rowBytes);
    }
  }
  const frames = cut(content);
  if (day === 0) first = frames.reduce((sum, { length }) => sum + length, 0);
  for (const repository of all) {
    repository.backUp(day, frames);
    repository.prune(day);
    if (repository !== none) repository.compact(day);
  }
  process.stderr.write(`day ${day + 1} of ${days}\r`);
}
const needed = [...none.live()].reduce((sum, id) => sum + lengths.get(id)!, 0);
const full = (bytes: number, { kept }: Repository) => (bytes / (first * kept)).toFixed(3);
console.log(
  `${flags.megabytes} MB, ${days} days, ${share * 100} % of the rows changed a day, ${flags.pattern}; ${none.kept} snapshots kept\n`,
);
console.log(
  table(
    [
      {
        title: 'compaction',
        value: (r: Repository) => (r === none ? 'none' : `dead share ${r.deadShare}, every ${r.every} days`),
      },
      { title: 'stored MB', value: (r: Repository) => (r.bytes / 1e6).toFixed(1), right: true },
      { title: 'of a full copy each', value: (r: Repository) => full(r.bytes, r), right: true },
      { title: 'rewritten MB in all', value: (r: Repository) => (r.rewritten / 1e6).toFixed(1), right: true },
    ],
    all,
  ),
);
console.log(
  `\nWhat live snapshots refer to: ${(needed / 1e6).toFixed(1)} MB, ${full(needed, none)} of a full copy each.`,
);
