/** What a scan came upon: prints that the sketch knows, by place. Values are not kept. */

export type PlaceKind = 'column' | 'definition' | 'large-object' | 'file-name' | 'file';

/** Where something was found. */
export interface Place {
  kind: PlaceKind;
  /** `app.people.notes`, `enum app.plan`, `large object 500001`, `docs/contract.pdf`. */
  name: string;
}

/** Prints found at one place, as numbers (`printNumber`), with how often. */
export class PlaceHits {
  readonly place: Place;
  /** The database computes it from other columns of the copy. */
  readonly derived: boolean;
  readonly counts = new Map<number, number>();
  /** Words that stand there in small letters. */
  readonly low = new Map<number, number>();

  constructor(place: Place, derived = false) {
    this.place = place;
    this.derived = derived;
  }

  add(print: number, low: boolean): void {
    const map = low ? this.low : this.counts;
    map.set(print, (map.get(print) ?? 0) + 1);
  }

  get empty(): boolean {
    return this.counts.size === 0 && this.low.size === 0;
  }
}
