import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Chunker, gearTable } from '../../src/repository/chunker.ts';

const sizes = { min: 256, average: 1024, max: 4096 };
const chunker = new Chunker(gearTable(Buffer.alloc(32, 7)), sizes);

/** Cuts a stream that arrives in the given slices. */
function lengths(slices: Uint8Array[], by = chunker): number[] {
  const cuts: number[] = [];
  let pending = Buffer.alloc(0);
  slices.forEach((slice, i) => {
    pending = Buffer.concat([pending, slice]);
    const last = i === slices.length - 1;
    for (;;) {
      const length = by.cut(pending, 0, pending.length, last);
      if (length === 0) break;
      cuts.push(length);
      pending = pending.subarray(length);
    }
  });
  expect(pending.length).toBe(0);
  return cuts;
}

/** Bytes that are the same in every run. */
function stableBytes(length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let i = 0; i * 32 < length; i++) blocks.push(createHash('sha256').update(`block ${i}`).digest());
  return Buffer.concat(blocks).subarray(0, length);
}

describe('chunker', () => {
  it('cuts the same stream alike, however it arrives', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 30_000 }), fc.array(fc.integer({ min: 1, max: 5000 })), (length, steps) => {
        const bytes = stableBytes(length);
        const slices: Buffer[] = [];
        let at = 0;
        for (const step of steps) {
          slices.push(bytes.subarray(at, at + step));
          at += step;
        }
        slices.push(bytes.subarray(at));
        expect(lengths(slices)).toEqual(lengths([bytes]));
      }),
    );
  });

  it('keeps every chunk within its bounds and loses no byte', () => {
    for (const bytes of [randomBytes(200_000), Buffer.alloc(200_000), Buffer.alloc(0), Buffer.alloc(1)]) {
      const cuts = lengths([bytes]);
      expect(cuts.reduce((sum, cut) => sum + cut, 0)).toBe(bytes.length);
      for (const cut of cuts.slice(0, -1)) {
        expect(cut).toBeGreaterThanOrEqual(sizes.min);
        expect(cut).toBeLessThanOrEqual(sizes.max);
      }
    }
  });

  it('finds its cut points again after an insertion', () => {
    const bytes = stableBytes(400_000);
    const changed = Buffer.concat([bytes.subarray(0, 1000), Buffer.from('inserted'), bytes.subarray(1000)]);
    const ids = (stream: Buffer) => {
      let at = 0;
      return lengths([stream]).map((length) => {
        at += length;
        return createHash('sha256')
          .update(stream.subarray(at - length, at))
          .digest('hex');
      });
    };
    const known = new Set(ids(bytes));
    const fresh = ids(changed).filter((id) => !known.has(id));
    expect(fresh.length).toBeLessThanOrEqual(4);
  });

  it('gathers sizes around the average', () => {
    const cuts = lengths([stableBytes(2_000_000)]);
    const mean = 2_000_000 / cuts.length;
    expect(mean).toBeGreaterThan(sizes.average * 0.75);
    expect(mean).toBeLessThan(sizes.average * 1.4);
  });

  it('cuts elsewhere under another secret', () => {
    const bytes = stableBytes(100_000);
    const other = new Chunker(gearTable(Buffer.alloc(32, 8)), sizes);
    expect(lengths([bytes], other)).not.toEqual(lengths([bytes]));
  });

  it('cuts where version 1 of the format has always cut', () => {
    expect(
      createHash('sha256')
        .update(gearTable(Buffer.alloc(32, 7)))
        .digest('hex')
        .slice(0, 16),
    ).toBe('b30a53b6854ebc96');
    expect(lengths([stableBytes(10_000)])).toEqual([1274, 1038, 1296, 1447, 1689, 1189, 1103, 591, 373]);
  });
});
