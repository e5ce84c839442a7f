import type { ByteColumn } from './byte-column.ts';
import type { BroughtCells, Kernels } from './kernels/kernels.ts';
import { kernels } from './kernels/kernels.ts';
import { macColumn } from './kernels/mac-column.ts';
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
  const { count } = cells;
  if (canonical === exact || canonical === folded) {
    const kernel = kernels().begin();
    const at = keyedIn(kernel, prf, canonical, cells, kernel.bring(cells));
    return prf.received(kernel.bytes.subarray(at, at + 16 * count), count);
  }
  prf.begin(count);
  for (let i = 0; i < count; i++) {
    const text = cells.isEmpty(i) ? '' : canonical(cells.cellAt(i)!);
    const at = prf.place(text.length * 3);
    prf.end(prf.text.write(text, at, 'utf8'));
  }
  return prf.run();
}

/** The same in the memory of the kernels, for `exact` and `folded`. @returns where the words lie */
export function keyedIn(kernel: Kernels, prf: Prf, canonical: Canonical, cells: ByteColumn, brought: BroughtCells) {
  return macColumn(kernel, prf, { folds: canonical === folded, canonical }, cells, brought);
}
