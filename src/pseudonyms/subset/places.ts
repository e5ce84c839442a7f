/** Where rows lie, as numbers: the blocks of a table's relations one after the other, with room for the rows of each. */
import { HoldfastError } from '../../base/errors.ts';
import { displayName } from '../../sources/postgres/quote.ts';
import type { RowSet } from './row-set.ts';

/** A relation that has rows itself: a table, or a partition. */
export interface LeafRelation {
  oid: number;
  schema: string;
  name: string;
  /** Blocks of its heap that may hold rows of the snapshot. */
  blocks: number;
  /** `heap`, or another access method, whose blocks may hold more rows. */
  accessMethod: string | null;
}

export interface Leaf extends LeafRelation {
  /** Position of the first row that could be in it, and of the first one behind it. */
  from: number;
  to: number;
  /** Numbers of rows in a block, from 1, are below it. */
  lines: number;
}

const pageHeader = 24;
/** A row has a pointer of 4 bytes and a header of 24. */
const leastRow = 28;
/** Numbers of rows are of 16 bits. */
const mostLines = 65_536;

/** The positions of a table's rows: leaf, block and line in one number, which rises as a scan of the leaf goes on. */
export class PlaceSpace {
  readonly leaves: readonly Leaf[];
  readonly #byOid: ReadonlyMap<number, Leaf>;

  /** @param blockSize of the server, in bytes */
  constructor(relations: readonly LeafRelation[], blockSize: number) {
    let from = 0;
    this.leaves = relations.map((relation) => {
      const lines = relation.accessMethod === 'heap' ? Math.floor((blockSize - pageHeader) / leastRow) + 1 : mostLines;
      const leaf = { ...relation, from, to: from + relation.blocks * lines, lines };
      from = leaf.to;
      return leaf;
    });
    this.#byOid = new Map(this.leaves.map((leaf) => [leaf.oid, leaf]));
  }

  /** One more than the last position. */
  get end(): number {
    return this.leaves.at(-1)?.to ?? 0;
  }

  /** Undefined for a relation that is not copied. */
  leaf(oid: number): Leaf | undefined {
    return this.#byOid.get(oid);
  }

  /** The rows of `set` by leaf, as lists of places. */
  *byLeaf(set: RowSet): Generator<[Leaf, PlaceList], void, undefined> {
    for (const leaf of this.leaves) yield [leaf, new PlaceList(leaf, set)];
  }
}

/** @throws HoldfastError `source-failed` when there is no such place, which would be lost */
export function positionOf(leaf: Leaf, block: number, line: number): number {
  if (block >= leaf.blocks || line >= leaf.lines) {
    throw new HoldfastError(
      'source-failed',
      `A row of ${displayName(leaf.schema, leaf.name)} lies where none can be.`,
      {
        why: `Its place is block ${block}, line ${line}; the table has ${leaf.blocks} blocks.`,
      },
    );
  }
  return leaf.from + block * leaf.lines + line;
}

/** `(block,line)`, as the server writes it. */
export function ctidOf(leaf: Leaf, position: number): string {
  const at = position - leaf.from;
  return `(${Math.floor(at / leaf.lines)},${at % leaf.lines})`;
}

const markEvery = 8192;

/** Places of rows of one relation, `(block,line)` rising. They are written out only when asked for; the set must not change any more. */
export class PlaceList {
  readonly #leaf: Leaf;
  readonly #set: RowSet;
  #marks: number[] | undefined;
  readonly length: number;

  constructor(leaf: Leaf, set: RowSet) {
    this.#leaf = leaf;
    this.#set = set;
    this.length = set.count(leaf.from, leaf.to);
  }

  /** As of an array. */
  slice(start = 0, end = this.length): string[] {
    return [...this.#some(start, end)];
  }

  /** All of them in lists of at most `length`. */
  *parts(length: number): Generator<string[], void, undefined> {
    let part: string[] = [];
    for (const ctid of this.#some(0, this.length)) {
      part.push(ctid);
      if (part.length < length) continue;
      yield part;
      part = [];
    }
    if (part.length > 0) yield part;
  }

  *#some(start: number, end: number): Generator<string, void, undefined> {
    if (start >= end) return;
    const marks = start < markEvery ? [this.#leaf.from] : this.#positionsOfMarks();
    const mark = Math.min(Math.floor(start / markEvery), marks.length - 1);
    let at = mark * markEvery;
    for (const position of this.#set.positions(marks[mark], this.#leaf.to)) {
      if (at >= end) return;
      if (at++ >= start) yield ctidOf(this.#leaf, position);
    }
  }

  /** Of each so-many-th row: who asks for one slice after another need not begin anew each time. */
  #positionsOfMarks(): number[] {
    if (this.#marks !== undefined) return this.#marks;
    this.#marks = [];
    let at = 0;
    for (const position of this.#set.positions(this.#leaf.from, this.#leaf.to)) {
      if (at++ % markEvery === 0) this.#marks.push(position);
    }
    return this.#marks;
  }
}
