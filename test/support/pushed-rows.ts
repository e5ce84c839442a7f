import fc from 'fast-check';
import type { RowRewriter } from '../../src/pseudonyms/copy/row-pipe.ts';
import type { Cell } from '../../src/pseudonyms/transformer.ts';
import type { StringRewrite } from './string-rewrite.ts';

/** Tables of a few rows, with columns that are ruled, and places at which their stream is cut. */
export const tablesOf = (cell: fc.Arbitrary<Cell>, furthestCut: number) =>
  fc.integer({ min: 1, max: 5 }).chain((columns) =>
    fc.record({
      columns: fc.constant(columns),
      rows: fc.array(fc.array(cell, { minLength: columns, maxLength: columns }), { maxLength: 12 }),
      ruled: fc
        .uniqueArray(fc.integer({ min: 0, max: columns - 1 }), { minLength: 1 })
        .map((list) => list.sort((a, b) => a - b)),
      cuts: fc.array(fc.nat(furthestCut), { maxLength: 8 }),
      batchRows: fc.integer({ min: 1, max: 5 }),
    }),
  );

/** A rewriting that makes some cells NULL, some longer, and leaves some. */
export const changed = (value: Cell): Cell =>
  value === null ? 'was\tnull\\' : value === '' ? null : value.length % 3 === 0 ? value : `${value}\n\\N é😀`;
export const anew: StringRewrite = (columns) => columns.map((column) => column.map(changed));

/** What a rewriter makes of a stream that comes in pieces. @param told of each piece that it gives */
export function pushed(
  bytes: Buffer,
  cuts: readonly number[],
  rewriter: RowRewriter,
  told?: (part: Buffer) => void,
): Buffer {
  const out: Buffer[] = [];
  let from = 0;
  for (const cut of [...cuts.map((at) => Math.min(at, bytes.length)).sort((a, b) => a - b), bytes.length]) {
    // Its own memory, overwritten afterwards: a stream may use its buffer again.
    const piece = Buffer.from(bytes.subarray(from, cut));
    for (const part of rewriter.push(piece)) {
      told?.(part);
      out.push(Buffer.from(part));
    }
    piece.fill(0x58);
    from = cut;
  }
  rewriter.end();
  return Buffer.concat(out);
}
