import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { BinaryMiddle, LargeObjectDigests } from '../../src/sources/postgres/binary-copy.ts';

const header = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);

function row(oid: number, content: Buffer): Buffer {
  const fixed = Buffer.alloc(14);
  fixed.writeInt16BE(2, 0);
  fixed.writeInt32BE(4, 2);
  fixed.writeUInt32BE(oid, 6);
  fixed.writeInt32BE(content.length, 10);
  return Buffer.concat([fixed, content]);
}

const end = Buffer.from([0xff, 0xff]);
const contents: [number, Buffer][] = [
  [1, Buffer.alloc(0)],
  [4294967295, Buffer.from([255, 255, 0])],
  [70000, Buffer.alloc(5000, 'PGCOPY')],
];
const copy = Buffer.concat([header, ...contents.map(([oid, content]) => row(oid, content)), end]);
const expected = contents.map(([oid, content]) => ({
  oid,
  size: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
}));

describe('digests of large objects', () => {
  it.each([1, 2, 3, 7, 100, 1e6])('are the same in pieces of %d bytes', (size) => {
    const digests = new LargeObjectDigests();
    for (let at = 0; at < copy.length; at += size) digests.update(copy.subarray(at, at + size));
    expect(digests.end()).toEqual(expected);
  });

  it('skips an extension of the header', () => {
    const extended = Buffer.concat([header.subarray(0, 15), Buffer.from([0, 0, 0, 3, 9, 9, 9]), copy.subarray(19)]);
    const digests = new LargeObjectDigests();
    for (const byte of extended) digests.update(Uint8Array.of(byte));
    expect(digests.end()).toEqual(expected);
  });

  it('refuses what is cut short, goes on, or is something else', () => {
    const read = (bytes: Buffer) => {
      const digests = new LargeObjectDigests();
      digests.update(bytes);
      return digests.end();
    };
    expect(() => read(copy.subarray(0, -1))).toThrow('too early');
    expect(() => read(copy.subarray(0, -2))).toThrow('too early');
    expect(() => read(Buffer.concat([copy, end]))).toThrow('after its end');
    expect(() => read(Buffer.alloc(40))).toThrow('not a binary COPY');
    expect(() => read(Buffer.concat([header, Buffer.from([0, 3])]))).toThrow('two fields');
    expect(() => read(Buffer.concat([header, Buffer.from([0, 2, 0, 0, 0, 8, 0, 0, 0, 0])]))).toThrow('not an oid');
    expect(() => read(Buffer.concat([header, row(1, Buffer.alloc(0)).subarray(0, 10), Buffer.alloc(4, 255)]))).toThrow(
      'null',
    );
  });
});

describe('what is left of a binary COPY', () => {
  it.each([1, 2, 3, 18, 19, 20, 100, 1e6])('is one COPY again, in pieces of %d bytes', (size) => {
    const halves = [contents.slice(0, 2), contents.slice(2)].map((part) =>
      Buffer.concat([header, ...part.map(([oid, content]) => row(oid, content)), end]),
    );
    const left = halves.flatMap((half, i) => {
      const middle = new BinaryMiddle({ header: i === 0, trailer: i === 1 });
      const pieces: Buffer[] = [];
      for (let at = 0; at < half.length; at += size) {
        for (const piece of middle.take(half.subarray(at, at + size))) pieces.push(Buffer.from(piece));
      }
      return pieces;
    });
    expect(Buffer.concat(left)).toEqual(copy);
  });

  it('is nothing of an empty one', () => {
    const middle = new BinaryMiddle({ header: false, trailer: false });
    expect([...middle.take(Buffer.concat([header, end]))].flatMap((piece) => [...piece])).toEqual([]);
  });
});
