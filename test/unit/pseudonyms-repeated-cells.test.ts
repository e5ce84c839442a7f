import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteColumn } from '../../src/pseudonyms/byte-column.ts';
import { onBytes } from '../../src/pseudonyms/byte-runs.ts';
import { RepeatedCells } from '../../src/pseudonyms/copy/repeated-cells.ts';
import type { Cell } from '../../src/pseudonyms/transformer.ts';

const made = (cell: Cell): Cell =>
  cell === null ? 'nothing' : cell === '' ? '' : cell.endsWith('0') ? null : `é${[...cell].reverse().join('')}`;

function counted() {
  const counts = { transformed: 0 };
  const run = onBytes((cells, out) => {
    counts.transformed += cells.length;
    cells.forEach((cell, i) => {
      out[i] = made(cell);
    });
  });
  const watched = new Set<Cell>();
  const repeated = new RepeatedCells(run, (cells) => {
    for (const cell of cells.strings()) watched.add(cell);
  });
  /** What became of a batch. Its bytes are another's afterwards. */
  const apply = (cells: readonly Cell[]): Cell[] => {
    const column = new ByteColumn().fill(cells);
    const out = repeated.apply(column);
    expect(out.count).toBe(cells.length);
    const strings = [...out.strings()];
    column.bytes.fill(0x58);
    return strings;
  };
  return { counts, watched, apply };
}

describe('repeated cells', () => {
  it('become what each would become by itself, and every original is shown', () => {
    const names = (most: number) =>
      fc.oneof(
        { weight: 20, arbitrary: fc.nat(most).map((k) => `Name ${k}`) },
        { weight: 1, arbitrary: fc.constantFrom(null, '', 'é', 'x'.repeat(64), 'y'.repeat(65), 'é'.repeat(40)) },
        { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 70 }) },
      );
    const batches = fc
      .integer({ min: 1, max: 300 })
      .chain((most) => fc.array(fc.array(names(most), { minLength: 1, maxLength: 400 }), { maxLength: 8 }));
    fc.assert(
      fc.property(batches, (all) => {
        const { watched, apply } = counted();
        for (const cells of all) {
          expect(apply(cells)).toEqual(cells.map(made));
          expect(cells.every((cell) => watched.has(cell))).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('are transformed once', () => {
    const { counts, apply } = counted();
    for (let batch = 0; batch < 10; batch++) {
      const cells = Array.from({ length: 4000 }, (_, i) => `Name ${(batch * 4000 + i) % 5000}`);
      expect(apply(cells)).toEqual(cells.map(made));
    }
    expect(counts.transformed).toBe(5000);
  });

  it('are not looked for among values that are all different, and found when there are some later', () => {
    const { counts, apply } = counted();
    let next = 0;
    const different = () => Array.from({ length: 4000 }, () => `Name ${next++}`);
    for (let batch = 0; batch < 100; batch++) {
      const cells = different();
      expect(apply(cells)).toEqual(cells.map(made));
    }
    expect(counts.transformed).toBe(400_000);
    const same = Array.from({ length: 4000 }, (_, i) => `Same ${i % 10}`);
    for (let batch = 0; batch < 100; batch++) expect(apply(same)).toEqual(same.map(made));
    expect(counts.transformed).toBeLessThan(400_000 + 40 * 4000);
  });

  it('take a bounded memory, and are right when it is full', () => {
    const { apply } = counted();
    // Half of each batch comes again, and the rest never: entries and bytes are used up.
    let next = 0;
    for (let batch = 0; batch < 40; batch++) {
      const cells = Array.from({ length: 4000 }, (_, i) =>
        i % 2 === 0 ? `Same ${i % 100}` : `${'long '.repeat(10)}${next++}`,
      );
      expect(apply(cells)).toEqual(cells.map(made));
    }
  });

  it('forget what a batch left unfinished that failed', () => {
    let fails = true;
    const repeated = new RepeatedCells(
      onBytes((cells, out) => {
        if (fails) throw new Error('no');
        cells.forEach((cell, i) => {
          out[i] = made(cell);
        });
      }),
    );
    const cells = Array.from({ length: 200 }, (_, i) => `Name ${i % 20}`);
    expect(() => repeated.apply(new ByteColumn().fill(cells))).toThrow('no');
    fails = false;
    expect(repeated.apply(new ByteColumn().fill(cells)).strings()).toEqual(cells.map(made));
  });
});
