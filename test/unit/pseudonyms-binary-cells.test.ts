import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binaryCellsOf } from '../../src/pseudonyms/binary-cells.ts';
import { ByteColumn } from '../../src/pseudonyms/byte-column.ts';
import { formatDate, parseDate } from '../../src/pseudonyms/civil-date.ts';
import { parseIp } from '../../src/pseudonyms/ip-text.ts';
import type { Cell } from '../../src/pseudonyms/transformer.ts';

/** What kernels write of whole columns, held against what can be said of a single cell without them. */
type Bytes = Buffer | null;

function columnOf(cells: readonly Bytes[]): ByteColumn {
  const column = new ByteColumn();
  column.begin(cells.length);
  for (const cell of cells) {
    if (cell === null) column.nothing();
    else {
      column.reserve(cell.length);
      column.at += cell.copy(column.bytes, column.at);
      column.end();
    }
  }
  return column;
}

function codecOf(type: string) {
  const codec = binaryCellsOf(type);
  if (typeof codec !== 'object') throw new Error('no such type');
  return codec;
}

function textsOf(type: string, cells: readonly Bytes[]): readonly Cell[] {
  const out = new ByteColumn();
  codecOf(type).read(columnOf(cells), out);
  return out.strings();
}

function binaryOf(type: string, cells: readonly Cell[]): Bytes[] {
  const out = new ByteColumn();
  codecOf(type).write(new ByteColumn().fill(cells), out);
  return cells.map((_, i) => (out.to[i]! < 0 ? null : Buffer.from(out.bytes.subarray(out.from[i], out.to[i]))));
}

function bigEndian(value: bigint, size: number): Buffer {
  return Buffer.from(
    BigInt.asUintN(size * 8, value)
      .toString(16)
      .padStart(size * 2, '0'),
    'hex',
  );
}

/** One value refused among others. */
const refused = (type: string, cell: Cell) => expect(() => binaryOf(type, [null, cell])).toThrow(RangeError);

/** With NULL here and there. */
const column = <T>(value: fc.Arbitrary<T>) =>
  fc.array(fc.oneof({ weight: 6, arbitrary: value }, { weight: 1, arbitrary: fc.constant(null) }), { maxLength: 20 });

const epoch = 10_957;

