/** Texts of one shape (shape-permutation.ts), found for a whole column. */

/** 16 bytes that are 255, and as many that are 0: a mask for the first of 16 lies so far before the middle. */
const masks = memory.data(32);

/**
 * Groups cells by their shapes: what each becomes where every character of a class stands for the class.
 *
 * @param ranges classes: three bytes for each range of characters, of its first, of how many there are, and of what stands for its class
 * @param rangeCount how many ranges
 * @param codes gets the shape of every group, each from a multiple of 16 on
 * @param slots room for a table of `slotCount` words, a power of 2 and twice as many as cells or more
 * @param groups gets the group of every cell; -1 for NULL and ''
 * @param told gets, for every group, where its shape lies in `codes`, its length, and where its last cell ends in `starts`
 * @param starts gets where cells begin, those of a group one behind the other
 * @returns how many groups there are
 */
export function groupShapes(
  bytes: usize,
  from: usize,
  to: usize,
  count: i32,
  ranges: usize,
  rangeCount: i32,
  codes: usize,
  slots: usize,
  slotCount: i32,
  groups: usize,
  told: usize,
  starts: usize,
): i32 {
  v128.store(masks, i8x16.splat(-1));
  v128.store(masks, i8x16.splat(0), 16);
  const slotMask = u32(slotCount - 1);
  memory.fill(slots, 0, usize(slotCount) << 2);
  let found = 0;
  let group = -1;
  let at = codes;
  for (let i: i32 = 0; i < count; i++) {
    const place = usize(i) << 2;
    const begin = load<usize>(from + place);
    const length = load<i32>(to + place) - i32(begin);
    if (length <= 0 || load<i32>(to + place) < 0) {
      store<i32>(groups + place, -1);
      continue;
    }
    writeCodes(bytes + begin, length, ranges, rangeCount, at);
    // Most columns of codes have one shape.
    if (group < 0 || !isShape(told + usize(group) * 12, codes, at, length)) {
      let slot = hashOf(at, length) & slotMask;
      for (;;) {
        group = load<i32>(slots + (usize(slot) << 2)) - 1;
        if (group < 0 || isShape(told + usize(group) * 12, codes, at, length)) break;
        slot = (slot + 1) & slotMask;
      }
      if (group < 0) {
        group = found++;
        store<i32>(slots + (usize(slot) << 2), found);
        const entry = told + usize(group) * 12;
        store<i32>(entry, i32(at - codes));
        store<i32>(entry, length, 4);
        store<i32>(entry, 0, 8);
        at += usize((length + 15) & ~15);
      }
    }
    store<i32>(groups + place, group);
    const size = told + usize(group) * 12 + 8;
    store<i32>(size, load<i32>(size) + 1);
  }
  let before = 0;
  for (let g: i32 = 0; g < found; g++) {
    const entry = told + usize(g) * 12 + 8;
    const size = load<i32>(entry);
    store<i32>(entry, before);
    before += size;
  }
  for (let i: i32 = 0; i < count; i++) {
    const place = usize(i) << 2;
    const own = load<i32>(groups + place);
    if (own < 0) continue;
    const entry = told + usize(own) * 12 + 8;
    const next = load<i32>(entry);
    store<i32>(starts + (usize(next) << 2), load<i32>(from + place));
    store<i32>(entry, next + 1);
  }
  return found;
}

/** Filled up with 0 to a multiple of 16. */
function writeCodes(text: usize, length: i32, ranges: usize, rangeCount: i32, at: usize): void {
  for (let k: i32 = 0; k < length; k += 16) {
    const bytes = v128.load(text + usize(k));
    let made = bytes;
    for (let range = ranges, end = ranges + usize(rangeCount) * 3; range < end; range += 3) {
      const within = i8x16.lt_u(i8x16.sub(bytes, v128.load8_splat(range)), v128.load8_splat(range, 1));
      made = v128.bitselect(v128.load8_splat(range, 2), made, within);
    }
    const left = length - k;
    if (left < 16) made = v128.and(made, v128.load(masks + 16 - usize(left)));
    v128.store(at + usize(k), made);
  }
}

function isShape(entry: usize, codes: usize, at: usize, length: i32): bool {
  if (load<i32>(entry, 4) !== length) return false;
  const known = codes + load<usize>(entry);
  for (let k: usize = 0; k < usize(length); k += 16)
    if (v128.any_true(v128.xor(v128.load(known + k), v128.load(at + k)))) return false;
  return true;
}

/** Odd, of bits as good as random. */
const mixer: u64 = (u64(0x9e3779b9) << 32) | 0x7f4a7c15;

function hashOf(at: usize, length: i32): u32 {
  let hash = u64(length);
  for (let k: usize = 0; k < usize(length); k += 8) hash = ((hash ^ load<u64>(at + k)) * mixer) ^ (hash >> 29);
  return u32(hash >> 32);
}
