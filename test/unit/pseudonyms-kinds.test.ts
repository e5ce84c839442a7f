import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProgramPool } from '../../src/pseudonyms/copy/programs.ts';
import { rowRewrite } from '../../src/pseudonyms/copy/row-rewrite.ts';
import { selectList, transformTable } from '../../src/pseudonyms/copy/table-transform.ts';
import { PseudonymKey } from '../../src/pseudonyms/keys.ts';
import type { ColumnEntry } from '../../src/pseudonyms/lock.ts';
import type { RawOptions } from '../../src/pseudonyms/options.ts';
import {
  formatHstore,
  formatRanges,
  formatRow,
  type HstorePairs,
  parseHstore,
  parseRanges,
  parseRow,
} from '../../src/pseudonyms/part-text.ts';
import { makeTransformer } from '../../src/pseudonyms/registry.ts';
import { calledFunctions, expressionProblem } from '../../src/pseudonyms/sql-expression.ts';
import type { Cell, ColumnFacts } from '../../src/pseudonyms/transformer.ts';
import { rulesDirectory, text, transform, typed } from '../support/pseudonym-cases.ts';

const secret = new PseudonymKey(Buffer.alloc(32, 7));
const key = secret.domain('kinds');

const alone = (rule: RawOptions, column: ColumnFacts, cells: Cell[], ids: Cell[] = cells.map(() => 'a')) =>
  transform(rule, column, { cells, ids }, { key });

const odd = fc
  .array(fc.constantFrom('a', '"', '\\', ',', '(', ')', '{', '}', '=', '>', ' ', '\n', 'é', '😀', 'NULL'), {
    maxLength: 9,
  })
  .map((list) => list.join(''));

describe('texts of values with parts', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(odd, fc.option(odd)), { maxLength: 5 }), (pairs) => {
        expect(parseHstore(formatHstore(pairs as HstorePairs))).toEqual(pairs);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.option(odd), { minLength: 2, maxLength: 5 }), (fields) => {
        expect(parseRow(formatRow(fields))).toEqual(fields);
      }),
    );
    const bound = fc.option(
      odd.filter((made) => made !== ''),
      { nil: undefined },
    );
    const range = fc.record({ lower: bound, upper: bound, lowerInclusive: fc.boolean(), upperInclusive: fc.boolean() });
    fc.assert(
      fc.property(fc.array(range, { maxLength: 3 }), fc.boolean(), (ranges, multi) => {
        const written = { multi, ranges: multi ? ranges : ranges.slice(0, 1) };
        expect(parseRanges(formatRanges(written))).toEqual(written);
      }),
    );
  });

  it('are told from what is none', () => {
    for (const none of ['a', '"a"', '"a"=>', '"a"=>"b",', '"a"=>"b" "c"=>"d"'])
      expect(parseHstore(none)).toBeUndefined();
    for (const none of ['', 'a', '(', '(a', '(a) ', '("a)']) expect(parseRow(none)).toBeUndefined();
    for (const none of ['', '[1,2', '[1]', '{[1,2)', '[1,2)[3,4)', '{[1,2);[3,4)}'])
      expect(parseRanges(none)).toBeUndefined();
  });
});

describe('ranges', () => {
  const dates = typed('tsrange', { subtype: 'timestamp without time zone' });
  const shift = { kind: 'range', bounds: { kind: 'date-shift', by: 'id' } };

  it('keep their length and their order, also in a multirange', () => {
    const cells = [
      '["2024-01-01 10:00:00","2024-01-02 09:00:00")',
      '{["2024-01-01 10:00:00",),(,"2020-01-01 00:00:00"]}',
    ];
    const [one, many] = alone(shift, dates, cells).map((cell) => parseRanges(cell!)!);
    const [other] = alone(shift, dates, cells, ['c', 'c']).map((cell) => parseRanges(cell!)!);
    expect(one!.ranges[0]!.lower).toMatch(/ 10:00:00$/);
    expect(one!.ranges[0]).toMatchObject({ lowerInclusive: true, upperInclusive: false });
    // The same subject, the same shift.
    expect(many!.ranges[0]!.lower).toBe(one!.ranges[0]!.lower);
    expect(other!.ranges[0]!.lower).not.toBe(one!.ranges[0]!.lower);
    expect(many!.ranges[1]!.lower).toBeUndefined();
  });

  it('bounds that the rule turns around change places, and never make the range empty', () => {
    const numbers = typed('int8range', { subtype: 'bigint' });
    for (let low = 1; low < 60; low++) {
      const [made] = alone({ kind: 'range', bounds: { kind: 'id' } }, numbers, [`[${low},${low + 1})`]);
      const { lower, upper } = parseRanges(made!)!.ranges[0]!;
      expect(BigInt(lower!)).toBeLessThan(BigInt(upper!));
    }
    expect(alone({ kind: 'range', bounds: { kind: 'generalize', step: 10 } }, numbers, ['(12,15)', 'empty'])).toEqual([
      '["10","10"]',
      'empty',
    ]);
  });
});

