import { describe, expect, it } from 'vitest';
import { planBackup } from '../../src/sources/postgres/backup-plan.ts';
import type { Relation } from '../../src/sources/postgres/catalog-relations.ts';
import { displayName, quoteIdentifier, quoteLiteral } from '../../src/sources/postgres/quote.ts';
import { isConnectionLost, serverError, serverSaid } from '../../src/sources/postgres/server-errors.ts';
import { laterSettings, programOptions, startupOptions } from '../../src/sources/postgres/session-settings.ts';
import { copyStatement, generatedStatement } from '../../src/sources/postgres/table-copy.ts';
import { TablePatterns } from '../../src/sources/postgres/table-patterns.ts';

function relation(oid: number, over: Partial<Relation> = {}): Relation {
  return {
    oid,
    schema: 'public',
    name: `r${oid}`,
    kind: 'r',
    unlogged: false,
    accessMethod: 'heap',
    parent: null,
    partitioning: null,
    extension: null,
    config: null,
    readable: true,
    hidesRows: false,
    ...over,
  };
}

const plan = (relations: Relation[], patterns: string[] = [], inRecovery = false) =>
  planBackup(relations, new TablePatterns(patterns), inRecovery);
const names = (items: { name: string }[]) => items.map(({ name }) => name);

describe('the plan of a backup', () => {
  it('loads through the topmost partition root whose hash cannot be relied on', () => {
    const hash = (unstable: boolean) => ({ strategy: 'h', unstable });
    const made = plan([
      relation(1, { kind: 'p', partitioning: { strategy: 'r', unstable: false } }),
      relation(2, { kind: 'p', parent: 1, partitioning: hash(true) }),
      relation(3, { kind: 'p', parent: 2, partitioning: hash(true) }),
      relation(4, { kind: 'p', parent: 3, partitioning: hash(false) }),
      relation(5, { parent: 4 }),
      relation(6, { parent: 1 }),
    ]);
    expect(made.tables.map(({ relation: { oid }, order, loadThrough }) => [oid, order, loadThrough?.name])).toEqual([
      [5, 'sum', 'r2'],
      [6, 'heap', undefined],
    ]);
    expect(made.roots.length).toBe(4);
  });

  it('keeps the order only of plain heaps', () => {
    const made = plan([
      relation(1),
      relation(2, { accessMethod: 'columnar' }),
      relation(3, { extension: 'e', config: { condition: null } }),
    ]);
    expect(made.tables.map(({ order }) => order)).toEqual(['heap', 'sum', 'sum']);
  });

  it('excludes the partitions of an excluded root, and sequences', () => {
    const made = plan(
      [
        relation(1, { kind: 'p', name: 'events', partitioning: { strategy: 'r', unstable: false }, readable: false }),
        relation(2, { parent: 1, name: 'events_1' }),
        relation(3, { name: 'kept' }),
        relation(4, { kind: 'S', name: 'events_seq', readable: false }),
        relation(5, { kind: 'S', name: 'kept_seq' }),
      ],
      ['public.events', 'events_s*'],
    );
    expect(made.tables.map((table) => table.relation.name)).toEqual(['kept']);
    expect(names(made.sequences)).toEqual(['kept_seq']);
    expect(made.omitted.map(({ object }) => object)).toEqual(['public.events_1', 'public.events_seq']);
    expect(names(made.withoutSchema)).toEqual(['events', 'events_seq']);
    expect(made.shortfalls).toEqual([]);
  });

  it('knows that a standby has nothing of unlogged relations', () => {
    const relations = [relation(1, { unlogged: true }), relation(2)];
    expect(plan(relations).tables.length).toBe(2);
    const standby = plan(relations, [], true);
    expect(standby.tables.map((table) => table.relation.oid)).toEqual([2]);
    expect(standby.shortfalls).toEqual([
      { object: 'public.r1', reason: expect.stringContaining('standby'), degrades: true },
    ]);
  });

  it('sets members of extensions aside, and foreign tables', () => {
    const made = plan([relation(1, { extension: 'e' }), relation(2, { kind: 'f' })]);
    expect(made.tables).toEqual([]);
    expect(names(made.members)).toEqual(['r1']);
    expect(made.omitted[0]!.reason).toContain('foreign table');
    expect(made.shortfalls).toMatchObject([{ object: 'public.r2', degrades: false }]);
  });
});

