import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { modeText } from '../../commands/views/contents.ts';
import { errorDocument, errorText, shownError } from '../../commands/views/error.ts';
import { shownTarget } from '../../commands/views/restore.ts';
import { wantsColor } from '../../commands/views/style.ts';
import { facts, table } from '../../commands/views/table.ts';
import { formatAge, formatTime, plural } from '../../commands/views/times.ts';
import { totalsText } from '../../commands/views/totals.ts';
import { displayWidth, pad, printable, truncate } from '../../commands/views/width.ts';
import { exitStatus, HoldfastError } from '../../src/base/errors.ts';

describe('width', () => {
  it.each([
    ['plain', 5],
    ['名前', 4],
    ['e\u0301te\u0301', 3],
    ['🐘', 2],
    ['👩‍👩‍👧', 2],
    ['한국어', 6],
    ['\u200b', 0],
    ['❤️', 2],
    ['½…', 2],
  ])('of %s is %i', (text, width) => expect(displayWidth(text)).toBe(width));

  it('cuts at graphemes, at either end, and never takes more room', () => {
    expect(truncate('documents', 6)).toBe('docum…');
    expect(truncate('documents', 6, 'middle')).toBe('doc…ts');
    expect(truncate('名前名前', 4)).toBe('名…');
    expect(truncate('short', 5)).toBe('short');
    for (let width = 0; width < 12; width++) {
      expect(displayWidth(truncate('a名🐘e\u0301b前c', width))).toBeLessThanOrEqual(width);
    }
  });

  it('pads to columns, not to characters', () => {
    expect(pad('名', 4)).toBe('名  ');
    expect(pad('7', 3, 'right')).toBe('  7');
  });

  it('shows what would act on a terminal', () => {
    expect(printable('a\nb\u001b[31m\u202egpj.exe\u0000\u009b')).toBe('a\\nb\\x1b[31m\\u202egpj.exe\\x00\\x9b');
    expect(printable('naïve 名前 🐘')).toBe('naïve 名前 🐘');
  });
});

describe('tables', () => {
  interface Row {
    name: string;
    size: string;
  }
  const columns = [
    { title: 'NAME', value: ({ name }: Row) => name, cut: 'end' as const },
    { title: 'SIZE', value: ({ size }: Row) => size, align: 'right' as const },
  ];
  const rows = [
    { name: '名前', size: '1 B' },
    { name: 'a-rather-long-name-of-a-source', size: '12.5 GiB' },
  ];

  it('align by columns of the terminal', () => {
    const lines = table(columns, rows).trimEnd().split('\n');
    expect(new Set(lines.map(displayWidth))).toEqual(new Set([40]));
    expect(lines[1]).toBe(`名前${' '.repeat(33)}1 B`);
  });

  it('fit a narrow terminal, and cut nothing where there is none', () => {
    for (const line of table(columns, rows, { width: 24 }).split('\n'))
      expect(displayWidth(line)).toBeLessThanOrEqual(24);
    expect(table(columns, rows, { width: 24 })).toContain('a-rather-long…');
    expect(table(columns, rows)).toContain('a-rather-long-name-of-a-source');
  });

  it('keep a row on its line, whatever is in it', () => {
    expect(
      table(columns, [{ name: 'x\ny', size: '\u001b[2J' }])
        .trimEnd()
        .split('\n'),
    ).toHaveLength(2);
  });

  it('are empty without rows', () => expect(table(columns, [])).toBe(''));

  it('of facts leave out what is not known', () => {
    expect(
      facts([
        ['name', 'app'],
        ['gone', undefined],
        ['longer', 'x'],
      ]),
    ).toBe('name    app\nlonger  x\n');
  });
});

