import { HoldfastError } from '../base/errors.ts';
import type { PackEntry } from './directory.ts';
import { idLength } from './frame.ts';
import type { SignedPayload } from './trust.ts';

/** What packs hold: docs/format.md §5. */
export interface IndexPayload extends SignedPayload {
  kind: 'index';
  source: string;
  time: string;
  packs: IndexedPack[];
  /** Packs that those of this object take the place of, for the snapshots named; only an owner or verifier may say so. */
  replaces?: string[];
  /** Ids of the snapshots for which it does. */
  snapshots?: string[];
}

export interface IndexedPack {
  pack: string;
  /** Bytes of the object. */
  size: number;
  /** Hex of all ids, back to back. */
  ids: string;
  lengths: number[];
  rawLengths: number[];
}

export function indexedPack(pack: string, size: number, entries: readonly PackEntry[]): IndexedPack {
  return {
    pack,
    size,
    ids: Buffer.concat(entries.map(({ id }) => id)).toString('hex'),
    lengths: entries.map(({ length }) => length),
    rawLengths: entries.map(({ rawLength }) => rawLength),
  };
}

/** @throws HoldfastError `object-damaged` when its columns do not fit each other */
export function assertIndexedPack(pack: IndexedPack): void {
  const count = pack.lengths.length;
  if (pack.rawLengths.length !== count || pack.ids.length !== count * idLength * 2) {
    throw new HoldfastError('object-damaged', `The index entry of pack ${pack.pack} contradicts itself.`);
  }
}
