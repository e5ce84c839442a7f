/** Rows of COPY in binary format (copy-binary.ts). Whole numbers there have the highest byte first. */

/**
 * Finds the ruled fields of complete rows from `start` on.
 *
 * @param ruled positions of the ruled columns, rising
 * @param cells of each ruled one: where the places of its cells go, `from` and then `to`
 * @param fields of each ruled field, row by row: where it begins, with its length, and where it ends
 * @param base what all places are counted from
 * @param told gets the rows that were read, and the count of fields of the row behind them, which is `columns` unless it is wrong
 * @returns behind the last of them
 */
export function readRows(
  start: usize,
  end: usize,
  columns: i32,
  ruled: usize,
  width: i32,
  cells: usize,
  fields: usize,
  most: i32,
  base: usize,
  told: usize,
): usize {
  let here = start;
  let rows = 0;
  let slot = fields;
  store<i32>(told, columns, 4);
  while (rows < most && here + 2 <= end) {
    const count = i32(bswap<i16>(load<i16>(here)));
    if (count !== columns) {
      store<i32>(told, count, 4);
      break;
    }
    let at = here + 2;
    let column = 0;
    let next = 0;
    let complete = false;
    for (;;) {
      const until = next < width ? load<i32>(ruled + (usize(next) << 2)) : columns;
      while (column < until && at + 4 <= end) {
        const length = bswap<i32>(load<i32>(at));
        at += length > 0 ? usize(length) + 4 : 4;
        column++;
      }
      if (column < until) break;
      if (next === width) {
        complete = at <= end;
        break;
      }
      if (at + 4 > end) break;
      const length = bswap<i32>(load<i32>(at));
      const from = at + 4;
      if (length > i32(end - from)) break;
      const to = length < 0 ? from : from + usize(length);
      store<i32>(slot, i32(at - base));
      store<i32>(slot, i32(to - base), 4);
      slot += 8;
      const cell = cells + (usize(next) << 3);
      const row = usize(rows) << 2;
      store<i32>(load<usize>(cell) + row, i32(from - base));
      store<i32>(load<usize>(cell, 4) + row, length < 0 ? -1 : i32(to - base));
      at = to;
      column++;
      next++;
    }
    if (!complete) break;
    here = at;
    rows++;
  }
  store<i32>(told, rows);
  return here;
}

/** Says of which cells a byte is beyond ASCII. Up to 15 bytes behind a cell are read. @returns whether any is */
export function markWide(bytes: usize, from: usize, to: usize, wide: usize, count: i32): i32 {
  let any = 0;
  for (let i: i32 = 0; i < count; i++) {
    const place = usize(i) << 2;
    let at = bytes + load<usize>(from + place);
    let left = load<i32>(to + place) - load<i32>(from + place);
    let seen: i32 = 0;
    for (; left >= 16; left -= 16, at += 16) seen |= i8x16.bitmask(v128.load(at));
    if (left > 0) seen |= i8x16.bitmask(v128.load(at)) & ((1 << left) - 1);
    const is = seen !== 0 ? 1 : 0;
    store<u8>(wide + i, is);
    any |= is;
  }
  return any;
}

/** @returns how many more bytes rows have with other cells in their ruled fields: as `assembleRows` takes them */
export function sizeOfRows(fields: usize, rows: i32, cells: usize, width: i32): i32 {
  let size = 0;
  for (let k: i32 = 0; k < width; k++) {
    const cell = cells + usize(k) * 12;
    const from = load<usize>(cell, 4);
    const to = load<usize>(cell, 8);
    let field = fields + (usize(k) << 3);
    for (let row: i32 = 0; row < rows; row++, field += usize(width) << 3) {
      const place = usize(row) << 2;
      const length = load<i32>(to + place) - load<i32>(from + place);
      size += 4 - (load<i32>(field, 4) - load<i32>(field)) + max(length, 0);
    }
  }
  return size;
}

/**
 * Writes rows in which the ruled fields are other cells.
 *
 * @param from, to the rows as they came
 * @param fields as `readRows` left them
 * @param cells of each ruled column: what its places are counted from, where `from` and `to` of its cells lie
 * @param out has room for all of it and 15 bytes more
 * @returns where it ends
 */
export function assembleRows(
  from: usize,
  to: usize,
  base: usize,
  fields: usize,
  rows: i32,
  cells: usize,
  width: i32,
  out: usize,
): usize {
  let target = out;
  let source = from;
  let field = fields;
  const last = cells + usize(width) * 12;
  for (let row: i32 = 0; row < rows; row++) {
    const place = usize(row) << 2;
    for (let cell = cells; cell < last; cell += 12, field += 8) {
      const until = base + load<usize>(field);
      target = copy(target, source, i32(until - source));
      source = base + load<usize>(field, 4);
      const end = load<i32>(load<usize>(cell, 8) + place);
      if (end < 0) {
        store<i32>(target, -1);
        target += 4;
        continue;
      }
      const begin = load<i32>(load<usize>(cell, 4) + place);
      const length = end - begin;
      store<i32>(target, bswap<i32>(length));
      target = copy(target + 4, load<usize>(cell) + usize(begin), length);
    }
  }
  return copy(target, source, i32(to - source));
}

/** Copies 16 bytes at a time: what is too much is overwritten by what comes next. */
function copy(target: usize, source: usize, length: i32): usize {
  if (length > 256) {
    memory.copy(target, source, length);
    return target + usize(length);
  }
  let at: usize = 0;
  do {
    v128.store(target + at, v128.load(source + at));
    at += 16;
  } while (i32(at) < length);
  return target + usize(length);
}
