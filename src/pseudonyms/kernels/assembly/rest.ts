/** Cells that a kernel leaves to the program, which does what is rare: a list of them, with their count before it. */
import { endCell, start } from './cells';

let list: usize = 0;

export function beginRest(rest: usize): void {
  list = rest;
  store<i32>(rest, 0);
}

export function addRest(i: i32): void {
  const count = load<i32>(list) + 1;
  store<i32>(list, count);
  store<i32>(list + (usize(count) << 2), i);
}

/** As long as the program has not written it, the cell is empty. */
export function leaveCell(i: i32, at: usize): void {
  endCell(i, at, at);
  addRest(i);
}

export function endNull(i: i32): void {
  endCell(i, start, start - 1);
}