describe('parts', () => {
  it('of a row type may go by another column, and by position', () => {
    const column = typed('stay', {
      fields: [
        { name: 'guest', type: 'text' },
        { name: 'since', type: 'date' },
      ],
    });
    const rule = { kind: 'composite', fields: { '1': { kind: 'email' }, since: { kind: 'date-shift', by: 'id' } } };
    const made = alone(
      rule,
      column,
      ['(a@x.org,2024-01-01)', '(a@x.org,2024-01-01)', null, '(,)'],
      ['a', 'c', 'a', 'a'],
    );
    const [a, c] = [parseRow(made[0]!)!, parseRow(made[1]!)!];
    expect(a[0]).toBe(c[0]);
    expect(a[1]).not.toBe(c[1]);
    expect(made.slice(2)).toEqual([null, '(,)']);
  });

  it('of one domain agree with columns of that domain', () => {
    const rule = { kind: 'hstore', paths: { mail: { kind: 'email', domain: 'email' }, '*': { kind: 'null' } } };
    const [made] = alone(rule, typed('hstore'), ['"mail"=>"Jane@x.org", "other"=>"1"']);
    const column = transform(
      { kind: 'email' },
      text,
      { cells: ['jane@x.org'], ids: ['a'] },
      { key: secret.domain('email') },
    );
    expect(parseHstore(made!)).toEqual([
      ['mail', column[0]],
      ['other', null],
    ]);
  });

  it('of XML are found by their path; entities are undone before and made again after', () => {
    const rule = {
      kind: 'xml',
      paths: { 'list/*/name': { kind: 'text' }, 'list/@of': { kind: 'keep' } },
      default: 'keep',
    };
    const [made] = alone(rule, typed('xml'), [
      '<list of="a&amp;b"><p><name>Tom &lt;3</name></p><q>x &#233;</q></list>',
    ]);
    expect(made).toMatch(/^<list of="a&amp;b"><p><name>[^<&]{6}<\/name><\/p><q>x é<\/q><\/list>$/);
  });

  it('a batch that fails leaves nothing to the next', () => {
    const rule = { kind: 'hstore', paths: { a: { kind: 'id' } } };
    const run = makeTransformer(rule).prepare({ key, column: typed('hstore') });
    const out: Cell[] = [];
    expect(() => run(['"a"=>"1"', '"b"=>"2"'], out)).toThrow(/cannot be transformed/);
    run(['"a"=>"5"'], out);
    expect(out[0]).toBe(alone(rule, typed('hstore'), ['"a"=>"5"'])[0]);
  });
});

describe('shuffle', () => {
  const rule = { kind: 'shuffle', by: 'row' };

  it('deals the values of a column out anew: all of them, none to its own row', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(
          odd.filter((made) => made !== ''),
          { minLength: 2, maxLength: 40 },
        ),
        (values) => {
          const cells = [...values, null, ''];
          const made = alone(rule, text, cells);
          expect([...made].sort()).toEqual([...cells].sort());
          expect(values.every((value, row) => made[row] !== value)).toBe(true);
          expect(made.slice(-2)).toEqual([null, '']);
        },
      ),
    );
  });

  it('another key deals otherwise', () => {
    const cells = Array.from({ length: 50 }, (_, at) => `v${at}`);
    const other = new PseudonymKey(Buffer.alloc(32, 8)).domain('kinds');
    const made = transform(rule, text, { cells, ids: cells }, { key: other });
    expect(alone(rule, text, cells).filter((value, row) => value === made[row]).length).toBeLessThan(8);
  });

  it('needs a column that tells the rows apart', () => {
    const whole = { by: ['a', 'a'], values: ['x', 'SECRET'] };
    expect(() => makeTransformer(rule).prepare({ key, column: text, whole })).toThrow(/cannot be transformed/);
    const entry: ColumnEntry = { rule: { kind: 'shuffle', options: { by: 'id' } }, type: 'text', review: false };
    const kept: ColumnEntry = { rule: { kind: 'keep', options: {} }, type: 'text', review: false };
    const entries = new Map([
      ['c', entry],
      ['id', kept],
    ]);
    const facts = (id: Partial<ColumnFacts>) =>
      new Map([
        ['c', text],
        ['id', { ...text, ...id }],
      ] as const);
    expect(() => transformTable('t', ['c', 'id'], entries, facts({ unique: true }))).toThrow(/tell its rows apart/);
    const made = transformTable('t', ['c', 'id'], entries, facts({ unique: true, nullable: false }));
    expect(made.ruled).toMatchObject([{ column: 'c', whole: { by: 'id' } }]);
    expect(structuredClone(made)).toEqual(made);
  });
});