describe('patterns of tables', () => {
  it.each([
    ['public.t', 'public', 't', true],
    ['public.t', 'other', 't', false],
    ['t', 'other', 't', true],
    ['t', 'other', 'tt', false],
    ['audit.*', 'audit', 'any.thing', true],
    ['*_log', 'a', 'x_log', true],
    ['t?', 'a', 't1', true],
    ['t?', 'a', 't', false],
    ['a+b', 'x', 'a+b', true],
    ['a+b', 'x', 'aab', false],
    ['T', 'a', 't', false],
    ['*', 'a', 'with\nnewline', true],
  ])('%s on %s.%s: %s', (pattern, schema, name, fits) => {
    const patterns = new TablePatterns([pattern]);
    expect(patterns.matches(schema, name)).toBe(fits);
    expect(patterns.unused()).toEqual(fits ? [] : [pattern]);
  });
});

describe('SQL text', () => {
  it('quotes', () => {
    expect(quoteIdentifier('a"b')).toBe('"a""b"');
    expect(quoteLiteral(`it's \\`)).toBe(`'it''s \\'`);
    expect(displayName('public', 'Odd')).toBe('public."Odd"');
  });

  it('copies one table alone, with its columns named', () => {
    expect(copyStatement({ schema: 's', name: 't"', columns: ['a', 'b"'] })).toBe(
      'COPY "s"."t""" ("a", "b""") TO STDOUT',
    );
    expect(copyStatement({ schema: 's', name: 't', columns: [] })).toBe('COPY (SELECT  FROM ONLY "s"."t" ) TO STDOUT');
    expect(copyStatement({ schema: 's', name: 't', columns: ['a'], condition: 'WHERE a > 1' })).toBe(
      'COPY (SELECT "a" FROM ONLY "s"."t" WHERE a > 1) TO STDOUT',
    );
    expect(generatedStatement({ schema: 's', name: 't', columns: ['a'] }, ['g'])).toBe(
      'COPY (SELECT "g" FROM ONLY "s"."t" ) TO STDOUT',
    );
  });

  it('sets what the server knows', () => {
    expect(startupOptions()).toContain('-c search_path= ');
    expect(startupOptions()).toContain('-c default_transaction_isolation=read\\ committed');
    expect(laterSettings(130_000, 'UTF8')).toEqual({});
    expect(laterSettings(170_002, 'SQL_ASCII')).toEqual({
      idle_session_timeout: '0',
      transaction_timeout: '0',
      client_encoding: 'SQL_ASCII',
    });
    expect(programOptions(150_000, 'SQL_ASCII')).toContain('-c client_encoding=SQL_ASCII');
    expect(programOptions(150_000, 'SQL_ASCII')).not.toContain('UTF8');
  });
});

describe('errors of the server', () => {
  const server = (code: string, message: string) => Object.assign(new Error(message), { code, severity: 'ERROR' });

  it('quote no row', () => {
    const said = serverError(server('22P02', 'invalid input syntax for type integer: "secret"'), 'source-failed', 'W.');
    expect(JSON.stringify([said.message, said.why, said.hint])).not.toContain('secret');
    expect(said.why).toContain('22P02');
    expect(serverSaid(server('42501', 'permission denied for table t'))).toBe(
      'The server says: permission denied for table t.',
    );
  });

  it('tell a lost connection from an error', () => {
    expect(isConnectionLost(server('57P01', 'x'))).toBe(true);
    expect(isConnectionLost(Object.assign(new Error('x'), { code: 'ECONNRESET' }))).toBe(true);
    expect(isConnectionLost(server('42501', 'x'))).toBe(false);
    expect(serverError(server('57P01', 'x'), 'source-failed', 'W.').why).toContain('ended the connection');
  });
});
