import { type Facts, seekData, seekHole } from './posix.ts';

/** A range of bytes: offset and length. */
export type DataRange = [number, number];

/** More ranges than this would make a manifest line that nobody wants to parse; the smallest holes are then given up. */
const mostRanges = 10_000;

/**
 * The ranges of a file that hold data; undefined when it has no holes, or its file system cannot tell.
 *
 * @param descriptor opened for reading; its position moves
 */
export function dataRanges(descriptor: number, facts: Facts): DataRange[] | undefined {
  if (facts.size === 0 || facts.blocks * 512 >= facts.size) return undefined;
  let ranges: DataRange[] = [];
  try {
    for (let at = 0; at < facts.size; ) {
      const data = seekData(descriptor, at);
      if (data === undefined || data >= facts.size) break;
      const hole = Math.min(seekHole(descriptor, data), facts.size);
      // A file that shrinks meanwhile; the reader notices.
      if (hole <= data) break;
      ranges.push([data, hole - data]);
      at = hole;
      if (ranges.length > 4 * mostRanges) ranges = coarser(ranges);
    }
  } catch {
    return undefined;
  }
  if (ranges.length > mostRanges) ranges = coarser(ranges);
  const [first] = ranges;
  return first?.[0] === 0 && first[1] === facts.size ? undefined : ranges;
}

/** Treats the smallest holes as data, until few enough ranges are left. */
export function coarser(ranges: DataRange[], most = mostRanges): DataRange[] {
  let merged = ranges;
  for (let gap = 4096; merged.length > most; gap *= 2) {
    const next: DataRange[] = [];
    for (const range of merged) {
      const last = next.at(-1);
      if (last !== undefined && range[0] - (last[0] + last[1]) <= gap) last[1] = range[0] + range[1] - last[0];
      else next.push([range[0], range[1]]);
    }
    merged = next;
  }
  return merged;
}

/** The pieces of `range` that hold data, in order; all of it for a file without holes. */
export function* dataWithin(range: DataRange, data: readonly DataRange[] | undefined): Generator<DataRange> {
  if (data === undefined) {
    yield range;
    return;
  }
  const end = range[0] + range[1];
  // Binary search: a file may have thousands of ranges, and its pieces come in order.
  let low = 0;
  for (let high = data.length; low < high; ) {
    const middle = (low + high) >> 1;
    const [offset, length] = data[middle]!;
    if (offset + length <= range[0]) low = middle + 1;
    else high = middle;
  }
  for (let i = low; i < data.length && data[i]![0] < end; i++) {
    const start = Math.max(range[0], data[i]![0]);
    yield [start, Math.min(end, data[i]![0] + data[i]![1]) - start];
  }
}
