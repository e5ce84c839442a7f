import { describe, expect, it } from 'vitest';
import { selectEntries } from '../../src/sources/postgres/archive-selection.ts';
import { describeEntry, followUp } from '../../src/sources/postgres/archive-statements.ts';
import { readToc, type TocEntry } from '../../src/sources/postgres/archive-toc.ts';
import type { DatabaseLine } from '../../src/sources/postgres/manifest.ts';

/** Writes what pg_dump writes, from its own description of the format. */
class Writer {
  readonly parts: Buffer[] = [];
  readonly #integerSize: number;

  constructor(integerSize = 4) {
    this.#integerSize = integerSize;
  }

  byte(value: number) {
    this.parts.push(Buffer.from([value]));
    return this;
  }
  integer(value: number) {
    const bytes = Buffer.alloc(this.#integerSize);
    bytes.writeUInt32LE(Math.abs(value));
    return this.byte(value < 0 ? 1 : 0).add(bytes);
  }
  text(value: string | Buffer | null) {
    if (value === null) return this.integer(-1);
    const bytes = Buffer.from(value as string);
    return this.integer(bytes.length).add(bytes);
  }
  add(bytes: Buffer) {
    this.parts.push(bytes);
    return this;
  }
}

interface Wanted {
  tag: string;
  desc: string;
  defn?: string | Buffer | null;
  namespace?: string | null;
  owner?: string;
  dependencies?: number[];
  tablespace?: string | null;
  tableAm?: string | null;
  relkind?: string;
  drop?: string | null;
  section?: number;
}

function archive(minor: number, entries: Wanted[], { integerSize = 4, offsetSize = 8 } = {}): Buffer {
  const w = new Writer(integerSize);
  w.add(Buffer.from('PGDMP')).byte(1).byte(minor).byte(0).byte(integerSize).byte(offsetSize).byte(1);
  if (minor >= 15) w.byte(0);
  else w.integer(-1);
  for (let i = 0; i < 7; i++) w.integer(i);
  w.text('a "db"').text('15.18').text('15.18 (Debian)').integer(entries.length);
  for (const [at, entry] of entries.entries()) {
    w.integer(at + 1)
      .integer(0)
      .text('1259')
      .text('16385')
      .text(entry.tag)
      .text(entry.desc);
    w.integer(entry.section ?? 2)
      .text(entry.defn ?? null)
      .text(entry.drop ?? null)
      .text(null);
    w.text(entry.namespace ?? null).text(entry.tablespace === undefined ? '' : entry.tablespace);
    if (minor >= 14) w.text(entry.tableAm ?? null);
    if (minor >= 16) w.integer(entry.relkind ? entry.relkind.charCodeAt(0) : 0);
    w.text(entry.owner ?? 'me').text('false');
    for (const id of entry.dependencies ?? []) w.text(String(id));
    w.text(null).byte(3).add(Buffer.alloc(offsetSize));
  }
  return Buffer.concat(w.parts);
}

const odd = 'two\nlines; "quoted" \\. ☃';

describe('readToc', () => {
  it.each([12, 13, 14, 15, 16])('reads format 1.%i', (minor) => {
    const toc = readToc(
      archive(minor, [
        { tag: odd, desc: 'TABLE', defn: 'CREATE TABLE …', namespace: odd, owner: odd, tableAm: 'heap', relkind: 'r' },
        {
          tag: 'v',
          desc: 'VIEW',
          section: 4,
          dependencies: [1, 77],
          tablespace: null,
          defn: Buffer.from([0x80, 0xff]),
        },
      ]),
    );
    expect(toc).toMatchObject({ formatVersion: `1.${minor}.0`, database: 'a "db"', serverVersion: '15.18' });
    const [table, view] = toc.entries;
    expect(table).toMatchObject({
      dumpId: 1,
      tableOid: 1259,
      oid: 16385,
      tag: odd,
      namespace: odd,
      owner: odd,
      section: 'pre-data',
    });
    expect(table).toMatchObject({
      tablespace: '',
      tableAm: minor >= 14 ? 'heap' : null,
      relkind: minor >= 16 ? 'r' : '',
    });
    expect(view).toMatchObject({
      section: 'post-data',
      dependencies: [1, 77],
      namespace: '',
      tablespace: null,
      tableAm: null,
    });
    expect(view!.defn).toEqual(Buffer.from([0x80, 0xff]));
  });

  it('goes by the sizes the header tells', () => {
    const toc = readToc(
      archive(
        14,
        [
          { tag: 'a', desc: 'TABLE' },
          { tag: 'b', desc: 'TABLE' },
        ],
        { integerSize: 8, offsetSize: 4 },
      ),
    );
    expect(toc.entries.map(({ tag }) => tag)).toEqual(['a', 'b']);
  });

  it('refuses what is no such archive, or ends early, at every byte', () => {
    const whole = archive(14, [{ tag: 'a', desc: 'TABLE', defn: 'x' }]);
    expect(() => readToc(whole)).not.toThrow();
    for (let length = 0; length < whole.length; length++) {
      expect(() => readToc(whole.subarray(0, length))).toThrow(expect.objectContaining({ code: 'object-damaged' }));
    }
    expect(() => readToc(Buffer.from('-- PostgreSQL database dump'))).toThrow(
      expect.objectContaining({ code: 'object-damaged' }),
    );
  });

  it.each([11, 17])('refuses format 1.%i, which it does not know', (minor) => {
    expect(() => readToc(archive(minor, []))).toThrow(expect.objectContaining({ code: 'target-failed' }));
  });
});

describe('followUp', () => {
  const statement = (entry: Wanted) => followUp(readToc(archive(16, [entry])).entries[0]!, entry.owner)?.toString();

  it('names objects as their type needs', () => {
    expect(statement({ desc: 'TABLE', tag: 'a "b', namespace: 's', owner: 'o', drop: 'DROP TABLE x;\n' })).toBe(
      'ALTER TABLE "s"."a ""b" OWNER TO "o"',
    );
    expect(statement({ desc: 'SCHEMA', tag: 's', owner: 'o', drop: 'DROP SCHEMA s;\n' })).toBe(
      'ALTER SCHEMA "s" OWNER TO "o"',
    );
    expect(
      statement({
        desc: 'FUNCTION',
        tag: 'f(int)',
        namespace: 's',
        owner: 'o',
        drop: 'DROP FUNCTION s."f;"(i integer);\n',
      }),
    ).toBe('ALTER FUNCTION s."f;"(i integer) OWNER TO "o"');
    expect(
      statement({ desc: 'INDEX', tag: 'i', namespace: 's', owner: 'o', drop: 'DROP INDEX s.i;\n' }),
    ).toBeUndefined();
    expect(statement({ desc: 'TABLE', tag: 't', namespace: 's', owner: '', drop: 'DROP TABLE x;\n' })).toBeUndefined();
  });

  it('gives partitioned tables their access method, which has no setting', () => {
    expect(statement({ desc: 'TABLE', tag: 't', namespace: 's', owner: '', tableAm: 'columnar', relkind: 'p' })).toBe(
      'ALTER TABLE "s"."t" SET ACCESS METHOD "columnar";',
    );
  });
});

describe('selectEntries', () => {
  const toc = readToc(
    archive(14, [
      { tag: 's', desc: 'SCHEMA' },
      { tag: 'mood', desc: 'TYPE', namespace: 's', dependencies: [1] },
      { tag: 'root', desc: 'TABLE', namespace: 's', dependencies: [1, 2] },
      { tag: 'leaf', desc: 'TABLE', namespace: 's', dependencies: [1, 2] },
      { tag: 'leaf', desc: 'TABLE ATTACH', namespace: 's', dependencies: [3, 4] },
      { tag: 'other', desc: 'TABLE', namespace: 's', dependencies: [1] },
      { tag: 'leaf fk', desc: 'FK CONSTRAINT', namespace: 's', dependencies: [4, 6], section: 4 },
      { tag: 'leaf_i', desc: 'INDEX', namespace: 's', dependencies: [4], section: 4 },
      { tag: 'TABLE leaf', desc: 'COMMENT', namespace: 's', dependencies: [4], section: 1 },
      { tag: 'f()', desc: 'FUNCTION', namespace: 's', dependencies: [1] },
      { tag: 'leaf audit', desc: 'TRIGGER', namespace: 's', dependencies: [4, 10], section: 4 },
    ]),
  );
  const database = { hasPublicSchema: true, extensions: [] } as unknown as DatabaseLine;
  const chosen = (part: Parameters<typeof selectEntries>[2]) => {
    const selection = selectEntries(toc, database, part);
    return { selection, entries: toc.entries.filter((entry: TocEntry) => selection.entry(entry)).map(describeEntry) };
  };

  it('takes partitions with their root, and needs with what needs them', () => {
    const { selection, entries } = chosen({ tables: [{ name: 'root' }] });
    expect(entries).toEqual([
      'schema s',
      'type s.mood',
      'table s.root',
      'table s.leaf',
      'table attach leaf in s',
      'index s.leaf_i',
      'comment on table leaf in s',
      'function f() in s',
      'trigger leaf audit in s',
    ]);
    expect(selection.leftOut).toEqual([
      { object: 'fk constraint leaf fk in s', reason: 'It needs what is not restored: table s.other.' },
    ]);
  });

  it('takes a leaf without its root, and says so', () => {
    const { selection, entries } = chosen({ tables: [{ schema: 's', name: 'leaf' }] });
    expect(entries).not.toContain('table s.root');
    expect(selection.leftOut.map(({ object }) => object)).toEqual([
      'table attach leaf in s',
      'fk constraint leaf fk in s',
    ]);
  });

  it('takes everything when nothing is named', () => {
    expect(chosen({ tables: [], schemas: [] }).entries).toHaveLength(toc.entries.length);
    expect(selectEntries(toc, database, {}).whole).toBe(true);
  });
});