describe('values', () => {
  it('times are in the zone that was asked for', () => {
    expect(formatTime('2026-03-29T00:59:59.999Z', 'Europe/Paris')).toBe('2026-03-29 01:59:59');
    expect(formatTime('2026-03-29T01:00:00.000Z', 'Europe/Paris')).toBe('2026-03-29 03:00:00');
    expect(formatTime('2026-01-01T00:00:00.000Z', 'UTC')).toBe('2026-01-01 00:00:00');
  });

  it('ages tell when a clock is wrong', () => {
    const now = Date.parse('2026-11-22T12:00:00.000Z');
    expect(formatAge('2026-11-22T11:59:57.200Z', now)).toBe('2 s ago');
    expect(formatAge('2026-11-22T08:55:00.000Z', now)).toBe('3 h 5 min ago');
    expect(formatAge('2026-11-22T12:01:00.000Z', now)).toBe('in 1 min 0 s');
  });

  it('counts are words', () => {
    expect([plural(1, 'file'), plural(0, 'file'), plural(12345, 'entry', 'entries')]).toEqual([
      '1 file',
      '0 files',
      '12 345 entries',
    ]);
  });

  it('totals leave out zeros and what is about the run', () => {
    expect(totalsText({ bytes: 2048, tables: 12, rows: 34567, largeObjects: 1, sequences: 0, readBytes: 9 })).toBe(
      '12 tables, 34 567 rows, 1 large object, 2.00 KiB',
    );
    expect(totalsText({ directories: 1, files: 0 })).toBe('1 directory');
    expect(totalsText({})).toBe('nothing');
  });

  it.each([
    ['file', 0o644, '-rw-r--r--'],
    ['directory', 0o1777, 'drwxrwxrwt'],
    ['file', 0o4755, '-rwsr-xr-x'],
    ['file', 0o6644, '-rwSr-Sr--'],
    ['symlink', 0o777, 'lrwxrwxrwx'],
  ])('mode of a %s %o is %s', (kind, mode, text) => expect(modeText(kind, mode)).toBe(text));

  it('a target is shown without its password', () => {
    const server = { host: 'db', port: 5432, user: 'u', database: 'postgres', password: 'hunter2' };
    const targets = [
      { kind: 'database', admin: server, database: 'new' },
      { kind: 'schema', connection: server, intoSchema: 'rescued' },
    ] as const;
    for (const target of targets) {
      const shown = JSON.stringify(shownTarget(target));
      expect(shown).not.toContain('hunter2');
      expect(shown).toContain('db:5432');
    }
  });
});

describe('errors', () => {
  it('say what, why and what to do', () => {
    const error = new HoldfastError('site-full', 'The site is full.', { why: 'It has 0 bytes.', hint: 'Add a disk.' });
    expect(errorText(error)).toBe('error: The site is full.\nwhy: It has 0 bytes.\nhint: Add a disk.\n');
    expect(errorDocument(error)).toEqual({
      error: { code: 'site-full', message: 'The site is full.', why: 'It has 0 bytes.', hint: 'Add a disk.' },
    });
  });

  it('that are not ours are called a defect, and show where they come from only when asked', () => {
    const error = shownError(new TypeError('x is undefined\n    more'));
    expect(error.code).toBe('internal');
    expect(error.message).toBe('x is undefined');
    expect(errorText(error)).not.toContain('commands-views.test.ts');
    expect(errorText(error, undefined, true)).toContain('commands-views.test.ts');
    expect(shownError(undefined).message).not.toBe('');
  });

  it('cannot act on a terminal', () => {
    expect(errorText(new HoldfastError('failed', 'A \u001b[2J name.'))).toBe('error: A \\x1b[2J name.\n');
  });
});

describe('colours', () => {
  const terminal = { isTTY: true };
  it.each([
    [terminal, { color: true }, { TERM: 'xterm' }, true],
    [{}, { color: true }, { TERM: 'xterm', FORCE_COLOR: '1' }, false],
    [terminal, { color: false }, { TERM: 'xterm' }, false],
    [terminal, { color: true }, { TERM: 'dumb' }, false],
    [terminal, { color: true }, { NO_COLOR: '1' }, false],
    [terminal, { color: true }, { NO_COLOR: '' }, true],
  ])('of %j with %j and %j: %s', (stream, flags, environment, wanted) => {
    expect(wantsColor(stream, flags, environment as Record<string, string>)).toBe(wanted);
  });
});

describe('docs/exit-codes.md', () => {
  it('is the table in the code', () => {
    const text = readFileSync(join(import.meta.dirname, '../../docs/exit-codes.md'), 'utf8');
    const documented = new Map<string, number>();
    for (const [, status, codes] of text.matchAll(/^\| (\d+) \|[^|]*\| ([^|]*) \|$/gm)) {
      for (const [, code] of codes!.matchAll(/`([a-z-]+)`/g)) documented.set(code!, Number(status));
    }
    expect(Object.fromEntries(documented)).toEqual(exitStatus);
  });
});
