/** What a scan came upon: prints that the sketch knows, by place. Values are not kept. */
import type { Found } from './scan-text.ts';

export type PlaceKind = 'column' | 'definition' | 'large-object' | 'file-name' | 'file';

/** Where something was found. */
export interface Place {
  kind: PlaceKind;
  /** `app.people.notes`, `enum app.plan`, `large object 500001`, `docs/contract.pdf`. */
  name: string;
}

/** What was found at a place, or in a part of it: how often each print (`printNumber`). Survives structured cloning. */
export interface Hits {
  counts: Map<number, number>;
  /** Words that stand there in small letters. */
  low: Map<number, number>;
  /** Prints of phrases that words of the dictionaries make. */
  vocabulary: Set<number>;
  /** Parts that could not be read. */
  unread: number;
  /** There were more different prints than are kept. */
  more: boolean;
}

/**
 * Different prints that are kept of a place. A column that is kept although it holds what others were ruled for has one in every
 * row: that many are enough to say so, and the memory has an end.
 */
export const mostPrints = 50_000;

export function noHits(): Hits {
  return { counts: new Map(), low: new Map(), vocabulary: new Set(), unread: 0, more: false };
}

export function isNothing({ counts, low, unread }: Hits): boolean {
  return counts.size === 0 && low.size === 0 && unread === 0;
}

/** @param ofDictionaries what stands at the place is made of their words, so that phrases of them are no hits */
export function countInto(hits: Hits, ofDictionaries: boolean): Found {
  const { counts, low: small, vocabulary: drawn } = hits;
  return (print, low, vocabulary) => {
    if (vocabulary) {
      if (ofDictionaries) return;
      drawn.add(print);
    }
    if (!count(low ? small : counts, print, 1)) hits.more = true;
  };
}

/** @returns false when it is one too many to be kept */
function count(map: Map<number, number>, print: number, times: number): boolean {
  const known = map.get(print);
  if (known === undefined && map.size >= mostPrints) return false;
  map.set(print, (known ?? 0) + times);
  return true;
}

/** Everything found at one place. */
export class PlaceHits {
  readonly place: Place;
  /** The database computes it from other columns of the copy. */
  readonly derived: boolean;
  /** Where it comes among the places, whichever lane is done first. */
  readonly order: number;
  readonly counts = new Map<number, number>();
  readonly low = new Map<number, number>();
  unread = 0;
  more = false;

  constructor(place: Place, derived: boolean, order: number) {
    this.place = place;
    this.derived = derived;
    this.order = order;
  }

  add({ counts, low, unread, more }: Hits): void {
    if (more) this.more = true;
    for (const [print, times] of counts) if (!count(this.counts, print, times)) this.more = true;
    for (const [print, times] of low) if (!count(this.low, print, times)) this.more = true;
    this.unread += unread;
  }

  get empty(): boolean {
    return this.counts.size === 0 && this.low.size === 0;
  }
}
