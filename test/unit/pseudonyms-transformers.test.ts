import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../src/base/errors.ts';
import { parseDate } from '../../src/pseudonyms/civil-date.ts';
import { ProgramPool } from '../../src/pseudonyms/copy/programs.ts';
import { PseudonymKey } from '../../src/pseudonyms/keys.ts';
import type { RawOptions } from '../../src/pseudonyms/options.ts';
import { makeTransformer, transformerKinds } from '../../src/pseudonyms/registry.ts';
import type { Cell, ColumnFacts } from '../../src/pseudonyms/transformer.ts';
import {
  type Batch,
  cases,
  compact,
  subjects,
  text,
  transform as transformBatch,
  typed,
} from '../support/pseudonym-cases.ts';

const key = new PseudonymKey(Buffer.alloc(32, 7)).domain('person');
const otherKey = new PseudonymKey(Buffer.alloc(32, 8)).domain('person');
const programs = new ProgramPool();
afterAll(() => programs[Symbol.asyncDispose]());

function transform(
  rule: RawOptions,
  column: ColumnFacts,
  cells: readonly Cell[],
  ids: readonly Cell[],
  { domain = key, ...batch }: Partial<Batch> & { domain?: typeof key } = {},
): Cell[] {
  return transformBatch(rule, column, { ...batch, cells, ids }, { key: domain, programs });
}

it('every kind, and no other, stands in the table of the docs', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/pseudonymization.md'), 'utf8');
  const rows = [...page.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, names]) => names!.match(/(?<=`)[a-z-]+(?=`)/g)!);
  expect([...new Set(rows)].sort()).toEqual([...transformerKinds].sort());
});

it('every kind is tried here', () => {
  expect([...new Set(cases.map(({ rule }) => rule.kind)), 'null'].sort()).toEqual([...transformerKinds].sort());
});

describe.each(cases.map((each) => [JSON.stringify(each.rule), each.column?.type ?? 'text', each] as const))(
  '%s on %s',
  (_, __, each) => {
    const column = each.column ?? text;
    const transformer = makeTransformer(each.rule);
    const guarantee = transformer.guarantee(column);
    const batch = fc.array(
      fc.oneof({ weight: 8, arbitrary: each.values }, { weight: 1, arbitrary: fc.constant(null) }),
      { minLength: 1, maxLength: 24 },
    );

    it('keeps its promises', () => {
      fc.assert(
        fc.property(batch, fc.integer({ min: 1, max: 7 }), (cells, size) => {
          const ids = subjects(cells.length);
          const out = transform(each.rule, column, cells, ids);
          for (const [i, cell] of cells.entries()) {
            const made = out[i]!;
            if (cell === null) {
              if (guarantee.nulls === 'kept') expect(made).toBeNull();
              // Whether there is a NULL is up to the expression, which the server works out.
              else if (each.rule.kind !== 'sql') expect(made).not.toBeNull();
            } else if (cell === '') {
              if (guarantee.empty === 'kept') expect(made).toBe('');
            } else if (made === null) expect(each.rule.kind).toBe('copy-of');
            else {
              if (!each.valid(made, cell)) throw new Error(`${JSON.stringify(cell)} became ${JSON.stringify(made)}`);
              const limit = Math.min(guarantee.maxLength ?? 1e9, column.maxLength ?? 1e9);
              expect([...made].length).toBeLessThanOrEqual(limit);
            }
          }
          // In batches of another size, in another order, by another instance: the same.
          const backwards = [...cells.keys()].reverse();
          const again: Cell[] = [];
          for (let at = 0; at < backwards.length; at += size) {
            const part = backwards.slice(at, at + size);
            again.push(
              ...transform(
                each.rule,
                column,
                part.map((i) => cells[i]!),
                part.map((i) => ids[i]!),
                { rows: part, all: cells },
              ),
            );
          }
          expect(again.reverse()).toEqual(out);
          if (each.canonical === undefined || guarantee.uniqueness !== 'lossy') {
            const form = each.canonical ?? ((value: string) => value);
            const values = cells.flatMap((cell, i) => (cell ? [[form(cell), out[i]!] as const] : []));
            // Equal originals are equal pseudonyms; and the other way round where that is promised.
            if (guarantee.uniqueness !== 'lossy') {
              const inputs = new Set(values.map(([value]) => value));
              const outputs = new Set(
                values.map(([, made]) =>
                  each.canonical === compact ? compact(made!) : each.rule.by ? made!.slice(-30) : made,
                ),
              );
              expect(outputs.size).toBe(inputs.size);
            }
          }
        }),
        { numRuns: each.slow ? 5 : 15 },
      );
    });

    it('does what the key says', () => {
      const cells = fc.sample(each.values, { numRuns: 40, seed: 1 }).filter((cell) => cell.length > 5);
      const ids = subjects(cells.length);
      const [mine, other] = [key, otherKey].map((domain) => transform(each.rule, column, cells, ids, { domain }));
      if (!each.narrow) {
        const shared = new Set(mine).intersection(new Set(other));
        shared.delete('infinity');
        expect([...shared]).toEqual([]);
        expect([...new Set(mine).intersection(new Set(cells))]).toEqual([]);
      }
      expect(transform(each.rule, column, cells, ids)).toEqual(mine);
    });

    if (transformer.reveal !== undefined)
      it('leads back', () => {
        fc.assert(
          fc.property(batch, (cells) => {
            const back: Cell[] = new Array(cells.length);
            transformer.reveal!({ key, column })(transform(each.rule, column, cells, []), back);
            expect(back).toEqual(cells);
          }),
          { numRuns: 15 },
        );
      });
  },
);

