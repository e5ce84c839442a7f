import { createHash } from 'node:crypto';
import { randomSecret } from '../../../crypt/secrets.ts';
import type { TableLine } from '../../../sources/postgres/manifest.ts';
import { displayName } from '../../../sources/postgres/quote.ts';

/** Which tables are compared when not all of them are. */

export interface SampleItem {
  /** What it is called; the same in every snapshot of a source. */
  object: string;
  bytes: number;
}

export interface Sample {
  chosen: Set<string>;
  /** Of what was chosen, and of everything. */
  bytes: number;
  total: number;
  seed: string;
}

/** Of the wanted bytes, what goes to the smallest tables: there are many of them, and they cost next to nothing. */
const smallShare = 0.1;

/** A new seed: 16 hex digits. It is no secret, and the report names it. */
export function newSeed(): string {
  return randomSecret(8).toString('hex');
}

/**
 * The tables to compare: the smallest first, up to a tenth of the wanted bytes, then others in an order that the seed
 * decides, until the share is reached. The last one may lead beyond it; so any table comes up sooner or later, however
 * large. The order of `items` does not matter.
 *
 * @param share of the bytes: more than 0; 1 and more is everything
 */
export function chooseSample(items: readonly SampleItem[], share: number, seed: string): Sample {
  const total = items.reduce((sum, { bytes }) => sum + bytes, 0);
  if (share >= 1) return { chosen: new Set(items.map(({ object }) => object)), bytes: total, total, seed };
  const wanted = total * share;
  const chosen = new Set<string>();
  let bytes = 0;
  const take = (item: SampleItem) => {
    if (chosen.has(item.object)) return;
    chosen.add(item.object);
    bytes += item.bytes;
  };
  const places = new Map(items.map((item) => [item, placeOf(item.object, seed)]));
  const bySeed = (a: SampleItem, b: SampleItem) => (places.get(a)! < places.get(b)! ? -1 : 1);
  for (const item of [...items].sort((a, b) => a.bytes - b.bytes || bySeed(a, b))) {
    if (bytes + item.bytes > wanted * smallShare) break;
    take(item);
  }
  for (const item of [...items].sort(bySeed)) {
    // Something is always compared: a sample of nothing proves nothing.
    if (bytes >= wanted && chosen.size > 0) break;
    take(item);
  }
  return { chosen, bytes, total, seed };
}

/**
 * The same for the tables of a manifest. Partitions whose rows can only be compared together are chosen together.
 *
 * @returns the lines to compare, in their order
 */
export function chooseTables<Line extends Pick<TableLine, 'schema' | 'name' | 'stream' | 'loadThrough'>>(
  lines: readonly Line[],
  share: number,
  seed: string,
): { lines: Line[]; sample: Sample } {
  const groupOf = ({ schema, name, loadThrough }: Line) =>
    loadThrough === undefined ? displayName(schema, name) : displayName(loadThrough.schema, loadThrough.name);
  const bytesOf = new Map<string, number>();
  for (const line of lines) bytesOf.set(groupOf(line), (bytesOf.get(groupOf(line)) ?? 0) + line.stream.size);
  const items = [...bytesOf].map(([object, bytes]): SampleItem => ({ object, bytes }));
  const sample = chooseSample(items, share, seed);
  return { lines: lines.filter((line) => sample.chosen.has(groupOf(line))), sample };
}

function placeOf(object: string, seed: string): string {
  return createHash('sha256').update(`${seed}\0${object}`).digest('hex');
}
