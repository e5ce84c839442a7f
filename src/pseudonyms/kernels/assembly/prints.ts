/** Prints that are written for the program: 12 bytes each, two words of a print and the cell that it is of with what it is of. */
import { finished } from './words';

/** What a print is of, as `kind` in leaks/column-search.ts has it. */
export const other: i32 = 0;
export const plain: i32 = 1;
export const lowPlain: i32 = 2;
export const start: i32 = 3;
export const number: i32 = 4;
export const telephone: i32 = 5;
export const wordWithDigits: i32 = 6;

let begin: usize = 0;
/** Where the next one is written. */
let out: usize = 0;
/** The cell, and three bits for what it is of. */
let tag: i32 = 0;

export function beginPrints(prints: usize): void {
  begin = prints;
  out = prints;
}

/** How many there are. */
export function written(): i32 {
  return i32(out - begin) / 12;
}

export function printsOf(cell: i32): void {
  tag = cell << 3;
}

/** Those behind are forgotten. */
export function keepPrints(count: i32): void {
  out = begin + usize(count) * 12;
}

/** Gives a print that has no form yet. */
export function give(form: i32, print: u64, kind: i32): void {
  store<i32>(out, finished(i32(print), form));
  store<i32>(out, finished(i32(print >> 32), form), 4);
  store<i32>(out, tag | kind, 8);
  out += 12;
}

/**
 * Gives the first of two finished prints.
 *
 * @param isWanted else it is written and forgotten: that costs less than a branch that nobody can guess
 */
export function giveFirst(prints: v128, kind: i32, isWanted: bool): void {
  v128.store64_lane(out, prints, 0);
  store<i32>(out, tag | kind, 8);
  out += isWanted ? 12 : 0;
}

/** Gives the second of two finished prints. */
export function giveSecond(prints: v128, kind: i32): void {
  v128.store64_lane(out, prints, 1);
  store<i32>(out, tag | kind, 8);
  out += 12;
}
