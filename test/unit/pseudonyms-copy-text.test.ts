import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../src/base/errors.ts';
import { CopyTextRewriter } from '../../src/pseudonyms/copy-text.ts';
import type { Cell } from '../../src/pseudonyms/transformer.ts';
import { anew, changed, pushed, tablesOf } from '../support/pushed-rows.ts';
import { type StringRewrite, stringRewrite } from '../support/string-rewrite.ts';

/** COPY text written again, from the page of the COPY command. */
function field(cell: Cell): string {
  if (cell === null) return '\\N';
  const letters: Record<string, string> = {
    '\b': 'b',
    '\f': 'f',
    '\n': 'n',
    '\r': 'r',
    '\t': 't',
    '\v': 'v',
    '\\': '\\',
  };
  return [...cell].map((character) => (letters[character] ? `\\${letters[character]}` : character)).join('');
}
const text = (rows: readonly Cell[][]): Buffer =>
  Buffer.from(rows.map((row) => `${row.map(field).join('\t')}\n`).join(''));

const character = fc.oneof(
  fc.constantFrom('\\', '\t', '\n', '\r', '\b', '\f', '\v', 'N', '.', 'é', '😀', 'a'),
  fc.string({ minLength: 1, maxLength: 1, unit: 'grapheme' }),
);
const cell = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 5, arbitrary: fc.array(character, { maxLength: 8 }).map((list) => list.join('').replaceAll('\0', '')) },
);
const table = tablesOf(cell, 400);

const inPlace: StringRewrite = (columns) => {
  for (const column of columns) for (let i = 0; i < column.length; i++) column[i] = changed(column[i]!);
  return columns;
};
const run = (bytes: Buffer, cuts: number[], rewriter: CopyTextRewriter) => pushed(bytes, cuts, rewriter);

describe('COPY text', () => {
  it.each([
    ['in place', inPlace],
    ['anew', anew],
  ])('is rewritten %s in the ruled columns and nowhere else, wherever it is cut', (_, rewrite) => {
    fc.assert(
      fc.property(table, ({ columns, rows, ruled, cuts, batchRows }) => {
        const expected = rows.map((row) => row.map((value, k) => (ruled.includes(k) ? changed(value) : value)));
        const rewriter = new CopyTextRewriter({ columns, ruled, rewrite: stringRewrite(rewrite), batchRows });
        expect(run(text(rows), cuts, rewriter).toString()).toBe(text(expected).toString());
        expect(rewriter.rows).toBe(rows.length);
      }),
      { numRuns: 300 },
    );
  });

  it('hands over what the cells say', () => {
    fc.assert(
      fc.property(table, ({ columns, rows, ruled, cuts, batchRows }) => {
        const seen: Cell[][] = ruled.map(() => []);
        const rewrite: StringRewrite = (cells) => {
          for (const [k, column] of cells.entries()) seen[k]!.push(...column);
          return cells;
        };
        const bytes = text(rows);
        expect(
          run(bytes, cuts, new CopyTextRewriter({ columns, ruled, rewrite: stringRewrite(rewrite), batchRows })).equals(
            bytes,
          ),
        ).toBe(true);
        expect(seen).toEqual(ruled.map((at) => rows.map((row) => row[at])));
      }),
      { numRuns: 200 },
    );
  });

  it('keeps bytes that are not UTF-8 in cells that stay, and tells them apart as latin1', () => {
    const bytes = Buffer.concat([
      Buffer.from('1\t'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('\n2\t'),
      Buffer.from([0xff, 0xfd, 0x0a]),
    ]);
    const seen: Cell[] = [];
    const rewrite: StringRewrite = (cells) => {
      seen.push(...cells[0]!);
      return cells;
    };
    const rewriter = new CopyTextRewriter({
      columns: 2,
      ruled: [1],
      rewrite: stringRewrite(rewrite),
      encoding: 'latin1',
    });
    expect(run(bytes, [3], rewriter).equals(bytes)).toBe(true);
    const untouched = new CopyTextRewriter({ columns: 2, ruled: [1], rewrite: (cells) => cells });
    expect(run(bytes, [3], untouched).equals(bytes)).toBe(true);
    expect(seen).toEqual(['\xff\xfe', '\xff\xfd']);
  });

  it('refuses rows with another number of columns, and a stream that ends inside one', () => {
    const rewriter = () => new CopyTextRewriter({ columns: 2, ruled: [0], rewrite: stringRewrite(anew) });
    const code = (act: () => unknown): boolean => {
      try {
        act();
      } catch (error) {
        return isHoldfastError(error, 'source-failed');
      }
      return false;
    };
    expect(code(() => rewriter().push(Buffer.from('a\tb\tc\n')))).toBe(true);
    expect(code(() => rewriter().push(Buffer.from('a\n')))).toBe(true);
    const open = rewriter();
    open.push(Buffer.from('a\tb\nc'));
    expect(code(() => open.end())).toBe(true);
    expect(() => new CopyTextRewriter({ columns: 2, ruled: [1, 0], rewrite: stringRewrite(anew) })).toThrow(RangeError);
  });
});
