/** Cells that kernels write, one behind the other: `to` is -1 for NULL. */

/** Bytes of all cells. */
export function sizeOfCells(from: usize, to: usize, count: i32): i32 {
  let size = 0;
  for (let i: i32 = 0; i < count; i++) {
    const place = usize(i) << 2;
    size += max(load<i32>(to + place) - load<i32>(from + place), 0);
  }
  return size;
}

/** A column that is written: where it begins, and where its places go, which count from there. */
export let start: usize = 0;
let froms: usize = 0;
let tos: usize = 0;

export function beginCells(bytes: usize, from: usize, to: usize): void {
  start = bytes;
  froms = from;
  tos = to;
}

export function endCell(i: i32, from: usize, to: usize): void {
  const place = usize(i) << 2;
  store<i32>(froms + place, i32(from - start));
  store<i32>(tos + place, i32(to - start));
}

/** NULL stays NULL, and '' stays ''. @returns whether the cell is one of them */
export function endEmpty(i: i32, length: i32, at: usize): bool {
  if (length > 0) return false;
  const place = usize(i) << 2;
  store<i32>(froms + place, length < 0 ? 0 : i32(at - start));
  store<i32>(tos + place, length < 0 ? -1 : i32(at - start));
  return true;
}

/** The length of a cell; below 0 for NULL. */
export function lengthOf(from: usize, to: usize, i: i32): i32 {
  const place = usize(i) << 2;
  const end = load<i32>(to + place);
  return end < 0 ? -1 : end - load<i32>(from + place);
}

/** Copies so many bytes. Up to 15 bytes behind them may be read and written. @returns behind them */
export function copyBytes(from: usize, length: i32, to: usize): usize {
  for (let k: i32 = 0; k < length; k += 16) v128.store(to + usize(k), v128.load(from + usize(k)));
  return to + usize(length);
}

/** Copies the cells of a column, one behind the other; there is room for 16 bytes more. @returns where the last one ends */
export function copyCells(
  bytes: usize,
  from: usize,
  to: usize,
  count: i32,
  out: usize,
  outFrom: usize,
  outTo: usize,
): usize {
  beginCells(out, outFrom, outTo);
  let at = out;
  for (let i: i32 = 0; i < count; i++) {
    const length = lengthOf(from, to, i);
    if (endEmpty(i, length, at)) continue;
    const end = copyBytes(bytes + load<usize>(from + (usize(i) << 2)), length, at);
    endCell(i, at, end);
    at = end;
  }
  return at;
}
