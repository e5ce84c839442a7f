import type { ByteColumn } from './byte-column.ts';
import { hasBlank, inSmallLetters } from './four-bytes.ts';
import { type Prf, separator } from './prf.ts';
import type { Cell } from './transformer.ts';

/**
 * Canonical forms: which values count as the same one. A whole batch is brought into its form as one text, since ten calls
 * on a long string cost less than thousands on short ones. No form may look beyond a NUL.
 */
export type Canonical = (joined: string) => string;

/** Unicode NFC: as it is, however it was composed. */
export const exact: Canonical = (joined) => (isAscii(joined) ? joined : joined.normalize('NFC'));

/** NFC, lower case, without spaces around, runs of white space as one: names, companies, cities. */
export const folded: Canonical = (joined) => {
  const lower = joined.toLowerCase();
  const spaced = /\s/.test(lower) ? lower.replace(/\s+/g, ' ').replace(/(^|\0) | (?=\0|$)/g, '$1') : lower;
  return isAscii(spaced) ? spaced : spaced.normalize('NFC');
};

/** Letters and digits only, in capitals: IBAN, VAT, codes with loose grouping. */
export const compact: Canonical = (joined) => joined.toUpperCase().replace(/[^0-9A-Z\0]/g, '');

/** Digits only. */
export const digits: Canonical = (joined) => joined.replace(/[^0-9\0]/g, '');

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is asked
const asciiOnly = /^[\x00-\x7f]*$/;

function isAscii(text: string): boolean {
  return asciiOnly.test(text);
}

/** Four words for each cell, of its canonical form; null counts as ''. */
export function keyed(prf: Prf, canonical: Canonical, cells: readonly Cell[]): Uint32Array {
  return prf.joined(canonical(cells.join(separator)), cells.length);
}

/** The same of a column of bytes. */
export function keyedColumn(prf: Prf, canonical: Canonical, cells: ByteColumn): Uint32Array {
  const { count, from, to, wide } = cells;
  prf.begin(count);
  for (let i = 0; i < count; i++) {
    const [start, end] = [from[i]!, to[i]!];
    if (end <= start) {
      prf.place(0);
      prf.end(0);
    } else if (wide[i] !== 0 || (canonical !== exact && canonical !== folded)) {
      const text = canonical(cells.cellAt(i)!);
      const at = prf.place(text.length * 3);
      prf.end(prf.text.write(text, at, 'utf8'));
    } else {
      const place = prf.place(end - start);
      const to =
        canonical === exact ? copied(cells, start, end, prf, place) : foldedAscii(cells, start, end, prf, place);
      prf.end(to - place);
    }
  }
  return prf.run();
}

function copied(
  { bytes, view }: ByteColumn,
  start: number,
  end: number,
  { text, view: out }: Prf,
  place: number,
): number {
  let at = place;
  let k = start;
  for (; k <= end - 4; k += 4, at += 4) out.setInt32(at, view.getInt32(k, true), true);
  for (; k < end; k++) text[at++] = bytes[k]!;
  return at;
}

/** `folded` of ASCII. @returns where it ends */
function foldedAscii(
  { bytes, view }: ByteColumn,
  start: number,
  end: number,
  { text, view: out }: Prf,
  place: number,
): number {
  let at = place;
  let space = false;
  for (let k = start; k < end; ) {
    while (!space && k <= end - 4) {
      const word = view.getInt32(k, true);
      if (hasBlank(word)) break;
      out.setInt32(at, inSmallLetters(word), true);
      at += 4;
      k += 4;
    }
    if (k === end) break;
    const byte = bytes[k++]!;
    if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) space = true;
    else {
      if (space) {
        if (at > place) text[at++] = 0x20;
        space = false;
      }
      text[at++] = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    }
  }
  return at;
}
