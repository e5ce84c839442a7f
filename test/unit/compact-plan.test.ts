import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkSet } from '../../src/repository/chunk-set.ts';
import { type PackLife, planCompaction } from '../../src/repository/compact-plan.ts';
import { streamsIn } from '../../src/repository/live-chunks.ts';

const pack = (name: string, live: number, order = 0): PackLife => ({
  pack: name,
  size: 110,
  frames: 100,
  live,
  order,
});

describe('the plan of a compaction', () => {
  it('takes packs of which more than the share is dead, in the order in which they came', () => {
    const packs = [pack('d', 10, 2), pack('c', 70, 0), pack('b', 69, 1), pack('a', 0, 2), pack('e', 100, 3)];
    const plan = planCompaction(packs, { deadShare: 0.3, groupBytes: 79 });
    expect(plan.groups.map((group) => group.map((one) => one.pack))).toEqual([['b', 'a', 'd']]);
    expect(plan).toMatchObject({
      packs: 5,
      bytes: 550,
      deadBytes: 251,
      rewrite: { packs: 3, bytes: 330, liveBytes: 79 },
    });
    expect(planCompaction(packs, { deadShare: 0.3, groupBytes: 60 }).groups.map((group) => group.length)).toEqual([
      1, 2,
    ]);
    expect(planCompaction(packs, { deadShare: 1, groupBytes: 60 }).groups).toEqual([]);
  });

  it('leaves no larger share dead than it was told', () => {
    const life = fc
      .record({ frames: fc.integer({ min: 1, max: 1000 }), share: fc.double({ min: 0, max: 1, noNaN: true }) })
      .map(({ frames, share }) => ({ frames, live: Math.floor(frames * share), order: 0 }));
    fc.assert(
      fc.property(fc.array(life, { maxLength: 50 }), fc.double({ min: 0, max: 1, noNaN: true }), (lives, deadShare) => {
        const packs = lives.map((one, i) => ({ ...one, pack: `p${i}`, size: one.frames }));
        const { groups } = planCompaction(packs, { deadShare, groupBytes: 500 });
        const gone = new Set(groups.flat());
        const left = packs.filter((one) => !gone.has(one));
        const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
        const live = sum(packs.map((one) => one.live));
        const all = live + sum(left.map((one) => one.frames - one.live));
        expect(all - live).toBeLessThanOrEqual(deadShare * all + 1e-6);
      }),
    );
  });
});

describe('a set of chunks', () => {
  it('holds what a set holds', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 12, maxLength: 12, max: 1 }), { maxLength: 300 }), (heads) => {
        const [set, known] = [new ChunkSet(), new Set<string>()];
        for (const head of heads) {
          const id = Buffer.concat([head, Buffer.alloc(20)]);
          expect(set.has(id)).toBe(known.has(id.toString('hex')));
          expect(set.add(id)).toBe(!known.has(id.toString('hex')));
          known.add(id.toString('hex'));
        }
        expect(set.count).toBe(known.size);
      }),
    );
    const many = randomBytes(32 * 20_000);
    const set = new ChunkSet();
    set.addAll(many);
    expect(set.count).toBe(20_000);
    for (let at = 0; at < many.length; at += 32) expect(set.has(many, at)).toBe(true);
    expect(set.has(randomBytes(32))).toBe(false);
  });
});

it('streams are found in a line of a manifest wherever they stand', () => {
  const whole = { size: 1, sha256: 'x', chunks: ['a'] };
  const listed = { size: 2, sha256: 'y', list: ['b'] };
  const parts = { size: 3, parts: [whole, listed], partsSha256: 'z' };
  const line = { kind: 'later', stream: parts, more: [{ inner: whole }], chunks: 3, text: 'list' };
  expect([...streamsIn(line)]).toEqual([whole, listed, whole]);
  expect([...streamsIn('text'), ...streamsIn(null), ...streamsIn(3)]).toEqual([]);
});