describe('binary cells', () => {
  it('dates, of all years', () => {
    const day = fc.oneof(
      fc.integer({ min: epoch + 1 - 2 ** 31, max: epoch - 2 + 2 ** 31 }),
      fc.integer({ min: -720_000, max: 2_940_000 }),
      fc.constantFrom(-719_163, -719_162, 2_932_896, 2_932_897, 0, -1),
    );
    fc.assert(
      fc.property(column(day), (days) => {
        const texts = days.map((each) => (each === null ? null : formatDate(each, '')));
        const cells = days.map((each) => (each === null ? null : bigEndian(BigInt(each - epoch), 4)));
        expect(textsOf('date', cells)).toEqual(texts);
        // Of years of more than seven digits there are none in PostgreSQL.
        if (texts.every((text) => text === null || /^\d{4,7}-/.test(text)))
          expect(binaryOf('date', texts)).toEqual(cells);
      }),
      { numRuns: 1000 },
    );
    const endless = [bigEndian(2n ** 31n - 1n, 4), bigEndian(-(2n ** 31n), 4)];
    expect(textsOf('date', endless)).toEqual(['infinity', '-infinity']);
    expect(binaryOf('date', ['infinity', '-infinity'])).toEqual(endless);
    expect(() => textsOf('date', [bigEndian(0n, 4), bigEndian(0n, 8)])).toThrow(RangeError);
  });

  it('every plain day of 400 years, and of the first and the last ones', () => {
    const whole = (from: string, to: string) => [from, to].map((text) => Date.parse(text) / 86_400_000);
    const spans = [
      whole('0001-01-01', '0010-01-01'),
      whole('1700-01-01', '2100-01-01'),
      whole('9990-01-01', '9999-12-31'),
    ];
    const [texts, back] = [new ByteColumn(), new ByteColumn()];
    const { read, write } = codecOf('date');
    // The calendar of the language, which has no other one before 1582 either.
    const midnight = new Date(0);
    for (const [first, last] of spans) {
      const days = Array.from({ length: last! - first! + 1 }, (_, k) => first! + k);
      const cells = new ByteColumn();
      cells.begin(days.length, 4);
      for (const day of days) {
        cells.at = cells.bytes.writeInt32BE(day - epoch, cells.at);
        cells.end();
      }
      read(cells, texts);
      write(texts, back);
      const strings = texts.strings();
      const wrong = days.filter((day, k) => {
        midnight.setTime(day * 86_400_000);
        const isBack = back.to[k]! - back.from[k]! === 4 && back.bytes.readInt32BE(back.from[k]) === day - epoch;
        return !isBack || strings[k] !== midnight.toISOString().slice(0, 10);
      });
      expect(wrong).toEqual([]);
    }
  });

  it('texts that are no plain date', () => {
    const piece = fc.constantFrom(
      ...'0123456789',
      '-',
      '-',
      ' BC',
      ' ',
      'x',
      '/',
      ':',
      '-01',
      '-12',
      '1970',
      '0000',
      'é',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 9 }), (pieces) => {
        const text = pieces.join('');
        const date = parseDate(text);
        if (date === undefined || date.rest !== '') refused('date', text);
        else expect(binaryOf('date', [text, null])).toEqual([bigEndian(BigInt(date.day - epoch), 4), null]);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['timestamp without time zone', ''],
    ['timestamp with time zone', '+00'],
  ])('%s', (type, zone) => {
    const dayLength = 86_400_000_000n;
    const moment = fc.oneof(
      fc.bigInt({ min: -211_810_000_000_000_000n, max: 9_000_000_000_000_000_000n }),
      fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
      fc.integer({ min: -(10 ** 9), max: 10 ** 9 }).map((seconds) => BigInt(seconds) * 1_000_000n),
      fc.constantFrom(0n, -1n, 1n, -63_082_281_600_000_000n, -63_082_281_600_000_001n, 252_455_615_999_999_999n),
    );
    fc.assert(
      fc.property(column(moment), (moments) => {
        const cells = moments.map((each) => (each === null ? null : bigEndian(each, 8)));
        const texts = moments.map((each) => {
          if (each === null) return null;
          const us = ((each % dayLength) + dayLength) % dayLength;
          const clock = new Date(Number(us / 1000n)).toISOString().slice(11, 19);
          const fraction = String(us % 1_000_000n).padStart(6, '0');
          const point = /[1-9]/.test(fraction) ? `.${fraction.replace(/0+$/, '')}` : '';
          return formatDate(Number((each - us) / dayLength) + epoch, ` ${clock}${point}${zone}`);
        });
        expect(textsOf(type, cells)).toEqual(texts);
        expect(binaryOf(type, texts)).toEqual(cells);
      }),
      { numRuns: 1000 },
    );
    const endless = [bigEndian(2n ** 63n - 1n, 8), bigEndian(-(2n ** 63n), 8)];
    expect(textsOf(type, endless)).toEqual(['infinity', '-infinity']);
    expect(binaryOf(type, ['infinity', '-infinity', `2000-01-02${zone}`])).toEqual([
      ...endless,
      bigEndian(dayLength, 8),
    ]);
    const time = '2000-01-01 00:00:00';
    for (const wrong of ['', '2000-01-01 0:00:00', `${time}.`, `${time}.1234567`, `${time}+01`, '2000-01-01T00:00:00'])
      refused(type, wrong + zone);
    refused(type, time + (zone === '' ? '+00' : ''));
  });

  it.each([
    ['smallint', 2],
    ['integer', 4],
    ['bigint', 8],
  ])('%s', (type, size) => {
    const end = 2n ** BigInt(size * 8 - 1);
    const number = fc.oneof(
      fc.bigInt({ min: -end, max: end - 1n }),
      fc
        .tuple(fc.nat(18), fc.integer({ min: -1, max: 1 }), fc.constantFrom(1n, -1n))
        .map(([tens, off, sign]) => ((10n ** BigInt(tens) + BigInt(off)) * sign) % end),
      fc.constantFrom(-end, end - 1n, 0n),
    );
    fc.assert(
      fc.property(column(number), (numbers) => {
        const cells = numbers.map((each) => (each === null ? null : bigEndian(each, size)));
        const texts = numbers.map((each) => (each === null ? null : String(each)));
        expect(textsOf(type, cells)).toEqual(texts);
        expect(binaryOf(type, texts)).toEqual(cells);
      }),
      { numRuns: 1000 },
    );
    expect(binaryOf(type, ['-0', '007', `${'0'.repeat(30)}5`])).toEqual(
      [0n, 7n, 5n].map((each) => bigEndian(each, size)),
    );
    for (const wrong of ['', '-', '+1', '1 ', '1.5', '0x1', '--1', 'é', String(end), String(-end - 1n), '9'.repeat(40)])
      refused(type, wrong);
    expect(() => textsOf(type, [bigEndian(1n, size), bigEndian(1n, size + 1)])).toThrow(RangeError);
  });

  it('UUIDs', () => {
    fc.assert(
      fc.property(column(fc.uint8Array({ minLength: 16, maxLength: 16 })), (values) => {
        const cells = values.map((each) => (each === null ? null : Buffer.from(each)));
        const texts = cells.map(
          (each) => each?.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') ?? null,
        );
        expect(textsOf('uuid', cells)).toEqual(texts);
        expect(binaryOf('uuid', texts)).toEqual(cells);
        for (const written of [(text: string) => text.toUpperCase(), (text: string) => text.replaceAll('-', '')])
          expect(
            binaryOf(
              'uuid',
              texts.map((text) => text && written(text)),
            ),
          ).toEqual(cells);
      }),
      { numRuns: 300 },
    );
    const uuid = '6f1c0e70-8f0d-4b3a-9d55-0123456789ab';
    for (let k = 0; k < uuid.length; k++)
      for (const wrong of 'g`@/: Gé') refused('uuid', uuid.slice(0, k) + wrong + uuid.slice(k + 1));
    for (const wrong of ['', uuid.slice(1), `${uuid}0`]) refused('uuid', wrong);
  });

  it.each(['inet', 'cidr'])('addresses of %s', (type) => {
    const isCidr = type === 'cidr';
    const value = fc.tuple(fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }), fc.nat(32));
    fc.assert(
      fc.property(column(value), (values) => {
        const cells = values.map((each) => each && Buffer.from([2, each[1], isCidr ? 1 : 0, 4, ...each[0]]));
        const texts = values.map((each) => each && each[0].join('.') + (isCidr || each[1] < 32 ? `/${each[1]}` : ''));
        expect(textsOf(type, cells)).toEqual(texts);
        expect(binaryOf(type, texts)).toEqual(cells);
      }),
      { numRuns: 500 },
    );
    const both = ['10.0.0.1/32', '2001:db8::/32', null, '::ffff:10.0.0.1/128', '10.1.0.0/16'];
    const back = isCidr ? both : ['10.0.0.1', '2001:db8::/32', null, '::ffff:10.0.0.1', '10.1.0.0/16'];
    expect(textsOf(type, binaryOf(type, both))).toEqual(back);
    for (const wrong of [Buffer.from([2, 32, 0, 4, 1, 2, 3]), Buffer.from([4, 32, 0, 4, 1, 2, 3, 4]), Buffer.alloc(0)])
      expect(() => textsOf(type, [wrong])).toThrow(RangeError);
  });

  it('texts that are addresses, or nearly', () => {
    const part = fc.oneof(fc.integer({ min: 0, max: 300 }).map(String), fc.constantFrom('', '007', '0255', 'a', '1 '));
    const mask = fc.constantFrom('', '/0', '/8', '/032', '/33', '/', '/1/2', '/x', ' ');
    fc.assert(
      fc.property(fc.array(part, { minLength: 3, maxLength: 5 }), mask, (parts, suffix) => {
        const text = parts.join('.') + suffix;
        const parsed = parseIp(text);
        // White space around is for columns of text.
        if (parsed === undefined || /\s/.test(text)) refused('inet', text);
        else {
          const head = Buffer.from([2, parsed.mask ?? 32, 0, 4]);
          expect(binaryOf('inet', [text])).toEqual([Buffer.concat([head, bigEndian(parsed.value, 4)])]);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