describe('across columns', () => {
  const alone = (rule: RawOptions, column: ColumnFacts, ...cells: Cell[]) => transform(rule, column, cells, []);

  it('an integer and a bigint that refer to each other map alike', () => {
    const ids = ['1', '77', '2147483647', '-5', '0'];
    const made = alone({ kind: 'id' }, typed('integer'), ...ids);
    expect(alone({ kind: 'id' }, typed('bigint'), ...ids)).toEqual(made);
    expect(alone({ kind: 'id' }, typed('numeric', { precision: 12 }), ...ids)).toEqual(made);
    expect(alone({ kind: 'id' }, text, ...ids)).toEqual(made);
  });

  it('names, addresses and accounts of one person agree however they are written', () => {
    expect(alone({ kind: 'full-name' }, text, 'Jean Dupont')[0]).toBe(
      `${alone({ kind: 'first-name' }, text, 'jean ')[0]} ${alone({ kind: 'last-name' }, text, ' dupont')[0]}`,
    );
    const ids = ['7', '7'];
    const by = (kind: string) => transform({ kind, by: 'id', locale: 'en' }, text, ['a', 'B@x.org'], ids);
    expect(by('full-name')[0]).toBe(`${by('first-name')[0]} ${by('last-name')[0]}`);
    expect(by('email')[1]!.split('.').slice(0, 2).join(' ')).toBe(by('full-name')[0]!.toLowerCase());
    expect(new Set(alone({ kind: 'email' }, text, 'A@x.org', ' a@X.org', 'a@x.org')).size).toBe(1);
    expect(new Set(alone({ kind: 'phone' }, text, '+33612345678', '+33 (0)6 12 34 56 78', '0033612345678')).size).toBe(
      1,
    );
    expect(alone({ kind: 'siret' }, text, '73282932000074')[0]!.slice(0, 9)).toBe(
      alone({ kind: 'siren' }, text, '732829320')[0],
    );
    expect(alone({ kind: 'vat' }, text, 'FR44732829320')[0]!.slice(4)).toBe(
      alone({ kind: 'siren' }, text, '732829320')[0],
    );
  });

  it('towns and postal codes of one subject belong together', async () => {
    const { places } = await import('../../src/pseudonyms/dictionaries/places.ts');
    const ids = Array.from({ length: 50 }, (_, i) => String(i));
    const part = (kind: string) => transform({ kind, by: 'id', locale: 'fr' }, text, ids, ids);
    const [cities, zips] = [part('city'), part('zip')];
    expect(ids.every((_, i) => places.fr.some(({ city, zip }) => city === cities[i] && zip === zips[i]))).toBe(true);
  });

  it('dates of a subject keep their order and intervals', () => {
    const cells = ['2024-02-28', '2024-03-01', '2025-01-01'];
    const out = transform({ kind: 'date-shift', by: 'id' }, typed('date'), cells, ['a', 'a', 'a']).map(
      (date) => parseDate(date!)!.day,
    );
    expect([out[1]! - out[0]!, out[2]! - out[1]!]).toEqual([2, 306]);
  });

  it('addresses that share a prefix still do, and no more of it', () => {
    const pair = fc.tuple(fc.nat(0xffffffff), fc.nat(0xffffffff), fc.integer({ min: 0, max: 31 }));
    const dotted = (n: number) => [24, 16, 8, 0].map((s) => (n >>> s) & 255).join('.');
    const number = (ip: string) => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    fc.assert(
      fc.property(pair, ([a, b, bits]) => {
        const c = bits === 0 ? b : ((a & ~(2 ** (32 - bits) - 1)) | (b & (2 ** (32 - bits) - 1))) >>> 0;
        const [x, y] = alone({ kind: 'ip', prefix: 'keep' }, typed('inet'), dotted(a), dotted(c)).map((ip) =>
          number(ip!),
        );
        expect(Math.clz32(x! ^ y!)).toBe(Math.clz32(a ^ c));
      }),
      { numRuns: 40 },
    );
  });
});

