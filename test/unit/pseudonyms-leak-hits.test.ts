import { describe, expect, it } from 'vitest';
import { assertAllKept } from '../../src/jobs/pseudonymize/leak-check.ts';
import { countInto, mostPrints, noHits, PlaceHits } from '../../src/pseudonyms/leaks/hits.ts';
import { type LeakFinding, sortOut } from '../../src/pseudonyms/leaks/report.ts';

/** As many different prints as asked for, each twice. */
function hitsOf(different: number, from = 0) {
  const hits = noHits();
  const found = countInto(hits, false);
  for (let turn = 0; turn < 2; turn++) for (let at = 0; at < different; at++) found(from + at, false, false);
  return hits;
}

const place = () => new PlaceHits({ kind: 'column', name: 'app.people.notes' }, false, 0);
const finding: LeakFinding = { place: 'column', name: 'c', what: 'word', count: 1, values: 1, originals: [] };
const placesOf = (hits: PlaceHits) => ({ places: new Map([['column app.people.notes', hits]]) });

describe('hits', () => {
  it('are counted, each of them, up to as many as are kept', () => {
    const hits = hitsOf(mostPrints);
    expect(hits.more).toBe(false);
    expect(hits.counts.size).toBe(mostPrints);
    expect([...hits.counts.values()].every((count) => count === 2)).toBe(true);
    const { counts, more } = hitsOf(mostPrints + 1);
    expect({ size: counts.size, more }).toEqual({ size: mostPrints, more: true });
  });

  it('of several parts of a place together are no more than that', () => {
    const found = place();
    found.add(hitsOf(mostPrints - 1));
    found.add(hitsOf(1, mostPrints));
    expect({ more: found.more, size: found.counts.size, again: found.counts.get(0) }).toEqual({
      more: false,
      size: mostPrints,
      again: 2,
    });
    found.add(hitsOf(1));
    expect(found.more).toBe(false);
    found.add(hitsOf(1, -1));
    expect(found.more).toBe(true);
  });

  it('that are not all kept are no pass, and a leak all the same', () => {
    const found = place();
    found.add(hitsOf(mostPrints + 1));
    expect(() => assertAllKept(placesOf(found), [])).toThrow(/More values look like originals/);
    expect(() => assertAllKept(placesOf(found), [finding])).not.toThrow();
    const few = place();
    few.add(hitsOf(3));
    expect(() => assertAllKept(placesOf(few), [])).not.toThrow();
  });
});

describe('what is tolerated', () => {
  const word: LeakFinding = { ...finding, name: 'app.documents.body' };
  const known = [{ place: 'app.documents.body', what: 'word' as const, reason: 'titles begin with them' }];

  it('is told apart by its place and by what it is, with the reason', () => {
    expect(sortOut([word], known)).toEqual({
      findings: [],
      tolerated: [{ ...word, reason: 'titles begin with them' }],
    });
    for (const other of [
      { ...word, name: 'app.documents.title' },
      { ...word, what: 'phrase' as const },
    ]) {
      expect(sortOut([other], known)).toEqual({ findings: [other], tolerated: [] });
    }
    const identifier = { ...word, what: 'identifier' as const };
    expect(sortOut([word, identifier], known).findings).toEqual([identifier]);
  });
});
