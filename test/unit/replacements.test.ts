import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Listed, neededPacks, type Replacement, Replacements } from '../../src/repository/replacements.ts';

const size = 7;

function replacement(id: string, replaces: string[], packs: string[], more: Partial<Replacement> = {}): Replacement {
  return {
    id,
    time: Number(id.slice(1)),
    replaces,
    packs: new Map(packs.map((pack) => [pack, size])),
    snapshots: new Set(['s']),
    sites: new Set(['near']),
    ...more,
  };
}

function listing(packs: Iterable<string>, site?: string): Listed {
  const known = new Set(packs);
  return { has: (pack, wanted) => known.has(pack) && (wanted ?? size) === size, ...(site !== undefined && { site }) };
}

function needs(
  named: string[],
  all: Replacement[],
  listed: Listed,
  prefer: 'named' | 'replacement' = 'replacement',
  id = 's',
) {
  const { packs, indexes, missing } = neededPacks({ id, packs: named }, new Replacements(all), listed, prefer);
  return { packs: [...packs].sort(), indexes: [...indexes].sort(), missing };
}

describe('what a snapshot needs', () => {
  const once = [replacement('r1', ['a', 'b'], ['n', 'o'])];
  const twice = [...once, replacement('r2', ['n'], ['m'])];

  it('are its packs, where nothing was compacted', () => {
    expect(needs(['a', 'b'], [], listing(['a']))).toEqual({ packs: ['a', 'b'], indexes: [], missing: ['b'] });
  });

  it('is all that one index object brings instead, transitively', () => {
    expect(needs(['a', 'c'], once, listing(['a', 'c', 'n', 'o']))).toEqual({
      packs: ['c', 'n', 'o'],
      indexes: ['r1'],
      missing: [],
    });
    const gone = listing(['c', 'm', 'o']);
    expect(needs(['a', 'c'], twice, gone)).toEqual({ packs: ['c', 'm', 'o'], indexes: ['r1', 'r2'], missing: [] });
    expect(needs(['a'], twice, gone, 'named')).toEqual({ packs: ['m', 'o'], indexes: ['r1', 'r2'], missing: [] });
  });

  it('is a pack itself while it is listed, for readers', () => {
    expect(needs(['a', 'b'], once, listing(['a', 'n', 'o']), 'named')).toEqual({
      packs: ['a', 'n', 'o'],
      indexes: ['r1'],
      missing: [],
    });
  });

  it('is a pack itself where what replaces it is not whole, or cut, or not said at this site, or not of this snapshot', () => {
    const itself = { packs: ['a'], indexes: [], missing: [] };
    expect(needs(['a'], once, listing(['a', 'n']))).toEqual(itself);
    const cut = [replacement('r1', ['a'], ['n'], { packs: new Map([['n', size + 1]]) })];
    expect(needs(['a'], cut, listing(['a', 'n']))).toEqual(itself);
    expect(needs(['a'], once, listing(['a', 'n', 'o'], 'far'))).toEqual(itself);
    expect(needs(['a'], once, listing(['a', 'n', 'o'], 'near')).packs).toEqual(['n', 'o']);
    expect(needs(['a'], once, listing(['a', 'n', 'o']), 'replacement', 'other')).toEqual(itself);
  });

  it('is whatever is left of it where nothing is whole, so that nothing of that goes', () => {
    expect(needs(['a'], twice, listing(['o']))).toEqual({
      packs: ['a', 'm', 'n', 'o'],
      indexes: ['r1', 'r2'],
      missing: ['a'],
    });
  });

  it('is nothing where nothing in a pack was needed', () => {
    expect(needs(['a'], [replacement('r1', ['a'], [])], listing(['a']))).toEqual({
      packs: [],
      indexes: ['r1'],
      missing: [],
    });
  });

  it('passes over what goes in a circle', () => {
    const circle = [replacement('r1', ['a'], ['b']), replacement('r2', ['b'], ['a']), replacement('r3', ['c'], ['c'])];
    expect(needs(['a', 'b', 'c'], circle, listing(['a', 'b', 'c']))).toEqual({
      packs: ['b', 'c'],
      indexes: ['r1'],
      missing: [],
    });
  });

  it('is listed, and holds every chunk, whatever was compacted, lost, made meanwhile or removed as not needed', () => {
    const step = fc.record({
      kind: fc.constantFrom('backup', 'hidden', 'compact', 'compact', 'sweep', 'lose') as fc.Arbitrary<string>,
      picks: fc.array(fc.nat(30), { minLength: 1, maxLength: 6 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = new World();
        for (const { kind, picks } of steps) world.step(kind, picks);
        world.check();
      }),
      { numRuns: 500 },
    );
  });
});

/** Packs hold chunks, which are numbers; snapshots need some of them. */
class World {
  readonly packs = new Map<string, Set<number>>([['p0', new Set([0, 1, 2])]]);
  readonly listed = new Set(['p0']);
  readonly lost = new Set<string>();
  readonly all: Replacement[] = [];
  readonly snapshots: { id: string; packs: string[]; chunks: number[]; hidden: boolean }[] = [];
  #number = 1;

  get replacements(): Replacements {
    return new Replacements(this.all);
  }

  step(kind: string, picks: number[]): void {
    if (kind === 'backup' || kind === 'hidden') this.#backup(picks, kind === 'hidden');
    else if (kind === 'compact') this.#compact(picks);
    else if (kind === 'sweep') this.#sweep();
    else this.#lose(picks[0]!);
  }

  /** Deduplicates against any listed pack, as a writer that began long ago may. */
  #backup(picks: number[], hidden: boolean): void {
    const known = [...this.listed];
    const chunks: number[] = [];
    const packs = new Set<string>();
    for (const pick of picks) {
      const pack = known[pick % Math.max(1, known.length)];
      const held = pack === undefined ? [] : [...this.packs.get(pack)!];
      if (pick % 3 === 0 || held.length === 0) {
        const name = this.#newPack([1000 + this.#number, 2000 + this.#number]);
        packs.add(name);
        chunks.push(...this.packs.get(name)!);
      } else {
        packs.add(pack!);
        chunks.push(held[pick % held.length]!);
      }
    }
    this.snapshots.push({ id: `s${this.#number++}`, packs: [...packs], chunks, hidden });
  }

  #newPack(chunks: number[]): string {
    const name = `p${this.#number++}`;
    this.packs.set(name, new Set(chunks));
    this.listed.add(name);
    return name;
  }

  /** Of what it knows only what some snapshot refers to is copied. */
  #compact(picks: number[]): void {
    const known = this.snapshots.filter(({ hidden }) => !hidden);
    const live = new Set(known.flatMap(({ chunks }) => chunks));
    const needed = known.map((one) => ({
      id: one.id,
      ...neededPacks(one, this.replacements, listing(this.listed), 'replacement'),
    }));
    const packs = [...new Set(needed.flatMap((one) => [...one.packs]))].filter((pack) => this.listed.has(pack));
    const group = [...new Set(picks.map((pick) => packs[pick % Math.max(1, packs.length)]))].filter(
      (pack) => pack !== undefined,
    );
    if (group.length === 0) return;
    const chunks = [...new Set(group.flatMap((pack) => [...this.packs.get(pack)!]))].filter((chunk) => live.has(chunk));
    const half = chunks.splice(0, chunks.length / 2);
    const written = [half, chunks].filter((part) => part.length > 0).map((part) => this.#newPack(part));
    this.all.push(
      replacement(`r${this.#number++}`, group, written, {
        snapshots: new Set(needed.filter(({ packs }) => group.some((pack) => packs.has(pack))).map(({ id }) => id)),
      }),
    );
  }

  #sweep(): void {
    const kept = new Set<string>();
    const said = new Set<string>();
    for (const one of this.snapshots) {
      const { packs, indexes } = neededPacks(one, this.replacements, listing(this.listed), 'replacement');
      for (const pack of packs) kept.add(pack);
      for (const index of indexes) said.add(index);
    }
    for (const pack of this.listed) if (!kept.has(pack)) this.listed.delete(pack);
    // As the plan of a sweep has it: index objects go that nobody needs and whose packs are gone.
    const stays = ({ id, packs }: Replacement) =>
      said.has(id) || [...packs.keys()].some((pack) => this.listed.has(pack));
    this.all.splice(0, this.all.length, ...this.all.filter(stays));
  }

  #lose(pick: number): void {
    const pack = [...this.listed][pick % Math.max(1, this.listed.size)];
    if (pack === undefined) return;
    this.listed.delete(pack);
    this.lost.add(pack);
  }

  check(): void {
    for (const snapshot of this.snapshots) {
      for (const prefer of ['named', 'replacement'] as const) {
        const found = neededPacks(snapshot, this.replacements, listing(this.listed), prefer);
        const held = new Set(
          [...found.packs].flatMap((pack) => (this.listed.has(pack) ? [...this.packs.get(pack)!] : [])),
        );
        if (found.missing.length === 0) {
          expect([...found.packs].filter((pack) => !this.listed.has(pack))).toEqual([]);
          expect(snapshot.chunks.filter((chunk) => !held.has(chunk))).toEqual([]);
        } else expect(this.lost.size).toBeGreaterThan(0);
      }
    }
  }
}
