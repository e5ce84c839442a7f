import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteColumn } from '../../src/pseudonyms/byte-column.ts';
import { admissionOf, columnAdmissionOf } from '../../src/pseudonyms/leaks/admit.ts';
import { TextScanner } from '../../src/pseudonyms/leaks/scan-text.ts';
import { addPrint, hasPrint, newSketch } from '../../src/pseudonyms/leaks/sketch.ts';
import { sketchWatch } from '../../src/pseudonyms/leaks/watch.ts';
import type { RawOptions } from '../../src/pseudonyms/options.ts';
import type { Cell } from '../../src/pseudonyms/transformer.ts';
import { cells, pieces, rules, sized, text } from '../support/leak-texts.ts';

const sketch = newSketch({ expected: 2000 });
const binary = text.map((each) => `\\x${Buffer.from(each).toString('hex')}`);
const sorted = (prints: ReadonlySet<string>) => [...prints].sort();

function printsOfStrings(rule: RawOptions, type: string, given: readonly Cell[]): string[] {
  const prints = new Set<string>();
  const take = admissionOf(rule, type, sketch, (...print) => prints.add(print.join()))!;
  for (const cell of given) take(cell);
  return sorted(prints);
}

/** Those that follow each other are taken once, and those that the kernel leaves at the end. */
function printsOfColumn(rule: RawOptions, type: string, given: readonly Cell[]): string[] {
  const prints = new Set<string>();
  columnAdmissionOf(rule, type, sketch, (...print) => prints.add(print.join()))!(new ByteColumn().fill(given));
  return sorted(prints);
}

describe('originals', () => {
  it.each([...rules, [{ kind: 'bytea' }, 'bytea'] as const])(
    'of %o %s have the same prints as bytes and as strings',
    (rule, type) => {
      fc.assert(
        fc.property(type === 'bytea' ? fc.array(binary) : cells, (given: Cell[]) => {
          expect(printsOfColumn(rule, type, given)).toEqual(printsOfStrings(rule, type, given));
        }),
        { numRuns: 60 },
      );
    },
  );

  it.each(['text', 'phone', 'token', 'null'])(
    'of %s have the same prints where numbers stand among other things',
    (kind) => {
      fc.assert(
        fc.property(fc.array(pieces, { maxLength: 4 }), (given) => {
          expect(printsOfColumn({ kind }, 'text', given)).toEqual(printsOfStrings({ kind }, 'text', given));
        }),
        { numRuns: 1000 },
      );
    },
  );

  it('have the same prints at any length', () => {
    fc.assert(
      fc.property(fc.array(sized, { maxLength: 3 }), (given) => {
        for (const kind of ['text', 'token', 'company', 'null'])
          expect(printsOfColumn({ kind }, 'text', given)).toEqual(printsOfStrings({ kind }, 'text', given));
      }),
      { numRuns: 200 },
    );
  });

  it('that follow each other are taken once', () => {
    let told = 0;
    const take = columnAdmissionOf({ kind: 'email' }, 'text', sketch, () => told++)!;
    take(new ByteColumn().fill(['z@x.example', 'z@x.example', null, 'z@x.example', 'zoë@x.example', 'zoë@x.example']));
    expect(told).toBe(2);
  });

  it.each(['full-name', 'company', 'last-name'])('of %s are phrases also with an address in them', (kind) => {
    const given = 'Ottilie van Quist z.q@labo.example';
    const own = newSketch({ expected: 100 });
    admissionOf({ kind }, 'text', own, (a, b) => addPrint(own, a, b))!(given);
    const found: number[] = [];
    new TextScanner(own).text('by OTTILIE VAN QUIST Z.Q@LABO.EXAMPLE, signed', (print) => found.push(print));
    // The address by itself, and the phrase that it ends.
    expect(found).toHaveLength(2);
  });

  it('are all in the sketch when a batch was shown', () => {
    const own = newSketch({ expected: 5000 });
    const facts = { name: 'c', type: 'text', nullable: true, unique: false };
    const rule = { kind: 'email' };
    const given = Array.from({ length: 2500 }, (_, at) => `z${at}@x.example`);
    sketchWatch(own, { ruled: [{ at: 0, column: 'c', rule, facts, domain: 'd' }] }).originals(
      'c',
      new ByteColumn().fill(given),
    );
    let [told, missed] = [0, 0];
    const take = admissionOf(rule, 'text', own, (a, b) => {
      told++;
      if (!hasPrint(own, a, b)) missed++;
    })!;
    for (const each of given) take(each);
    expect([told, missed]).toEqual([2500, 0]);
  });
});
