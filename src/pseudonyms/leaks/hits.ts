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
}

export function noHits(): Hits {
  return { counts: new Map(), low: new Map(), vocabulary: new Set(), unread: 0 };
}

export function isNothing({ counts, low, unread }: Hits): boolean {
  return counts.size === 0 && low.size === 0 && unread === 0;
}

/** @param ofDictionaries what stands at the place is made of their words, so that phrases of them are no hits */
export function countInto({ counts, low: small, vocabulary: drawn }: Hits, ofDictionaries: boolean): Found {
  return (print, low, vocabulary) => {
    if (vocabulary) {
      if (ofDictionaries) return;
      drawn.add(print);
    }
    const map = low ? small : counts;
    map.set(print, (map.get(print) ?? 0) + 1);
  };
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

  constructor(place: Place, derived: boolean, order: number) {
    this.place = place;
    this.derived = derived;
    this.order = order;
  }

  add({ counts, low, unread }: Hits): void {
    for (const [print, count] of counts) this.counts.set(print, (this.counts.get(print) ?? 0) + count);
    for (const [print, count] of low) this.low.set(print, (this.low.get(print) ?? 0) + count);
    this.unread += unread;
  }

  get empty(): boolean {
    return this.counts.size === 0 && this.low.size === 0;
  }
}
