import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planSweep, type SweepInput } from '../../src/repository/sweep-plan.ts';

const graceMs = 1000;
const now = 1_000_000;

function plan(more: Partial<SweepInput> & { lists?: string[]; objects?: Record<string, number> } = {}) {
  const { lists, objects, ...input } = more;
  const snapshots = [...(input.snapshots ?? [])];
  return planSweep({
    now,
    graceMs,
    dropped: new Map(),
    indexed: new Map(),
    seenUnneeded: new Map(),
    ...input,
    snapshots,
    site: {
      snapshots: new Set(lists ?? snapshots.map(({ id }) => id)),
      packs: new Map(Object.entries(objects ?? { a: 1, b: 10, c: 100 })),
      indexes: input.site?.indexes ?? [
        { id: 'first', packs: ['a', 'b'] },
        { id: 'second', packs: ['c'] },
      ],
    },
  });
}

describe('a sweep', () => {
  it('removes nothing that a live snapshot needs', () => {
    const made = plan({ snapshots: [{ id: 's', packs: ['a', 'b', 'c'] }] });
    expect(made).toMatchObject({ snapshots: [], indexes: [], packs: [], bytes: 0 });
  });

  it('lets a dropped snapshot and its packs stay for the grace period, to the millisecond', () => {
    const snapshots = [
      { id: 'live', packs: ['a'] },
      { id: 'old', packs: ['a', 'b', 'c'] },
    ];
    const young = plan({ snapshots, dropped: new Map([['old', now - graceMs]]) });
    expect(young).toMatchObject({ snapshots: [], packs: [], waiting: new Map([['old', now]]) });
    const over = plan({ snapshots, dropped: new Map([['old', now - graceMs - 1]]) });
    // The first index object still tells where `a` is.
    expect(over).toMatchObject({ snapshots: ['old'], indexes: ['second'], packs: ['b', 'c'], bytes: 110 });
  });

  it('keeps a pack that somebody may rely on since a young index object tells of it', () => {
    const made = plan({
      snapshots: [
        { id: 'live', packs: [] },
        { id: 'old', packs: ['a', 'b', 'c'] },
      ],
      dropped: new Map([['old', 0]]),
      indexed: new Map([
        ['a', now - 1],
        ['b', 0],
      ]),
    });
    expect(made.packs).toEqual(['b', 'c']);
    expect(made.unneeded).toEqual(new Map([['a', now]]));
  });

  it('removes packs of no snapshot only once they have been seen so for the grace period', () => {
    const seen = (since: number) => plan({ seenUnneeded: new Map([['a', since]]) });
    expect(seen(now - graceMs).packs).toEqual([]);
    expect(seen(now - graceMs - 1).packs).toEqual(['a']);
    expect(plan().unneeded).toEqual(new Map(Object.entries({ a: now, b: now, c: now })));
    // A pack that came into use again is not remembered.
    const used = plan({ snapshots: [{ id: 's', packs: ['a'] }], seenUnneeded: new Map([['a', 5]]) });
    expect(used.unneeded.has('a')).toBe(false);
  });

  it('leaves a site that lacks every live snapshot the dropped ones that it has', () => {
    const snapshots = [
      { id: 'live', packs: ['d'] },
      { id: 'older', packs: ['a'] },
      { id: 'old', packs: ['b', 'c'] },
    ];
    const dropped = new Map([
      ['older', 0],
      ['old', 0],
    ]);
    // It was away when the live one was made, and sync has not reached it yet.
    expect(plan({ snapshots, dropped, lists: ['older', 'old'] })).toMatchObject({
      snapshots: [],
      packs: [],
      indexes: [],
    });
    expect(plan({ snapshots, dropped }).snapshots).toEqual(['older', 'old']);
  });

  it('does not ask a site to remove a snapshot that it does not have', () => {
    const made = plan({ snapshots: [{ id: 'old', packs: ['a'] }], dropped: new Map([['old', 0]]), lists: [] });
    expect(made).toMatchObject({ snapshots: [], packs: ['a'] });
  });

  it('never removes what a snapshot that stays needs, whatever the rest is', () => {
    const pack = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    const time = fc.integer({ min: now - 3 * graceMs, max: now });
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ id: fc.string({ minLength: 1, maxLength: 3 }), packs: fc.uniqueArray(pack) }), {
          selector: ({ id }) => id,
          maxLength: 8,
        }),
        fc.dictionary(fc.string({ minLength: 1, maxLength: 3 }), time),
        fc.dictionary(pack, time),
        fc.dictionary(pack, time),
        fc.uniqueArray(pack),
        (snapshots, dropped, indexed, seen, listed) => {
          const drops = new Map(Object.entries(dropped));
          for (const { id } of snapshots.slice(0, snapshots.length / 2)) drops.set(id, now - 2 * graceMs);
          const made = plan({
            snapshots,
            dropped: drops,
            indexed: new Map(Object.entries(indexed)),
            seenUnneeded: new Map(Object.entries(seen)),
            objects: Object.fromEntries(listed.map((name) => [name, 1])),
          });
          for (const { id, packs } of snapshots) {
            if (made.snapshots.includes(id)) expect(now - drops.get(id)!).toBeGreaterThan(graceMs);
            else expect(packs.filter((name) => made.packs.includes(name))).toEqual([]);
          }
          for (const name of made.packs) {
            expect(listed).toContain(name);
            expect(now - (indexed[name] ?? 0)).toBeGreaterThan(graceMs);
          }
          expect(made.bytes).toBe(made.packs.length);
        },
      ),
    );
  });

  it('is planned for a terabyte within seconds', () => {
    const names = Array.from({ length: 131_072 }, (_, i) => i.toString(16).padStart(64, '0'));
    const snapshots = Array.from({ length: 42 }, (_, i) => ({ id: `s${i}`, packs: names.slice(i * 500) }));
    const begun = performance.now();
    const made = planSweep({
      now,
      graceMs,
      snapshots,
      dropped: new Map(snapshots.slice(0, 20).map(({ id }) => [id, 0])),
      indexed: new Map(names.map((name) => [name, 0])),
      seenUnneeded: new Map(),
      site: {
        snapshots: new Set(snapshots.map(({ id }) => id)),
        packs: new Map(names.map((name) => [name, 8_000_000])),
        indexes: [],
      },
    });
    expect(made.packs.length).toBe(20 * 500);
    expect(performance.now() - begun).toBeLessThan(20_000);
  });
});
