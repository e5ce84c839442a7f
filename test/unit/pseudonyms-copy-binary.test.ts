import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../src/base/errors.ts';
import { binaryCellsOf } from '../../src/pseudonyms/binary-cells.ts';
import { CopyBinaryRewriter } from '../../src/pseudonyms/copy-binary.ts';
import type { Cell } from '../../src/pseudonyms/transformer.ts';
import { anew, changed, pushed, tablesOf } from '../support/pushed-rows.ts';
import { stringRewrite } from '../support/string-rewrite.ts';

/** COPY in binary format written again, from the page of the COPY command. */
const header = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const trailer = Buffer.from([0xff, 0xff]);
function field(value: Buffer | null): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(value === null ? -1 : value.length);
  return value === null ? length : Buffer.concat([length, value]);
}
function stream(rows: readonly (readonly (Buffer | null)[])[]): Buffer {
  const lines = rows.map((row) => {
    const count = Buffer.alloc(2);
    count.writeInt16BE(row.length);
    return Buffer.concat([count, ...row.map(field)]);
  });
  return Buffer.concat([header, ...lines, trailer]);
}
const utf8 = (cell: Cell) => (cell === null ? null : Buffer.from(cell));
const text = (rows: readonly Cell[][]) => stream(rows.map((row) => row.map(utf8)));

const cell = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
  { weight: 1, arbitrary: fc.string({ minLength: 40, maxLength: 120 }) },
);
const table = tablesOf(cell, 600);

const asText = (ruled: readonly number[]) => ruled.map(() => undefined);

const run = (bytes: Buffer, cuts: number[], rewriter: CopyBinaryRewriter) => {
  // Whoever sends a part gives its memory back.
  const rooms = new Set<ArrayBufferLike>();
  return pushed(bytes, cuts, rewriter, (part) => {
    // None lies in the memory of another.
    expect(rooms.has(part.buffer)).toBe(false);
    rooms.add(part.buffer);
  });
};

const refused = (act: () => unknown): boolean => {
  try {
    act();
  } catch (error) {
    return isHoldfastError(error, 'source-failed');
  }
  return false;
};

describe('COPY in binary format', () => {
  it('is rewritten in the ruled columns and nowhere else, wherever it is cut', () => {
    fc.assert(
      fc.property(table, ({ columns, rows, ruled, cuts, batchRows }) => {
        const expected = rows.map((row) => row.map((value, k) => (ruled.includes(k) ? changed(value) : value)));
        const rewrite = stringRewrite(anew);
        const rewriter = new CopyBinaryRewriter({ columns, ruled, cells: asText(ruled), rewrite, batchRows });
        expect(run(text(rows), cuts, rewriter).equals(text(expected))).toBe(true);
        expect(rewriter.rows).toBe(rows.length);
      }),
      { numRuns: 400 },
    );
  });

  it('hands over what the cells say, and passes on columns that are only looked at', () => {
    fc.assert(
      fc.property(table, ({ columns, rows, ruled, cuts, batchRows }) => {
        const seen: Cell[][] = ruled.map(() => []);
        const bytes = text(rows);
        const rewriter = new CopyBinaryRewriter({
          columns,
          ruled,
          cells: asText(ruled),
          rewrite: (cells) => {
            for (const [k, column] of cells.entries()) seen[k]!.push(...column.strings());
            return cells;
          },
          batchRows,
        });
        expect(run(bytes, cuts, rewriter).equals(bytes)).toBe(true);
        expect(seen).toEqual(ruled.map((at) => rows.map((row) => row[at])));
      }),
      { numRuns: 200 },
    );
  });

  it('has dates and numbers as text, and makes them binary again', () => {
    const day = (value: number) => {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32BE(value);
      return bytes;
    };
    const rows = [
      [day(0), Buffer.from('a'), day(7)],
      [null, null, day(-1)],
      [day(365), Buffer.from('é'), null],
    ];
    const date = binaryCellsOf('date');
    const integer = binaryCellsOf('integer');
    if (typeof date !== 'object' || typeof integer !== 'object') throw new Error('no such type');
    const seen: Cell[][] = [];
    const rewriter = new CopyBinaryRewriter({
      columns: 3,
      ruled: [0, 2],
      cells: [date, integer],
      rewrite: stringRewrite((columns) => {
        seen.push(...columns.map((column) => [...column]));
        return [['1999-12-31', '2000-01-02', null], columns[1]!.map((value) => value && String(Number(value) * 2))];
      }),
    });
    const expected = [
      [day(-1), Buffer.from('a'), day(14)],
      [day(1), null, day(-2)],
      [null, Buffer.from('é'), null],
    ];
    expect(run(stream(rows), [30], rewriter).equals(stream(expected))).toBe(true);
    expect(seen).toEqual([
      ['2000-01-01', null, '2000-12-31'],
      ['7', '-1', null],
    ]);
  });

  it.each([
    ['what does not begin as one', Buffer.from('1\ta\n2\tb\n')],
    [
      'a header with what nobody knows',
      Buffer.concat([header.subarray(0, 11), Buffer.from([0, 1, 0, 0]), Buffer.alloc(4)]),
    ],
    ['a row with another number of columns', stream([[Buffer.from('a')]])],
    ['what follows its end', Buffer.concat([text([['a', 'b']]), Buffer.from('x')])],
  ])('refuses %s', (_, bytes) => {
    const made = () =>
      new CopyBinaryRewriter({ columns: 2, ruled: [1], cells: [undefined], rewrite: (cells) => cells });
    expect(refused(() => run(bytes, [], made()))).toBe(true);
    expect(refused(() => run(bytes, [5, 12, 20, bytes.length - 1], made()))).toBe(true);
  });

  it('refuses to end inside it', () => {
    const bytes = text([['a', 'b']]);
    for (let end = 0; end < bytes.length; end++) {
      const rewriter = new CopyBinaryRewriter({
        columns: 2,
        ruled: [0],
        cells: [undefined],
        rewrite: (cells) => cells,
      });
      expect(refused(() => run(bytes.subarray(0, end), [], rewriter))).toBe(true);
    }
  });
});
