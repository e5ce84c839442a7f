import { describe, expect, it } from 'vitest';
import { contradictionOf, type Expectation } from '../../src/jobs/verify/checks/assertion.ts';
import { checkDataAge, checkRestoreTime } from '../../src/jobs/verify/checks/objectives.ts';
import { nearestOf } from '../../src/jobs/verify/checks/references.ts';
import { chooseSample, chooseTables, newSeed, type SampleItem } from '../../src/jobs/verify/checks/sample.ts';

const hour = 3_600_000;

describe('a sample', () => {
  const small = Array.from({ length: 40 }, (_, i): SampleItem => ({ object: `small${i}`, bytes: 10 + i }));
  const large = Array.from({ length: 20 }, (_, i): SampleItem => ({ object: `large${i}`, bytes: 1_000_000 + i }));
  const items = [...small, ...large];
  const total = items.reduce((sum, { bytes }) => sum + bytes, 0);

  it('has the smallest tables, and reaches its share without going far beyond', () => {
    for (const seed of ['a', 'b', 'c']) {
      const { chosen, bytes } = chooseSample(items, 0.25, seed);
      expect(small.every(({ object }) => chosen.has(object))).toBe(true);
      expect(bytes).toBeGreaterThanOrEqual(total * 0.25);
      expect(bytes).toBeLessThan(total * 0.25 + 1_000_020);
      expect(items.filter(({ object }) => chosen.has(object)).reduce((sum, each) => sum + each.bytes, 0)).toBe(bytes);
    }
  });

  it('is the same for a seed, whatever the order, and another for another', () => {
    const [first, again, other] = [
      chooseSample(items, 0.3, 'one'),
      chooseSample([...items].reverse(), 0.3, 'one'),
      chooseSample(items, 0.3, 'two'),
    ].map(({ chosen }) => [...chosen].sort());
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(newSeed()).toMatch(/^[0-9a-f]{16}$/);
    expect(newSeed()).not.toBe(newSeed());
  });

  it('brings up every table sooner or later, also one that is larger than the share', () => {
    const seen = new Set<string>();
    const all = [...items, { object: 'huge', bytes: 10 * total }];
    for (let seed = 0; seed < 200; seed++) {
      for (const object of chooseSample(all, 0.01, `${seed}`).chosen) seen.add(object);
    }
    expect(seen.size).toBe(all.length);
  });

  it('is never nothing, and is everything from 1 on', () => {
    expect(chooseSample(items, 1e-12, 'x').chosen.size).toBe(1);
    expect(chooseSample([{ object: 'empty', bytes: 0 }], 0.5, 'x').chosen.size).toBe(1);
    expect(chooseSample(items, 1, 'x')).toMatchObject({ bytes: total, total, chosen: { size: items.length } });
    expect(chooseSample([], 0.5, 'x').chosen.size).toBe(0);
  });

  it('keeps partitions together whose rows can only be compared together', () => {
    const line = (name: string, loadThrough?: { schema: string; name: string }) => ({
      schema: 's',
      name,
      stream: { size: 100, sha256: '', chunks: [] },
      ...(loadThrough && { loadThrough }),
    });
    const root = { schema: 's', name: 'root' };
    const lines = [line('p1', root), line('a'), line('p2', root), line('b'), line('p3', root), line('c')];
    const sizes = new Set<number>();
    for (let seed = 0; seed < 50; seed++) {
      const { lines: chosen, sample } = chooseTables(lines, 0.4, `${seed}`);
      const partitions = chosen.filter(({ loadThrough }) => loadThrough !== undefined).length;
      expect([0, 3]).toContain(partitions);
      expect(chosen.length * 100).toBe(sample.bytes);
      sizes.add(partitions);
    }
    expect(sizes.size).toBe(2);
  });
});

describe('objectives', () => {
  it('are nothing to check when none is stated, or the snapshot is an old one', () => {
    expect(checkRestoreTime({}, 5)).toEqual([]);
    expect(checkDataAge({}, { snapshotTime: 0, now: 1, newest: true })).toEqual([]);
    expect(checkDataAge({ dataAgeMs: hour }, { snapshotTime: 0, now: 10 * hour, newest: false })).toEqual([]);
  });

  it.each([
    [hour, 'pass'],
    [hour + 1, 'fail'],
    [undefined, 'could-not-verify'],
  ] as const)('hold the time of a restore of %s ms against one of an hour: %s', (restoreMs, verdict) => {
    expect(checkRestoreTime({ restoreTimeMs: hour }, restoreMs)).toMatchObject([{ id: 'restore-time', verdict }]);
  });

  it.each([
    [26 * hour, 'pass'],
    [26 * hour + 1, 'fail'],
    [-60_000, 'pass'],
    [-10 * 60_000, 'could-not-verify'],
    [Number.NaN, 'could-not-verify'],
  ] as const)('hold data of %s ms against 26 hours: %s', (age, verdict) => {
    const [check] = checkDataAge(
      { dataAgeMs: 26 * hour },
      { snapshotTime: 100 * hour, now: 100 * hour + age, newest: true },
    );
    expect(check).toMatchObject({ id: 'data-age', verdict });
    expect(check?.why !== undefined).toBe(verdict !== 'pass');
  });
});

describe('an expectation', () => {
  it.each<[Exclude<Expectation, { kind: 'rows' }>, string | null, boolean]>([
    [{ kind: 'equals', value: 5 }, '5', true],
    [{ kind: 'equals', value: 5 }, '5.00', true],
    [{ kind: 'equals', value: 5 }, '5.01', false],
    [{ kind: 'equals', value: 5 }, null, false],
    [{ kind: 'equals', value: 5 }, 'NaN', false],
    [{ kind: 'equals', value: 9007199254740992 }, '9007199254740993', false],
    [{ kind: 'equals', value: '5' }, '5.00', false],
    [{ kind: 'equals', value: 'five' }, 'five', true],
    [{ kind: 'equals', value: true }, 't', true],
    [{ kind: 'equals', value: false }, 't', false],
    [{ kind: 'between', min: 1 }, '1', true],
    [{ kind: 'between', max: 9007199254740992 }, '9007199254740993', false],
    [{ kind: 'between', min: 1, max: 2 }, '1.5e0', true],
    [{ kind: 'between', min: 1, max: 2 }, 'Infinity', false],
    [{ kind: 'between', min: 1, max: 2 }, '', false],
  ])('%j of %s', (expected, value, holds) => {
    expect(contradictionOf(expected, value) === undefined).toBe(holds);
  });
});

describe('the snapshot of a tree', () => {
  const at = (time: string) => ({ time: `2026-01-01T${time}:00.000Z` });
  it('is the nearest one, of two as near the later', () => {
    const all = [at('01:00'), at('03:00'), at('05:00')];
    const nearest = (time: string) => nearestOf(all, Date.parse(at(time).time));
    expect(nearest('00:00')).toBe(all[0]);
    expect(nearest('02:00')).toBe(all[1]);
    expect(nearest('03:59')).toBe(all[1]);
    expect(nearest('23:00')).toBe(all[2]);
    expect(nearestOf([], 0)).toBeUndefined();
  });
});
