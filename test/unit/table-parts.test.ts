import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addRowSums, RowHash } from '../../src/repository/row-hash.ts';
import { joinStreams, partsFit, partsOf, type StoredStream } from '../../src/repository/stored-stream.ts';
import { copyStatement, FingerprintSink, generatedStatement } from '../../src/sources/postgres/table-copy.ts';
import { guidedParts, planParts, usualParts } from '../../src/sources/postgres/table-parts.ts';

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;
const block = 8192;
const server = 150_018;

/** A table whose TOAST is so many times its heap. */
const table = (heap: number, toast = 0) => ({ size: heap * (1 + toast), blocks: Math.ceil(heap / block) });
const plan = (heap: number, toast = 0, version = server) => planParts(table(heap, toast), version, usualParts);

describe('parts of a table', () => {
  it('are one up to the threshold, on servers without Tid Range Scans, and of an empty heap', () => {
    expect(plan(256 * MiB)).toEqual([{ from: 0, to: null }]);
    expect(plan(100 * GiB, 0, 130_020)).toEqual([{ from: 0, to: null }]);
    expect(planParts({ size: 10 * GiB, blocks: 0 }, server, usualParts)).toEqual([{ from: 0, to: null }]);
    expect(plan(257 * MiB).length).toBe(3);
    expect(plan(257 * MiB, 0, 140_000).length).toBe(3);
  });

  it('follow each other without a gap, the last one without an end', () => {
    for (let i = 0; i < 200; i++) {
      const heap = block + Math.floor(Math.random() ** 4 * 4 * 1024 * GiB);
      const { size, blocks } = table(heap, Math.random() ** 3 * 1000);
      const parts = planParts({ size, blocks }, server, usualParts);
      const ends = parts.map(({ to }) => to);
      expect(parts.map(({ from }) => from)).toEqual([0, ...ends.slice(0, -1)]);
      expect(ends.pop()).toBeNull();
      expect(ends.every((to, i) => to! > parts[i]!.from)).toBe(true);
      expect(parts.at(-1)!.from).toBeLessThan(blocks);
      expect(parts.length).toBeLessThanOrEqual(1024);
    }
  });

  it('stay where they were when a table grows', () => {
    const today = plan(10 * GiB);
    const later = plan(10 * GiB + 700 * MiB);
    expect(today.length).toBe(80);
    expect(later.slice(0, 79)).toEqual(today.slice(0, 79));
  });

  it('have fewer blocks where a block brings much TOAST along', () => {
    // 80 MiB of heap, 8 GiB in all.
    const parts = plan(80 * MiB, 101.4);
    expect(parts[0]).toEqual({ from: 0, to: 128 });
    expect(parts.length).toBe(80);
    // Each block brings more than a part should hold: there is nothing smaller than a block.
    expect(plan(3 * block, 100_000).map(({ from }) => from)).toEqual([0, 1, 2]);
  });

  it('grow rather than become too many', () => {
    expect(plan(1024 * GiB).length).toBe(1024);
    expect(plan(5 * 1024 * GiB).length).toBe(640);
  });

  it('are read by their blocks, in a scan that is decided', () => {
    const rows = { schema: 's', name: 't"', columns: ['a'] };
    const settings = 'SET LOCAL enable_tidscan = on; SET LOCAL enable_seqscan = off; ';
    expect(copyStatement({ ...rows, blocks: { from: 16, to: 32 } })).toBe(
      `${settings}COPY (SELECT "a" FROM ONLY "s"."t""" WHERE ctid >= '(16,0)'::pg_catalog.tid AND ctid < '(32,0)'::pg_catalog.tid) TO STDOUT`,
    );
    expect(generatedStatement({ ...rows, blocks: { from: 32, to: null } }, ['g'])).toBe(
      `${settings}COPY (SELECT "g" FROM ONLY "s"."t""" WHERE ctid >= '(32,0)'::pg_catalog.tid) TO STDOUT`,
    );
  });
});

const key = Buffer.alloc(16, 5);
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

function storedOf(bytes: Buffer): StoredStream {
  const rows = new RowHash(key);
  rows.update(bytes);
  return { size: bytes.length, sha256: sha256(bytes), chunks: [], rows: rows.digest() };
}

/** Rows of random text, cut at the end of rows into so many parts; some of them empty. */
function randomParts(count: number): Buffer[] {
  return Array.from({ length: count }, () => {
    const rows = Array.from(
      { length: Math.floor(Math.random() * 20) },
      () => `${randomBytes(Math.random() * 90).toString('hex')}\n`,
    );
    return Buffer.from(rows.join(''));
  });
}