describe('SQL expressions', () => {
  it('are one, of the row, and the same each time', () => {
    for (const good of [
      "date_trunc('month', created_at)",
      'a || \';\' || "select"',
      'CASE WHEN a > 1 THEN b END',
      'extract(year FROM born)',
      "coalesce(a, 'now()')",
      'ARRAY[a, b]',
      'b::numeric(6, 2)',
    ])
      expect(expressionProblem(good), good).toBeUndefined();
    expect(calledFunctions('app."Two""x"(lower(a)) || pg_catalog.upper (b) || \'c(\' || (a)')).toEqual([
      { schema: 'app', name: 'Two"x' },
      { schema: '', name: 'lower' },
      { schema: 'pg_catalog', name: 'upper' },
    ]);
  });

  it('stand in the place of their columns', () => {
    const entry = (kind: 'sql' | 'keep', options = {}): ColumnEntry => ({
      rule: { kind, options },
      type: 'x',
      review: false,
    });
    const entries = new Map([
      ['a"b', entry('sql', { expression: "upper(c) || ','" })],
      ['c', entry('keep')],
    ]);
    const facts = new Map([
      ['a"b', text],
      ['c', text],
    ]);
    const made = transformTable('t', ['c', 'a"b'], entries, facts);
    expect(selectList(made)).toBe(`"c", (upper(c) || ',') AS "a""b"`);
    expect(selectList({ ...made, ruled: [] })).toBe('"c", "a""b"');
    // Nothing is left to rewrite.
    expect(rowRewrite(made, secret)).toBeUndefined();
  });
});

describe('functions and programs', () => {
  const js = { kind: 'js', file: 'rule.js', columns: ['id'] };

  it('a function sees columns of the row, and draws by key and domain', () => {
    const [mine, nobody] = alone(js, text, ['v', 'v'], ['7', null]);
    expect(mine).toMatch(/^somebody-/);
    expect(nobody).toBe(mine!.replace('some', 'no'));
    const other = transform(js, text, { cells: ['v'], ids: ['7'] }, { key: secret.domain('other') });
    expect(other[0]).not.toBe(mine);
    expect(makeTransformer({ ...js, unique: true }).guarantee(text).uniqueness).toBe('bijective');
    expect(makeTransformer(js).guarantee(text)).toMatchObject({ uniqueness: 'lossy', nulls: 'kept', empty: 'kept' });
    expect(makeTransformer({ ...js, all: true }).guarantee(text)).toMatchObject({ nulls: 'replaced' });
  });

  const program = (...manner: string[]): RawOptions => ({
    kind: 'command',
    command: [process.execPath, 'program.js', ...manner],
    timeout: 5,
  });
  const asked = (pool: ProgramPool, rule: RawOptions, cells: Cell[]) =>
    transform(rule, text, { cells, ids: cells }, { key, programs: pool });
  const runs = (pid: string) => {
    try {
      return process.kill(Number(pid), 0);
    } catch {
      return false;
    }
  };

  it('a program is started once, sees no secret, and is ended', async () => {
    const pool = new ProgramPool();
    const [pid] = asked(pool, program('pid'), ['a']);
    expect(asked(pool, program('pid'), ['b', null, ''])).toEqual([pid, null, '']);
    expect(asked(pool, program('environment'), ['a'])).toEqual(['PATH']);
    expect(asked(pool, program('directory'), ['a'])).toEqual([rulesDirectory]);
    expect(runs(pid!)).toBe(true);
    await pool[Symbol.asyncDispose]();
    expect(runs(pid!)).toBe(false);
    // And again, where somebody goes on.
    expect(asked(pool, program('pid'), ['a'])[0]).not.toBe(pid);
    await pool[Symbol.asyncDispose]();
  });

  it.each([
    ['exit', 'It ended with status 3 before it answered.'],
    ['sleep', 'It did not answer within 1 s.'],
    ['twice', 'It wrote more than one line for a line.'],
  ])('a program that does `%s` fails, now and later, and no value is told', async (manner, why) => {
    await using pool = new ProgramPool();
    const rule = { ...program(manner), timeout: manner === 'sleep' ? 1 : 5 };
    for (const _ of [1, 2]) {
      const error = (() => {
        try {
          return asked(pool, rule, ['SECRET']);
        } catch (thrown) {
          return thrown;
        }
      })();
      expect(error).toMatchObject({ code: 'failed', why });
      expect(JSON.stringify(error)).not.toContain('SECRET');
    }
  });

  it('take their directory from the transform', async () => {
    await using pool = new ProgramPool();
    const entries = new Map<string, ColumnEntry>([
      [
        'c',
        { rule: { kind: 'command', options: { command: [process.execPath, 'program.js'] } }, type: 'x', review: false },
      ],
      ['d', { rule: { kind: 'js', options: { file: './rule.js' } }, type: 'x', review: false }],
    ]);
    const facts = new Map([
      ['c', text],
      ['d', text],
    ]);
    const made = transformTable('t', ['c', 'd'], entries, facts, rulesDirectory);
    const { strings } = rowRewrite(structuredClone(made), secret, undefined, { programs: pool })!;
    const [c, d] = strings([
      ['a', null],
      ['b', ''],
    ]);
    expect(c).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/), null]);
    expect(d).toEqual([expect.stringMatching(/^somebody-/), '']);
    expect(() => rowRewrite(transformTable('t', ['c', 'd'], entries, facts), secret)).toThrow(/no directory/);
  });
});
