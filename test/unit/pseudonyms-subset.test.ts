import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { subset } from '../../config/pseudonymize-subset.ts';
import type { Catalog, CatalogTable } from '../../src/pseudonyms/discovery-catalog.ts';
import { AdjacencyBuilder } from '../../src/pseudonyms/subset/adjacency.ts';
import { components, kindsOf, restricting } from '../../src/pseudonyms/subset/graph.ts';
import { nowhere, PlaceSink } from '../../src/pseudonyms/subset/place-sink.ts';
import { ctidOf, type PlaceList, PlaceSpace, positionOf } from '../../src/pseudonyms/subset/places.ts';
import { RowSet } from '../../src/pseudonyms/subset/row-set.ts';
import { shareCondition } from '../../src/pseudonyms/subset/share.ts';

/** Close together, and far apart: beyond 32 bits and over several chunks. */
const positions = fc.oneof(
  fc.nat(200),
  fc.nat(200_000),
  fc.maxSafeNat().map((n) => n % 2 ** 42),
);

describe('sets of rows', () => {
  it('are sets', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(positions, fc.boolean())), positions, positions, (changes, a, b) => {
        const set = new RowSet();
        const model = new Set<number>();
        for (const [position, isNew] of changes) {
          if (isNew) expect(set.add(position)).toBe(!model.has(position) && model.add(position) !== undefined);
          else expect(set.delete(position)).toBe(model.delete(position));
          expect(set.has(position)).toBe(isNew);
        }
        const sorted = [...model].sort((x, y) => x - y);
        expect(set.size).toBe(sorted.length);
        expect([...set.positions()]).toEqual(sorted);
        const [from, to] = a < b ? [a, b] : [b, a];
        const within = sorted.filter((position) => position >= from && position < to);
        expect([...set.positions(from, to)]).toEqual(within);
        expect(set.count(from, to)).toBe(within.length);
        const rank = set.ranks();
        expect(sorted.map(rank)).toEqual(sorted.map((_, at) => at));
      }),
      { numRuns: 300 },
    );
  });

  it('of a million rows among 10 million are small', () => {
    const before = process.memoryUsage().arrayBuffers;
    const set = new RowSet();
    // 60 rows in each block.
    for (let row = 0; row < 10_000_000; row += 10) set.add(Math.floor(row / 60) * 292 + (row % 60));
    expect(set.size).toBe(1_000_000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16e6);
  });
});

describe('pairs of rows', () => {
  it('are found by their key', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(positions, positions)), (pairs) => {
        const builder = new AdjacencyBuilder(2 ** 42, 2 ** 42);
        for (const [key, value] of pairs) builder.add(key, value);
        const built = builder.build();
        for (const [key] of pairs) {
          expect([...built.of(key)]).toEqual(pairs.filter((pair) => pair[0] === key).map(([, value]) => value));
        }
        expect(built.of(2 ** 42)).toHaveLength(0);
      }),
    );
  });
});

const heap = (oid: number, blocks: number) => ({ oid, schema: 's', name: `t${oid}`, blocks, accessMethod: 'heap' });

