import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { nowhere } from '../../src/repository/chunk-locations.ts';
import { ChunkTable } from '../../src/repository/chunk-table.ts';
import type { IndexedPack } from '../../src/repository/index-object.ts';

function pack(name: string, ids: Buffer): IndexedPack {
  const count = ids.length / 32;
  return {
    pack: name,
    size: 1000 + count,
    ids: ids.toString('hex'),
    lengths: Array.from({ length: count }, (_, i) => 10 + i),
    rawLengths: Array.from({ length: count }, (_, i) => 100 + i),
  };
}

describe('chunk table', () => {
  it('finds every one of very many chunks, and no other', () => {
    const table = new ChunkTable({ withLocations: true });
    const packs = Array.from({ length: 40 }, () => randomBytes(32 * 2500));
    for (const [i, ids] of packs.entries()) table.addPack(pack(`p${i}`, ids));
    expect(table.count).toBe(100_000);
    for (const [i, ids] of packs.entries()) {
      const found = table.locate(ids);
      expect(found.packs).toEqual([{ name: `p${i}`, size: 3500 }]);
      expect([found.length[0], found.length[2499], found.rawLength[7]]).toEqual([10, 2509, 107]);
      // The offset of a frame is the sum of the lengths before it.
      expect(found.offset[3]).toBe(10 + 11 + 12);
    }
    expect([...table.locate(randomBytes(32 * 50)).pack].every((number) => number === nowhere)).toBe(true);
  });

  it('wants a chunk once, and tells which packs were of use', () => {
    const table = new ChunkTable({ withLocations: false });
    const [old, other, fresh] = [randomBytes(64), randomBytes(32), randomBytes(32)];
    table.addPack(pack('old', old));
    table.addPack(pack('other', other));
    expect(table.claim(old, 32)).toBe(false);
    expect(table.claim(fresh, 0)).toBe(true);
    expect(table.claim(fresh, 0)).toBe(false);
    expect(table.claims).toBe(1);
    table.storedPack(pack('new', fresh));
    expect(table.claims).toBe(0);
    expect(table.usedPacks().map(({ name }) => name)).toEqual(['old', 'new']);
  });

  it('uses all of a list of chunks or none', () => {
    const table = new ChunkTable({ withLocations: false });
    const known = randomBytes(96);
    table.addPack(pack('old', known));
    expect(table.use(Buffer.concat([known, randomBytes(32)]))).toBe(false);
    expect(table.usedPacks()).toEqual([]);
    expect(table.use(known)).toBe(true);
    expect(table.usedPacks()).toHaveLength(1);
  });

  it('refuses an entry whose columns do not fit', () => {
    const table = new ChunkTable({ withLocations: false });
    const entry = { ...pack('p', randomBytes(64)), lengths: [1] };
    expect(() => table.addPack(entry)).toThrow(expect.objectContaining({ code: 'object-damaged' }));
  });
});
