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