describe('places', () => {
  const space = new PlaceSpace([heap(1, 3), heap(2, 0), heap(3, 100_000_000), heap(4, 1)], 8192);

  it('lead to a position and back', () => {
    const [first, empty, large, last] = space.leaves;
    expect([first!.from, empty!.from === empty!.to, last!.to]).toEqual([0, true, space.end]);
    for (const [leaf, block, line] of [
      [first!, 0, 1],
      [first!, 2, 291],
      [large!, 99_999_999, 7],
      [last!, 0, 1],
    ] as const) {
      const position = positionOf(leaf, block, line);
      expect(ctidOf(leaf, position)).toBe(`(${block},${line})`);
      expect(position >= leaf.from && position < leaf.to).toBe(true);
    }
    expect(() => positionOf(first!, 3, 1)).toThrow(/lies where none can be/);
    expect(() => positionOf(first!, 0, 292)).toThrow(/lies where none can be/);
  });

  it('are listed as an array would be', () => {
    const set = new RowSet();
    const [first, , large] = space.leaves;
    for (const line of [1, 5, 9]) set.add(positionOf(first!, 1, line));
    for (let block = 0; block < 10; block++) set.add(positionOf(large!, block * 9_999_999, 2));
    const lists = new Map([...space.byLeaf(set)].map(([{ oid }, list]) => [oid, list]));
    expect([...lists.values()].map(({ length }) => length)).toEqual([3, 0, 10, 0]);
    expect(lists.get(1)!.slice()).toEqual(['(1,1)', '(1,5)', '(1,9)']);
    expect(lists.get(3)!.slice(8, 12)).toEqual(['(79999992,2)', '(89999991,2)']);
    expect([...lists.get(3)!.parts(4)].map(({ length }) => length)).toEqual([4, 4, 2]);
  });

  it('are cut anywhere', () => {
    const set = new RowSet();
    const [, , large] = space.leaves;
    for (let row = 0; row < 30_000; row++) set.add(positionOf(large!, row * 3, 1 + (row % 200)));
    const [, , [, list]] = [...space.byLeaf(set)] as [unknown, unknown, [unknown, PlaceList]];
    const all = [...list.parts(1_000_000)].flat();
    expect(all).toHaveLength(30_000);
    fc.assert(
      fc.property(fc.nat(31_000), fc.nat(12_000), (start, length) => {
        expect(list.slice(start, start + length).join()).toBe(all.slice(start, start + length).join());
      }),
      { numRuns: 40 },
    );
    for (const start of [8191, 8192, 16384, 29_999, 30_000])
      expect(list.slice(start, start + 1)).toEqual(all.slice(start, start + 1));
  });

  it('are read from a binary COPY, however it is cut', async () => {
    const row = (...fields: (Buffer | null)[]) => {
      const parts = fields.map((field) => {
        const length = Buffer.alloc(4);
        length.writeInt32BE(field?.length ?? -1);
        return Buffer.concat([length, field ?? Buffer.alloc(0)]);
      });
      return Buffer.concat([Buffer.from([0, fields.length]), ...parts]);
    };
    const tid = (block: number, line: number) => {
      const bytes = Buffer.alloc(6);
      bytes.writeUInt32BE(block);
      bytes.writeUInt16BE(line, 4);
      return bytes;
    };
    const oid = (value: number) => Buffer.from(new Uint32Array([value]).buffer).swap32();
    const bytes = Buffer.concat([
      Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'),
      Buffer.alloc(8),
      row(tid(1, 2), oid(3), tid(70_000, 5)),
      row(tid(2, 1), null, null),
      row(tid(0, 1), oid(99), tid(0, 1)),
      Buffer.from([0xff, 0xff]),
    ]);
    const [first, , large] = space.leaves;
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.integer({ min: 1, max: 40 })), async (sizes) => {
        const taken: [number, number][] = [];
        const sink = new PlaceSink([first!, space], (child, parent) => taken.push([child, parent]));
        for (let at = 0; at < bytes.length; ) {
          const length = Math.min(sizes.next().value!, bytes.length - at);
          bytes.copy(sink.space(), 0, at, at + length);
          await sink.filled(length);
          at += length;
        }
        expect(taken).toEqual([
          [positionOf(first!, 1, 2), positionOf(large!, 70_000, 5)],
          [positionOf(first!, 2, 1), nowhere],
          [positionOf(first!, 0, 1), nowhere],
        ]);
      }),
    );
  });
});

