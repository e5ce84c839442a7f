/**
 * Large tables are read in parts, runs of blocks of their heap, so that one table keeps all lanes at work. A part is a
 * Tid Range Scan, which gives rows in the order of a Seq Scan: one after the other, the parts are the text of the whole.
 */

/** Blocks of a heap: `from` is in it, `to` is not; null where the end of the table is. */
export interface BlockRange {
  from: number;
  to: number | null;
}

export interface PartSizes {
  /** Bytes of heap and TOAST above which a table is read in parts. */
  above: number;
  /** About how many bytes of heap and TOAST make a part. */
  part: number;
}

/**
 * A lane takes about a second for 128 MiB: short, so that lanes end together; long beside what a part costs, which is a
 * lock, a few round trips and a chunk or two cut short.
 */
export const usualParts: PartSizes = { above: 256 * 1024 * 1024, part: 128 * 1024 * 1024 };

/** More would make manifest lines long; from there on parts grow. */
const mostParts = 1024;
/** The first major version with Tid Range Scans. */
const firstMajor = 14;

export interface TableExtent {
  /** Heap and TOAST, in bytes. */
  size: number;
  /** Blocks of the heap alone. */
  blocks: number;
}

/**
 * The parts of a table, in order; a single one means: all at once.
 *
 * A part has a power of two of blocks, so that a table which grows is cut tomorrow where it was cut today, and its parts
 * are found stored. How many depends on what a block brings along: values in TOAST lie in few blocks of heap, and take as
 * long as others. The last part has no end: what the snapshot shows lies below it, whatever was added since.
 *
 * @param serverVersion `server_version_num`
 */
export function planParts(table: TableExtent, serverVersion: number, { above, part }: PartSizes): BlockRange[] {
  const { size, blocks } = table;
  if (serverVersion < firstMajor * 10_000 || size <= above || blocks === 0) return [{ from: 0, to: null }];
  const wanted = Math.round(Math.log2((part * blocks) / size));
  const least = Math.ceil(Math.log2(blocks / mostParts));
  const step = 2 ** Math.max(0, wanted, least);
  const ranges: BlockRange[] = [];
  for (let from = 0; from < blocks; from += step) {
    ranges.push({ from, to: from + step < blocks ? from + step : null });
  }
  return ranges;
}

/**
 * The same parts in fewer: each is a third of what every lane has left, so that most of a table is in few large ones and the
 * last are small enough for lanes to end together. Source: Polychronopoulos and Kuck, "Guided self-scheduling", 1987.
 *
 * @param lanes how many take them
 */
export function guidedParts(ranges: readonly BlockRange[], lanes: number): BlockRange[] {
  const joined: BlockRange[] = [];
  for (let at = 0; at < ranges.length; ) {
    const count = Math.max(1, Math.floor((ranges.length - at) / (3 * lanes)));
    joined.push({ from: ranges[at]!.from, to: ranges[at + count - 1]!.to });
    at += count;
  }
  return joined;
}

/** The condition on ctid for which the server reads these blocks and no others. */
export function blocksCondition({ from, to }: BlockRange): string {
  const least = `ctid >= '(${from},0)'::pg_catalog.tid`;
  return to === null ? least : `${least} AND ctid < '(${to},0)'::pg_catalog.tid`;
}

/**
 * The statement with its scan decided: a Seq Scan would read the whole table for each part, though it gives the same rows,
 * and Tid Scans may be switched off for a role or a database. To be run in a subtransaction that is rolled back.
 */
export function withTidScan(copy: string): string {
  return `SET LOCAL enable_tidscan = on; SET LOCAL enable_seqscan = off; ${copy}`;
}