describe('a stream in parts', () => {
  it('says of the whole what its parts come to', () => {
    for (let i = 0; i < 30; i++) {
      const parts = randomParts(2 + (i % 5));
      const whole = Buffer.concat(parts);
      const joined = joinStreams(parts.map(storedOf));
      const digests = Buffer.concat(parts.map((part) => createHash('sha256').update(part).digest()));
      expect(joined).toMatchObject({ size: whole.length, rows: storedOf(whole).rows, partsSha256: sha256(digests) });
      expect(partsFit(joined)).toBe(true);
    }
    const single = storedOf(Buffer.from('a\n'));
    expect(joinStreams([single])).toBe(single);
    expect(partsOf(single)).toEqual([single]);
    expect(partsFit(single)).toBe(true);
  });

  it('fits neither without one of them, nor with two changed over, nor with another', () => {
    const [a, b, c] = ['a\n', 'b\n', 'c\n'].map((text) => storedOf(Buffer.from(text))) as [
      StoredStream,
      StoredStream,
      StoredStream,
    ];
    const joined = joinStreams([a, b, c]) as Exclude<ReturnType<typeof joinStreams>, StoredStream>;
    for (const parts of [[a, b], [b, a, c], [a, b, b], [a, b, { ...c, size: 3 }], []]) {
      expect(partsFit({ ...joined, parts })).toBe(false);
    }
  });

  it('adds sums of rows modulo 2^128', () => {
    const most = { rows: 1, sum: 'f'.repeat(32) };
    expect(addRowSums(most, { rows: 2, sum: '2'.padStart(32, '0') })).toEqual({ rows: 3, sum: '1'.padStart(32, '0') });
  });

  it('is hashed piece by piece from the bytes of the whole, however they come', async () => {
    for (let i = 0; i < 40; i++) {
      const parts = randomParts(1 + (i % 6));
      const whole = Buffer.concat(parts);
      const sink = new FingerprintSink(key.toString('hex'), { parts: parts.map(({ length }) => length) });
      for (let at = 0; at < whole.length; ) {
        const length = Math.min(1 + Math.floor(Math.random() * 400), whole.length - at);
        whole.copy(sink.space(), 0, at, at + length);
        await sink.filled(length);
        at += length;
      }
      const { size, rows } = storedOf(whole);
      expect(sink.digest()).toEqual({ size, rows, sha256: parts.map(sha256) });
    }
  });

  it('differs in a part when bytes are missing, or more come', async () => {
    const digest = async (text: string) => {
      const sink = new FingerprintSink(key.toString('hex'), { parts: [2, 2] });
      sink.space().write(text);
      await sink.filled(text.length);
      return sink.digest().sha256;
    };
    const expected = ['a\n', 'b\n'].map((text) => sha256(Buffer.from(text)));
    expect(await digest('a\nb\n')).toEqual(expected);
    expect(await digest('a\n')).toEqual([expected[0], sha256(Buffer.alloc(0))]);
    expect(await digest('a\nb\nc\n')).toEqual([expected[0], sha256(Buffer.from('b\nc\n'))]);
  });
});

describe('guided parts', () => {
  it('are the same blocks in fewer parts, large ones first', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1200 }), fc.integer({ min: 1, max: 16 }), (count, lanes) => {
        const ranges = Array.from({ length: count }, (_, k) => ({
          from: k * 8,
          to: k === count - 1 ? null : k * 8 + 8,
        }));
        const joined = guidedParts(ranges, lanes);
        expect(joined.map(({ from }) => from)).toEqual([0, ...joined.slice(0, -1).map(({ to }) => to)]);
        expect(joined.at(-1)!.to).toBe(null);
        const sizes = joined.map(({ from, to }) => ((to ?? count * 8) - from) / 8);
        expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
        // Nobody waits long: while one lane has such a part, the others have twice as much.
        for (const [k, size] of sizes.entries()) {
          const left = sizes.slice(k).reduce((sum, each) => sum + each, 0);
          expect(size).toBeLessThanOrEqual(Math.max(1, left / (3 * lanes)));
        }
      }),
    );
  });

  it('of forty for two lanes are nineteen', () => {
    const ranges = Array.from({ length: 40 }, (_, k) => ({ from: k, to: k === 39 ? null : k + 1 }));
    expect(guidedParts(ranges, 2).length).toBe(19);
  });
});