describe('tables that refer to each other', () => {
  const arrows = (text: string) =>
    text.split(' ').map((each) => ({ child: each.split('>')[0]!, parent: each.split('>')[1]! }));

  it('are grouped by cycles, and come after what they refer to', () => {
    const groups = components('abcdef', arrows('a>b b>c c>b c>d e>e f>x')).map((group) => group.sort().join(''));
    expect([...groups].sort()).toEqual(['a', 'bc', 'd', 'e', 'f']);
    expect(groups.indexOf('d')).toBeLessThan(groups.indexOf('bc'));
    expect(groups.indexOf('bc')).toBeLessThan(groups.indexOf('a'));
    const chain = Array.from({ length: 10_000 }, (_, at) => ({ child: `t${at}`, parent: `t${at + 1}` }));
    expect(components(new Set(chain.map(({ child }) => child)), chain)).toHaveLength(10_000);
  });

  it('are chosen, children, parents or the rest', () => {
    const references = arrows(
      'customer>country customer>person person>customer order>customer holiday>country log>log',
    );
    const tables = ['customer', 'country', 'person', 'order', 'holiday', 'log', 'plan'];
    const kinds = kindsOf(tables, references, new Set(['customer']), new Set());
    expect(Object.fromEntries(kinds)).toEqual({
      customer: 'chosen',
      country: 'parent',
      person: 'child',
      order: 'child',
      holiday: 'rest',
      log: 'rest',
      plan: 'rest',
    });
    const asked = [...restricting(references, kinds)].map(({ child, parent }) => `${child}>${parent}`);
    expect(asked).toEqual(['person>customer', 'order>customer']);
  });
});

describe('a share', () => {
  const column = (name: string, nullable: boolean) => ({ name, nullable });
  const table = {
    schema: 's',
    name: 'T',
    columns: [column('id', false), column('Code', false), column('note', true)],
  } as CatalogTable;
  const index = (columns: string[], primary: boolean) => ({
    table: 's."T"',
    columns,
    primary,
    unique: true,
    expressions: [],
  });
  const condition = (indexes: object[], share = 0.25, seed = 'x') =>
    shareCondition({ indexes } as unknown as Catalog, table, share, seed);

  it('goes by the primary key, another unique one, or all there is', () => {
    expect(condition([index(['Code'], false), index(['id'], true)])).toContain('ROW("id")');
    expect(condition([index(['note'], false), index(['Code', 'id'], false)])).toContain('ROW("Code", "id")');
    expect(condition([index(['note'], false)])).toContain('ROW("id", "Code", "note")');
    expect(condition([])).toContain(`< ${2 ** 30}::`);
    expect(condition([], 1)).toBeUndefined();
    expect(condition([], 0.25, 'y')).not.toBe(condition([]));
  });
});

describe('the configuration', () => {
  const parse = (value: unknown) => subset.safeParse(value);
  const problems = (value: unknown) =>
    parse(value).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);

  it('has defaults, and reads shares', () => {
    expect(parse(undefined).data).toBeUndefined();
    expect(
      parse({ tables: { 'app.customers': { share: '0.5%' }, 'app.x': { where: 'true', share: '100%' } } }).data,
    ).toEqual({
      tables: { 'app.customers': { share: 0.005 }, 'app.x': { where: 'true', share: 1 } },
      others: 'follow',
      children: true,
      seed: 'holdfast',
    });
  });

  it('refuses what says nothing', () => {
    expect(problems({ tables: {} })).toEqual(['tables: expected at least one table']);
    expect(problems({ tables: { a: {} } })?.[0]).toMatch(/^tables\.a: expected `where`, `share` or both/);
    for (const share of ['0%', '101%', '10', '-1%', '1e1%', '%']) {
      expect(problems({ tables: { a: { share } } })?.[0], share).toMatch(/^tables\.a\.share: expected a share/);
    }
    expect(problems({ tables: { a: { where: '' } } })).toHaveLength(1);
    expect(problems({ tables: { a: { where: 'x' } }, others: 'some' })).toHaveLength(1);
  });

  it('describes every key', () => {
    const undescribed: string[] = [];
    const walk = (schema: Record<string, unknown>, path: string) => {
      if (path !== '' && !schema.description && !path.endsWith('*')) undescribed.push(path);
      for (const [key, inner] of Object.entries((schema.properties ?? {}) as Record<string, Record<string, unknown>>))
        walk(inner, `${path}.${key}`);
      if (typeof schema.additionalProperties === 'object')
        walk(schema.additionalProperties as Record<string, unknown>, `${path}.*`);
    };
    walk(z.toJSONSchema(subset, { io: 'input' }) as Record<string, unknown>, '');
    expect(undescribed).toEqual([]);
  });
});