describe('what does not go', () => {
  const refused = (act: () => unknown): boolean => {
    try {
      act();
    } catch (error) {
      // The value must not be told.
      return isHoldfastError(error, 'config') && !`${error.message} ${error.why} ${error.hint}`.includes('SECRET');
    }
    return false;
  };
  const contactType = typed('contact', { fields: [{ name: 'a', type: 'integer' }] });
  it.each<[RawOptions, ColumnFacts, Cell]>([
    [{ kind: 'nonsense' }, text, 'a'],
    [{ kind: 'toString' }, text, 'a'],
    [{ kind: 'email', domian: 'x' }, text, 'a'],
    [{ kind: 'email', domain: 'no spaces' }, text, 'a'],
    [{ kind: 'email' }, typed('character varying', { maxLength: 20 }), 'a'],
    [{ kind: 'email' }, typed('integer'), '1'],
    [{ kind: 'null' }, typed('text', { nullable: false }), 'a'],
    [{ kind: 'default' }, typed('text', { defaultText: undefined }), 'a'],
    [{ kind: 'fixed' }, text, 'a'],
    [{ kind: 'fixed', value: 'abc' }, typed('character', { maxLength: 2 }), 'a'],
    [{ kind: 'id', min: 5 }, typed('integer'), '1'],
    [{ kind: 'id', min: 1, max: 3_000_000_000 }, typed('integer'), '1'],
    [{ kind: 'id', min: 1, max: 2_000_000 }, typed('integer'), '5000000'],
    [{ kind: 'id' }, text, '007'],
    [{ kind: 'id' }, text, 'SECRET'],
    [{ kind: 'uuid' }, text, 'SECRET'],
    [{ kind: 'code' }, text, 'SECRET'.slice(0, 4)],
    [{ kind: 'city' }, text, 'a'],
    [{ kind: 'date-shift' }, typed('date'), '2024-01-01'],
    [{ kind: 'birth-date' }, text, 'SECRET'],
    [{ kind: 'ip' }, typed('cidr'), '10.0.0.0/8'],
    [{ kind: 'ip' }, text, 'SECRET'],
    [{ kind: 'json' }, typed('jsonb'), '{"a": "SECRET"}'],
    [{ kind: 'json', paths: { a: { kind: 'email', by: 'id' } } }, typed('jsonb'), '{}'],
    [{ kind: 'json', default: 'keep' }, typed('text'), '{SECRET'],
    [
      { kind: 'json', paths: { a: { kind: 'email' } } },
      typed('character varying', { maxLength: 20 }),
      '{"a": "SECRET"}',
    ],
    [{ kind: 'array', element: { kind: 'email' } }, typed('text[]'), '{SECRET'],
    [{ kind: 'phone', range: 'permute' }, text, 'SECRET'],
    [{ kind: 'generalize' }, text, 'a'],
    [{ kind: 'hstore' }, typed('hstore'), '"a"=>"SECRET"'],
    [{ kind: 'hstore', default: 'keep' }, typed('hstore'), 'SECRET'],
    [{ kind: 'hstore', default: 'keep' }, typed('jsonb'), ''],
    [{ kind: 'hstore', paths: { a: { kind: 'shuffle', by: 'id' } } }, typed('hstore'), ''],
    [{ kind: 'xml' }, typed('xml'), '<a>SECRET</a>'],
    [{ kind: 'xml', default: 'keep' }, typed('xml'), '<a>SECRET</b>'],
    [{ kind: 'xml', default: 'keep' }, typed('xml'), '<a>&own; SECRET</a>'],
    [{ kind: 'xml', default: 'keep' }, typed('xml'), '<!DOCTYPE a [<!ENTITY own "SECRET">]><a/>'],
    [{ kind: 'composite' }, text, '(1)'],
    [{ kind: 'composite', fields: { b: { kind: 'id' } } }, contactType, '(1)'],
    [{ kind: 'composite', fields: { a: { kind: 'email' } } }, contactType, '(1)'],
    [{ kind: 'composite', default: 'keep' }, contactType, '(1,SECRET)'],
    [{ kind: 'composite' }, contactType, '(SECRET)'],
    [{ kind: 'range', bounds: { kind: 'date-shift', by: 'id' } }, typed('date'), '2024-01-01'],
    [{ kind: 'range', bounds: { kind: 'email' } }, typed('int4range', { subtype: 'integer' }), '[1,2)'],
    [{ kind: 'range', bounds: { kind: 'null' } }, typed('int4range', { subtype: 'integer' }), '[1,2)'],
    [{ kind: 'range', bounds: { kind: 'id' } }, typed('int4range', { subtype: 'integer' }), 'SECRET'],
    [{ kind: 'shuffle' }, text, 'a'],
    [{ kind: 'sql' }, text, 'a'],
    ...[
      'a, b',
      'a; b',
      "'a",
      'a)',
      '(a',
      'a -- b',
      '/* a */ a',
      '',
      '(select a)',
      'now()',
      'CURRENT_DATE',
      '$1',
      'sum(a) OVER ()',
    ].map((expression): [RawOptions, ColumnFacts, Cell] => [{ kind: 'sql', expression }, text, 'a']),
    [{ kind: 'js', file: 'missing.js' }, text, 'a'],
    [{ kind: 'js', file: '../../../package.json' }, text, 'a'],
    [{ kind: 'js', file: 'rule.js' }, text, 'THROW SECRET'],
    [{ kind: 'js', file: 'rule.js' }, text, 'OBJECT SECRET'],
    [{ kind: 'js', file: 'rule.js', maxLength: 99 }, text, 'LONG SECRET'],
    [{ kind: 'js', file: 'rule.js', maxLength: 99 }, typed('character varying', { maxLength: 9 }), 'a'],
    [{ kind: 'command', command: [] }, text, 'a'],
    [{ kind: 'command', command: 'program.js' }, text, 'a'],
    ...['short', 'garbage'].map((manner): [RawOptions, ColumnFacts, Cell] => [
      { kind: 'command', command: [process.execPath, 'program.js', manner] },
      text,
      'SECRET',
    ]),
  ])('%j is refused', (rule, column, cell) => {
    expect(refused(() => transform(rule, column, [cell], ['x']))).toBe(true);
  });
});
