import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeDirectory,
  directoryLength,
  directoryTrailerLength,
  encodeDirectory,
  padme,
} from '../../src/repository/directory.ts';
import { assertFrame, chunkId, makeFrame, openFrame } from '../../src/repository/frame.ts';

const secret = Buffer.alloc(32, 1);
const chunk = Buffer.from('a row\tof a table\n'.repeat(500));
const id = chunkId(secret, chunk);

describe('frame', () => {
  it('gives the chunk again', () => {
    const frame = makeFrame(secret, id, chunk);
    expect(frame.length).toBeLessThan(chunk.length);
    expect(openFrame(secret, id, frame, chunk.length).equals(chunk)).toBe(true);
  });

  it('holds the empty chunk', () => {
    const empty = Buffer.alloc(0);
    const emptyId = chunkId(secret, empty);
    expect(openFrame(secret, emptyId, makeFrame(secret, emptyId, empty), 0).length).toBe(0);
  });

  it('is refused before packing when the chunk changed in memory after its id was taken', () => {
    const flipped = Buffer.from(chunk);
    flipped[4000]! ^= 1;
    expect(() => makeFrame(secret, id, flipped)).toThrow(expect.objectContaining({ code: 'internal' }));
  });

  it('is refused before packing when the frame itself was damaged, at any byte', () => {
    const frame = makeFrame(secret, id, chunk);
    for (let i = 0; i < frame.length; i++) {
      const damaged = Buffer.from(frame);
      damaged[i]! ^= 0x10;
      let given: Buffer | undefined;
      try {
        assertFrame(secret, id, damaged, chunk.length);
        given = openFrame(secret, id, damaged, chunk.length);
      } catch (error) {
        expect(error).toMatchObject({ code: 'internal' });
        continue;
      }
      // A flag of the frame that changes nothing in what it holds is no damage to the chunk.
      expect(given.equals(chunk)).toBe(true);
    }
  });

  it('is not taken for another chunk, nor for one of another length', () => {
    const frame = makeFrame(secret, id, chunk);
    const damaged = expect.objectContaining({ code: 'object-damaged' });
    expect(() => openFrame(secret, randomBytes(32), frame, chunk.length)).toThrow(damaged);
    expect(() => openFrame(secret, id, frame, chunk.length - 1)).toThrow(damaged);
    expect(() => openFrame(secret, id, frame, chunk.length + 1)).toThrow(damaged);
  });
});

describe('directory', () => {
  const entry = fc.record({
    id: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
    length: fc.integer({ min: 1, max: 5_000_000 }),
    rawLength: fc.integer({ min: 0, max: 5_000_000 }),
  });

  it('gives its entries again, at a Padmé length', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 50 }), (entries) => {
        const framesLength = entries.reduce((sum, { length }) => sum + length, 0);
        const bytes = encodeDirectory(entries, framesLength);
        expect(padme(framesLength + bytes.length)).toBe(framesLength + bytes.length);
        expect(directoryLength(bytes.subarray(-directoryTrailerLength))).toBe(bytes.length);
        expect(decodeDirectory(bytes, framesLength)).toEqual(entries);
      }),
    );
  });

  it('is refused when it is cut or does not fit its frames', () => {
    const bytes = encodeDirectory([{ id, length: 10, rawLength: 20 }], 10);
    const damaged = expect.objectContaining({ code: 'object-damaged' });
    expect(() => decodeDirectory(bytes, 11)).toThrow(damaged);
    expect(() => decodeDirectory(bytes.subarray(0, -1), 10)).toThrow(damaged);
    expect(() => decodeDirectory(bytes.subarray(1), 10)).toThrow(damaged);
    expect(() => directoryLength(Buffer.alloc(8))).toThrow(damaged);
  });

  it('is passed over by the zstd program, which gives all chunks back to back', () => {
    const chunks = [chunk, Buffer.from('second'), randomBytes(1000)];
    const frames = chunks.map((bytes) => makeFrame(secret, chunkId(secret, bytes), bytes));
    const entries = chunks.map((bytes, i) => ({
      id: chunkId(secret, bytes),
      length: frames[i]!.length,
      rawLength: bytes.length,
    }));
    const directory = encodeDirectory(entries, Buffer.concat(frames).length);
    const zstd = spawnSync('zstd', ['-d'], { input: Buffer.concat([...frames, directory]) });
    if (zstd.error) throw new Error('zstd is missing: apt-get install zstd', { cause: zstd.error });
    expect(zstd.status).toBe(0);
    expect(zstd.stdout.equals(Buffer.concat(chunks))).toBe(true);
  });
});
