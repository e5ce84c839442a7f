import { crc32, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../src/base/errors.ts';
import { detectionBytes, detectType, fileTypes } from '../../src/pseudonyms/files/detect.ts';
import { fileSeed, longestPlaceholder, placeholder } from '../../src/pseudonyms/files/placeholder.ts';
import { zipArchive } from '../../src/pseudonyms/files/zip.ts';
import { PseudonymKey } from '../../src/pseudonyms/keys.ts';
import { Options } from '../../src/pseudonyms/options.ts';
import { assertUnique, type Cell, type ColumnFacts } from '../../src/pseudonyms/transformer.ts';
import { file } from '../../src/pseudonyms/transformers/file.ts';

const seed = '0123456789abcdef';
const key = new PseudonymKey(Buffer.alloc(32, 7)).domain('file');
const otherKey = new PseudonymKey(Buffer.alloc(32, 8)).domain('file');
const column: ColumnFacts = { name: 's.t.c', type: 'bytea', nullable: true, unique: false };

interface Entry {
  name: string;
  bytes: Buffer;
}

/** Reads a ZIP archive of stored entries from its end, as programs do. */
function readZip(archive: Buffer): Entry[] {
  const end = archive.length - 22;
  expect(archive.toString('latin1', end, end + 4)).toBe('PK\x05\x06');
  const count = archive.readUInt16LE(end + 10);
  expect(archive.readUInt32LE(end + 16) + archive.readUInt32LE(end + 12)).toBe(end);
  const entries: Entry[] = [];
  for (let at = archive.readUInt32LE(end + 16); at < end; ) {
    expect(archive.toString('latin1', at, at + 4)).toBe('PK\x01\x02');
    const nameLength = archive.readUInt16LE(at + 28);
    const size = archive.readUInt32LE(at + 24);
    expect(archive.readUInt16LE(at + 10)).toBe(0);
    const name = archive.toString('latin1', at + 46, at + 46 + nameLength);
    const local = archive.readUInt32LE(at + 42);
    expect(archive.toString('latin1', local, local + 4)).toBe('PK\x03\x04');
    expect(archive.toString('latin1', local + 30, local + 30 + archive.readUInt16LE(local + 26))).toBe(name);
    // From the version needed on, both headers say the same.
    expect(archive.compare(archive, at + 6, at + 30, local + 4, local + 28)).toBe(0);
    const from = local + 30 + nameLength + archive.readUInt16LE(local + 28);
    const bytes = archive.subarray(from, from + size);
    expect(crc32(bytes)).toBe(archive.readUInt32LE(at + 16));
    entries.push({ name, bytes });
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  expect(entries.length).toBe(count);
  return entries;
}

/** Whether every element that is opened is closed, in order. */
function assertWellFormed(xml: string): void {
  const open: string[] = [];
  for (const [, close, name, attributes, empty] of xml.matchAll(
    /<(\/?)([A-Za-z][\w:.-]*)((?:\s+[\w:.-]+="[^"<]*")*)\s*(\/?)>/g,
  )) {
    if (close) expect(open.pop()).toBe(name);
    else if (!empty) open.push(name!);
    expect(attributes).toBeDefined();
  }
  expect(open).toEqual([]);
  expect(xml.replace(/<\?xml[^>]*\?>|<\/?[A-Za-z][\w:.-]*(?:\s+[\w:.-]+="[^"<]*")*\s*\/?>/g, '')).not.toMatch(/[<>]/);
}

/** The segments of a JPEG up to its scan: marker and content. */
function jpegSegments(bytes: Buffer): Map<number, Buffer[]> {
  expect(bytes.readUInt16BE(0)).toBe(0xffd8);
  const found = new Map<number, Buffer[]>();
  let at = 2;
  for (let marker = 0; marker !== 0xda; ) {
    expect(bytes[at]).toBe(0xff);
    marker = bytes[at + 1]!;
    const length = bytes.readUInt16BE(at + 2);
    found.set(marker, [...(found.get(marker) ?? []), bytes.subarray(at + 4, at + 2 + length)]);
    at += 2 + length;
  }
  found.set(0, [bytes.subarray(at)]);
  return found;
}

describe('placeholders', () => {
  it.each(fileTypes)('of %s are of that type, small, and by their seed', (type) => {
    const made = placeholder(type, { seed });
    expect(detectType(made)).toBe(type);
    expect(placeholder(type, { seed }).equals(made)).toBe(true);
    expect(placeholder(type, { seed: seed.replace('0', 'f') }).equals(made)).toBe(type === 'other');
    expect(made.includes(seed)).toBe(type !== 'other');
    expect(made.length).toBeLessThanOrEqual(longestPlaceholder());
    expect(longestPlaceholder()).toBeLessThan(16 * 1024);
    expect(() => placeholder(type, { seed: '</x>' })).toThrow(RangeError);
  });

  it('PDF: every object lies where the table says, and the page leads to its text', () => {
    const text = placeholder('pdf', { seed }).toString('latin1');
    const start = Number(/startxref\n(\d+)\n%%EOF\n$/.exec(text)![1]);
    const table = /^xref\n0 (\d+)\n((?:\d{10} \d{5} [fn] \n)+)trailer\n<< \/Size (\d+) \/Root 1 0 R >>/.exec(
      text.slice(start),
    )!;
    const rows = table[2]!.match(/.{20}/gs)!;
    expect([Number(table[1]), Number(table[3])]).toEqual([rows.length, rows.length]);
    for (const [i, row] of rows.entries()) {
      if (i > 0) expect(text.slice(Number(row.slice(0, 10)))).toMatch(new RegExp(`^${i} 0 obj\n`));
    }
    const stream = /<< \/Length (\d+) >>\nstream\n/.exec(text)!;
    expect(text.slice(stream.index + stream[0].length + Number(stream[1]))).toMatch(/^endstream\nendobj\n/);
    for (const [, reference] of text.matchAll(/(\d+) 0 R/g)) expect(Number(reference)).toBeLessThan(rows.length);
  });

  it('PNG: right checksums, and as many grey points as it says', () => {
    const bytes = placeholder('png', { seed });
    const chunks = new Map<string, Buffer>();
    for (let at = 8; at < bytes.length; ) {
      const length = bytes.readUInt32BE(at);
      const type = bytes.toString('latin1', at + 4, at + 8);
      expect(crc32(bytes.subarray(at + 4, at + 8 + length))).toBe(bytes.readUInt32BE(at + 8 + length));
      chunks.set(type, bytes.subarray(at + 8, at + 8 + length));
      at += 12 + length;
    }
    expect([...chunks.keys()]).toEqual(['IHDR', 'tEXt', 'IDAT', 'IEND']);
    const [width, height] = [chunks.get('IHDR')!.readUInt32BE(0), chunks.get('IHDR')!.readUInt32BE(4)];
    const rows = inflateSync(chunks.get('IDAT')!);
    expect(rows.length).toBe(height * (width + 1));
    expect(new Set(rows)).toEqual(new Set([0, 0xc0]));
  });

  it('JPEG: complete tables, and a scan that they decode to one block', () => {
    const segments = jpegSegments(placeholder('jpeg', { seed }));
    expect(segments.get(0xdb)![0]!.length).toBe(65);
    const frame = segments.get(0xc0)![0]!;
    expect([frame[0], frame.readUInt16BE(1), frame.readUInt16BE(3), frame[5]]).toEqual([8, 8, 8, 1]);
    expect(segments.get(0xc4)!.map((table) => table[0])).toEqual([0x00, 0x10]);
    for (const table of segments.get(0xc4)!) {
      const counts = [...table.subarray(1, 17)];
      expect(table.length).toBe(17 + counts.reduce((a, b) => a + b, 0));
      // One code, of one bit: 0. Its symbol is 0 as well.
      expect([counts[0], table[17]]).toEqual([1, 0]);
    }
    const scan = segments.get(0)![0]!;
    // No difference of DC, end of block, then ones; then the end of the image.
    expect([...scan]).toEqual([0x3f, 0xff, 0xd9]);
  });

  it('GIF: its comment and one point', () => {
    const bytes = placeholder('gif', { seed });
    const comment = 13 + 6;
    expect([...bytes.subarray(comment, comment + 2)]).toEqual([0x21, 0xfe]);
    const image = comment + 2 + 1 + bytes[comment + 2]! + 1;
    expect(bytes[image]).toBe(0x2c);
    expect(bytes.at(-1)).toBe(0x3b);
  });

  it.each(['docx', 'xlsx', 'pptx', 'odt', 'zip'] as const)(
    '%s: whole, and every part that is named is there',
    (type) => {
      const entries = readZip(placeholder(type, { seed }));
      const names = entries.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      for (const { name, bytes } of entries) if (/\.(xml|rels)$/.test(name)) assertWellFormed(bytes.toString());
      if (type === 'zip') return;
      if (type === 'odt') {
        expect(names[0]).toBe('mimetype');
        const manifest = entries.find(({ name }) => name === 'META-INF/manifest.xml')!.bytes.toString();
        for (const [, path] of manifest.matchAll(/full-path="([^"/]+)"/g)) expect(names).toContain(path);
        return;
      }
      const types = entries.find(({ name }) => name === '[Content_Types].xml')!.bytes.toString();
      for (const [, part] of types.matchAll(/PartName="\/([^"]+)"/g)) expect(names).toContain(part);
      for (const { name, bytes } of entries) {
        if (!name.endsWith('.rels')) continue;
        const base = name.replace(/_rels\/[^/]*$/, '');
        for (const [, target] of bytes.toString().matchAll(/Target="([^"]+)"/g))
          expect(names).toContain(new URL(target!, `zip:///${base}`).pathname.slice(1));
        const part = name.replace('_rels/', '').replace(/\.rels$/, '');
        if (part === '') continue;
        // Each r:id of the part is one of its relations.
        const ids = [...bytes.toString().matchAll(/ Id="([^"]+)"/g)].map(([, id]) => id);
        const used = entries
          .find((entry) => entry.name === part)!
          .bytes.toString()
          .matchAll(/r:id="([^"]+)"/g);
        for (const [, id] of used) expect(ids).toContain(id);
      }
    },
  );

  it('JSON parses, XML and HTML are well-formed, CSV has two lines of two', () => {
    expect(JSON.parse(placeholder('json', { seed }).toString())).toEqual({ placeholder: seed });
    assertWellFormed(placeholder('xml', { seed }).toString());
    expect(placeholder('html', { seed }).toString()).toMatch(/^<!DOCTYPE html>\n<html lang="en"><title>.*<\/html>\n$/);
    expect(
      placeholder('csv', { seed })
        .toString()
        .trim()
        .split('\n')
        .map((line) => line.split(',').length),
    ).toEqual([2, 2]);
  });
});

describe('types', () => {
  const cut = (text: string) =>
    Buffer.from(text.repeat(Math.ceil(detectionBytes / text.length))).subarray(0, detectionBytes);
  it.each<[string, Uint8Array]>([
    ['other', Buffer.alloc(0)],
    ['other', Buffer.from([0, 1, 2, 3])],
    ['other', Buffer.from('RIFF\0\0\0\0WEBP', 'latin1')],
    ['pdf', Buffer.from('\n\n%PDF-1.7\n%\xff\xfe\0', 'latin1')],
    ['gif', Buffer.from('GIF87a\x01\0', 'latin1')],
    ['jpeg', Buffer.from([0xff, 0xd8, 0xff, 0xe1, 0, 0])],
    ['zip', zipArchive([{ name: 'word/document.xml', bytes: Buffer.from('no types') }])],
    ['zip', zipArchive([{ name: 'mimetype', bytes: Buffer.from('application/epub+zip') }])],
    ['zip', Buffer.from('PK\x03\x04', 'latin1')],
    ['zip', Buffer.from(`PK\x05\x06${'\0'.repeat(18)}`, 'latin1')],
    ['text', Buffer.from('Jean, Dupont\nhello')],
    ['text', Buffer.from('caf\xe9 cr\xe8me, tr\xe8s bon', 'latin1')],
    ['text', Buffer.from('\xff\xfeh\0i\0', 'latin1')],
    ['text', Buffer.concat([cut('é').subarray(0, detectionBytes - 1), Buffer.from([0xc3])])],
    ['csv', Buffer.from('a;b;c\r\n1;"x;y";3\r\n4;5;6\r\n')],
    ['csv', cut('name,mail\nx,y\n')],
    ['json', Buffer.from(' {"a": [1]}\n')],
    ['json', Buffer.from('[]')],
    ['json', Buffer.from('{"a":1}\n{"a":2}\n')],
    ['json', cut('[{"a":1},')],
    ['text', Buffer.from('[1] see below')],
    ['text', Buffer.from('{"a": half')],
    ['html', Buffer.from('\ufeff<!doctype HTML><p>x')],
    ['xml', Buffer.from('<?xml version="1.0"?>\n<svg xmlns="x"/>')],
    ['xml', Buffer.from('<note>x</note>')],
    ['text', Buffer.from('<3 you')],
  ])('%s: %#', (type, bytes) => {
    expect(detectType(bytes)).toBe(type);
  });

  it('takes any bytes', () => {
    const headed = fc
      .tuple(
        fc.constantFrom('PK\x03\x04', '%PDF-', '\x89PNG\r\n\x1a\n', '{"', '<?xml', '\xff\xd8\xff', ''),
        fc.uint8Array({ maxLength: 200 }),
      )
      .map(([head, rest]) => Buffer.concat([Buffer.from(head, 'latin1'), rest]));
    fc.assert(fc.property(headed, (bytes) => void expect(fileTypes).toContain(detectType(bytes))));
  });
});

describe('the kind `file`', () => {
  const transform = (options: Record<string, unknown>, cells: Cell[], domain = key) => {
    const out: Cell[] = new Array(cells.length);
    file(new Options('file', options)).prepare({ key: domain, column })(cells, out);
    return out;
  };
  const hex = (bytes: Uint8Array) => `\\x${Buffer.from(bytes).toString('hex')}`;
  const contents = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 300 }),
    fc
      .constantFrom(...fileTypes.slice(0, -1))
      .chain((type) =>
        fc.uint8Array({ maxLength: 40 }).map((more) => Buffer.concat([placeholder(type, { seed }), more])),
      ),
  );
  const cells = fc.array(fc.oneof(contents.map(hex), fc.constantFrom<Cell>(null, '', '\\x')), {
    minLength: 1,
    maxLength: 12,
  });

  it('keeps its promises', () => {
    const guarantee = file(new Options('file', {})).guarantee(column);
    fc.assert(
      fc.property(cells, (values) => {
        const out = transform({}, values);
        for (const [i, value] of values.entries()) {
          if (!value || value === '\\x') {
            expect(out[i]).toBe(value);
            continue;
          }
          const before = Buffer.from(value.slice(2), 'hex');
          const after = Buffer.from(out[i]!.slice(2), 'hex');
          expect(out[i]).toMatch(/^\\x(?:[0-9a-f]{2})*$/);
          expect(detectType(after)).toBe(detectType(before));
          expect(out[i]!.length).toBeLessThanOrEqual(guarantee.maxLength!);
          expect(out[i]).not.toBe(value);
          expect(transform({ type: 'pdf' }, [value])[0]).toBe(hex(placeholder('pdf', { seed: fileSeed(key)(before) })));
        }
        // By the row alone, and by the key.
        expect(transform({}, [...values].reverse()).reverse()).toEqual(out);
        const other = transform({}, values, otherKey);
        for (const [i, value] of out.entries()) if (value && value.length > 2) expect(other[i]).not.toBe(value);
        expect(transform({ mode: 'drop' }, values)).toEqual(values.map((value) => (value ? '\\x' : value)));
      }),
      { numRuns: 60 },
    );
  });

  it('looks at the beginning of a large file only, and passes nothing of it on', () => {
    const large = Buffer.alloc(20 * 1024 * 1024, 'the secret of Jean Dupont ');
    const [made, again] = transform({}, [hex(large), hex(large.subarray(0, detectionBytes))]);
    expect(made).toBe(again);
    expect(Buffer.from(made!.slice(2), 'hex').toString()).toMatch(/^Placeholder: [^\n]+ [0-9a-f]{16}\n$/);
  });

  it('refuses what is no bytea, and does not tell it', () => {
    for (const value of ['SECRET', '\\xSECRET1', '\\x123']) {
      try {
        transform({}, [value]);
        expect.unreachable();
      } catch (error) {
        if (!isHoldfastError(error, 'config')) throw error;
        expect(`${error.message}${error.why}${error.hint}`).not.toContain('SECRET');
      }
    }
    const made = file(new Options('file', {}));
    expect(() => made.guarantee({ ...column, type: 'text' })).toThrow(/does not go with/);
    expect(() => assertUnique('file', made.guarantee(column), { ...column, unique: true })).toThrow(/unique/);
    expect(() => file(new Options('file', { mode: 'shred' }))).toThrow(/option `mode`/);
    expect(() => file(new Options('file', { size: 1 }))).toThrow(/no option `size`/);
  });
});
