import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  coveringRange,
  nonceBytes,
  open,
  openRange,
  payloadKey,
  payloadSize,
  plaintextSize,
  type Range,
  seal,
  segmentBytes,
  tagBytes,
} from '../../src/crypt/stream.ts';

const fileKey = randomBytes(16);
const damagedObject = expect.objectContaining({ name: 'HoldfastError', code: 'object-damaged' });
const sizes = [0, 1, segmentBytes - 1, segmentBytes, segmentBytes + 1, 2 * segmentBytes, 5 * segmentBytes + 777];

/** Cuts `bytes` at random places; empty parts included. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = places.map((place) => Math.floor(place * bytes.length)).sort((a, b) => a - b);
  return [...at, bytes.length].map((end, index) => bytes.subarray(at[index - 1] ?? 0, end));
}

function readRange(payload: Buffer, range: Range): Buffer {
  const size = plaintextSize(payload.length);
  const covering = coveringRange(range, size);
  const segments = payload.subarray(covering.offset, covering.offset + covering.length);
  return openRange(payloadKey(fileKey, payload.subarray(0, nonceBytes)), segments, range, size);
}

describe('payload', () => {
  it.each(sizes)('of %i bytes goes round', (size) => {
    const plain = randomBytes(size);
    const payload = seal(fileKey, [plain]);
    expect(payload.length).toBe(payloadSize(size));
    expect(plaintextSize(payload.length)).toBe(size);
    expect(open(fileKey, payload).equals(plain)).toBe(true);
  });

  it('does not depend on how the plaintext is cut into parts', () => {
    const plain = randomBytes(3 * segmentBytes + 5);
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }), (places) => {
        expect(open(fileKey, seal(fileKey, cut(plain, places))).equals(plain)).toBe(true);
      }),
      { numRuns: 60 },
    );
    const crumbs = Array.from({ length: 2 * segmentBytes }, (_, index) => plain.subarray(index, index + 1));
    expect(open(fileKey, seal(fileKey, crumbs)).equals(plain.subarray(0, 2 * segmentBytes))).toBe(true);
    expect(open(fileKey, seal(fileKey, []))).toHaveLength(0);
    expect(open(fileKey, seal(fileKey, [new Uint8Array(0), new Uint8Array(0)]))).toHaveLength(0);
  });

  it('has a nonce of its own each time', () => {
    const plain = randomBytes(10);
    expect(seal(fileKey, [plain]).equals(seal(fileKey, [plain]))).toBe(false);
  });

  it('is refused with any byte flipped', () => {
    const payload = seal(fileKey, [randomBytes(100)]);
    for (let at = 0; at < payload.length; at++) {
      const flipped = Buffer.from(payload);
      flipped[at]! ^= 1 << (at % 8);
      expect(() => open(fileKey, flipped), `byte ${at}`).toThrow(damagedObject);
    }
    const long = seal(fileKey, [randomBytes(2 * segmentBytes + 10)]);
    fc.assert(
      fc.property(fc.nat(long.length - 1), fc.nat(7), (at, bit) => {
        const flipped = Buffer.from(long);
        flipped[at]! ^= 1 << bit;
        expect(() => open(fileKey, flipped)).toThrow(damagedObject);
      }),
    );
  });

  it('is refused at any shorter length, and longer', () => {
    const payload = seal(fileKey, [randomBytes(100)]);
    for (let length = 0; length < payload.length; length++) {
      expect(() => open(fileKey, payload.subarray(0, length)), `${length} bytes`).toThrow(damagedObject);
    }
    const long = seal(fileKey, [randomBytes(3 * segmentBytes)]);
    const ends = [1, 2, 3].flatMap((n) => [-1, 0, 1].map((d) => nonceBytes + n * (segmentBytes + tagBytes) + d));
    for (const end of ends.filter((length) => length < long.length)) {
      expect(() => open(fileKey, long.subarray(0, end)), `${end} bytes`).toThrow(damagedObject);
    }
    expect(() => open(fileKey, Buffer.concat([long, randomBytes(1)]))).toThrow(damagedObject);
    expect(() => open(fileKey, Buffer.concat([long, randomBytes(tagBytes)]))).toThrow(damagedObject);
    expect(() => open(fileKey, Buffer.concat([long, randomBytes(tagBytes + 1)]))).toThrow(damagedObject);
  });

  it('is refused with segments swapped, repeated or dropped', () => {
    const payload = seal(fileKey, [randomBytes(3 * segmentBytes)]);
    const nonce = payload.subarray(0, nonceBytes);
    const [a, b, c] = [0, 1, 2].map((index) => {
      const start = nonceBytes + index * (segmentBytes + tagBytes);
      return payload.subarray(start, start + segmentBytes + tagBytes);
    }) as [Buffer, Buffer, Buffer];
    for (const order of [[b, a, c], [a, a, b, c], [b, c], [a, c], [a, b], [c]]) {
      expect(() => open(fileKey, Buffer.concat([nonce, ...order]))).toThrow(damagedObject);
    }
  });

  it('needs its own file key', () => {
    const payload = seal(fileKey, [randomBytes(10)]);
    expect(() => open(randomBytes(16), payload)).toThrow(damagedObject);
    expect(() => open(randomBytes(15), payload)).toThrow(expect.objectContaining({ code: 'internal' }));
  });
});

describe('ranges', () => {
  const plains = sizes.map((size) => randomBytes(size));
  const payloads = plains.map((plain) => seal(fileKey, [plain]));

  it('give the bytes that the whole gives', () => {
    fc.assert(
      fc.property(
        fc.nat(sizes.length - 1),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.oneof(fc.nat(200), fc.nat(3 * segmentBytes)),
        (which, start, wanted) => {
          const plain = plains[which]!;
          const offset = Math.floor(start * plain.length);
          const length = Math.min(wanted, plain.length - offset);
          const bytes = readRange(payloads[which]!, { offset, length });
          expect(bytes.equals(plain.subarray(offset, offset + length))).toBe(true);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('read at the edges of segments no more than they need', () => {
    const size = 3 * segmentBytes;
    const sealed = segmentBytes + tagBytes;
    const covering = (offset: number, length: number) => {
      const range = coveringRange({ offset, length }, size);
      return [(range.offset - nonceBytes) / sealed, range.length / sealed];
    };
    expect(covering(0, segmentBytes)).toEqual([0, 1]);
    expect(covering(segmentBytes, 1)).toEqual([1, 1]);
    expect(covering(segmentBytes - 1, 2)).toEqual([0, 2]);
    expect(covering(segmentBytes - 1, segmentBytes + 2)).toEqual([0, 3]);
    expect(covering(segmentBytes, 0)).toEqual([1, 1]);
    expect(covering(size, 0)).toEqual([2, 1]);
  });

  it('are refused beyond the end', () => {
    expect(() => coveringRange({ offset: 5, length: 6 }, 10)).toThrow(damagedObject);
    for (const range of [
      { offset: -1, length: 1 },
      { offset: 0, length: -1 },
      { offset: 0.5, length: 1 },
      { offset: Number.NaN, length: 1 },
    ]) {
      expect(() => coveringRange(range, 10)).toThrow(expect.objectContaining({ code: 'internal' }));
    }
  });

  it('find every flipped byte in what they read', () => {
    const plain = randomBytes(3 * segmentBytes + 9);
    const payload = seal(fileKey, [plain]);
    const range = { offset: segmentBytes + 10, length: segmentBytes };
    const covering = coveringRange(range, plain.length);
    fc.assert(
      fc.property(fc.nat(covering.length - 1), fc.nat(7), (at, bit) => {
        const flipped = Buffer.from(payload);
        flipped[covering.offset + at]! ^= 1 << bit;
        expect(() => readRange(flipped, range)).toThrow(damagedObject);
      }),
    );
  });

  it('find a payload cut between segments when they reach its end', () => {
    const payload = seal(fileKey, [randomBytes(3 * segmentBytes)]);
    const shorter = payload.subarray(0, nonceBytes + 2 * (segmentBytes + tagBytes));
    const size = plaintextSize(shorter.length);
    expect(() => readRange(shorter, { offset: size - 1, length: 1 })).toThrow(damagedObject);
    expect(() => readRange(shorter, { offset: size, length: 0 })).toThrow(damagedObject);
    expect(() => readRange(shorter, { offset: 0, length: size })).toThrow(damagedObject);
    // Documented: a range that stays before the end says nothing about it.
    expect(readRange(shorter, { offset: 0, length: 9 })).toHaveLength(9);
  });

  it('refuse the segments of another range', () => {
    const payload = seal(fileKey, [randomBytes(3 * segmentBytes)]);
    const key = payloadKey(fileKey, payload.subarray(0, nonceBytes));
    const first = payload.subarray(nonceBytes, nonceBytes + segmentBytes + tagBytes);
    const range = { offset: segmentBytes, length: 1 };
    expect(() => openRange(key, first, range, 3 * segmentBytes)).toThrow(damagedObject);
    expect(() => openRange(key, first.subarray(1), range, 3 * segmentBytes)).toThrow(damagedObject);
  });
});

describe('sizes', () => {
  it('are inverse, and sizes no payload has are refused', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31 - 1), (size) => {
        expect(plaintextSize(payloadSize(size))).toBe(size);
      }),
    );
    const sealed = segmentBytes + tagBytes;
    for (const size of [0, 31, nonceBytes + sealed + 1, nonceBytes + sealed + tagBytes, nonceBytes + 2 * sealed + 3]) {
      expect(() => plaintextSize(size), `${size}`).toThrow(damagedObject);
    }
  });
});
