/**
 * The rounds of FF1 (binary-ff1.ts) on the numbers of a batch; the cipher itself is outside. A number is two halves of 64
 * bits, one behind the other: 16 bytes. Rounds change them in turn: those of odd number the right one.
 */

const block = memory.data(16);

/** Bits of a half, all of them 1. */
function ones(bits: i32): i64 {
  return bits === 64 ? -1 : (i64(1) << i64(bits)) - 1;
}

/** The block of a round for a half that is 0: halves are added to its end, and the round before that. */
function headOf(head: usize, right: i32, round: i32): v128 {
  v128.store(block, v128.load(head));
  const at = block + usize(15 - ((right + 7) >> 3));
  store<u8>(at, load<u8>(at) ^ u8(round));
  return v128.load(block);
}

/** Takes the half that a round keeps to the end of a block, the highest byte first. */
function keptPattern(round: i32): v128 {
  return (round & 1) === 0
    ? i8x16(-1, -1, -1, -1, -1, -1, -1, -1, 15, 14, 13, 12, 11, 10, 9, 8)
    : i8x16(-1, -1, -1, -1, -1, -1, -1, -1, 7, 6, 5, 4, 3, 2, 1, 0);
}

/** Takes what is added of a sealed block to the half that a round changes: 4 bytes of it, or 8. */
function addedPattern(round: i32, right: i32): v128 {
  if (right <= 32)
    return (round & 1) === 0
      ? i8x16(7, 6, 5, 4, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1)
      : i8x16(-1, -1, -1, -1, -1, -1, -1, -1, 7, 6, 5, 4, -1, -1, -1, -1);
  return (round & 1) === 0
    ? i8x16(11, 10, 9, 8, 7, 6, 5, 4, -1, -1, -1, -1, -1, -1, -1, -1)
    : i8x16(-1, -1, -1, -1, -1, -1, -1, -1, 11, 10, 9, 8, 7, 6, 5, 4);
}

/**
 * The blocks of the first round.
 *
 * @param head the block of a round 0 for a half that is 0
 * @param right bits of the right half
 * @param round 0; 9 to go backwards
 */
export function firstRound(values: usize, count: i32, head: usize, right: i32, round: i32, blocks: usize): void {
  const begin = headOf(head, right, round);
  const pattern = keptPattern(round);
  for (let at: usize = 0, end = usize(count) << 4; at < end; at += 16)
    v128.store(blocks + at, v128.xor(begin, i8x16.swizzle(v128.load(values + at), pattern)));
}

/**
 * Adds what the cipher made of the blocks of a round.
 *
 * @param bits of both halves
 * @param backwards whether it is taken away
 * @param blocks what the cipher made; it becomes the blocks of the next round
 */
export function nextRound(
  values: usize,
  count: i32,
  head: usize,
  bits: i32,
  round: i32,
  backwards: i32,
  blocks: usize,
): void {
  const left = bits >> 1;
  const right = bits - left;
  const next = backwards !== 0 ? round - 1 : round + 1;
  const begin = headOf(head, right, next);
  const kept = keptPattern(next);
  const added = addedPattern(round, right);
  const all = i64x2.splat(-1);
  const mask = (round & 1) === 0 ? i64x2.replace_lane(all, 0, ones(left)) : i64x2.replace_lane(all, 1, ones(right));
  const end = usize(count) << 4;
  if (backwards !== 0)
    for (let at: usize = 0; at < end; at += 16) {
      const made = i8x16.swizzle(v128.load(blocks + at), added);
      const value = v128.and(i64x2.sub(v128.load(values + at), made), mask);
      v128.store(values + at, value);
      v128.store(blocks + at, v128.xor(begin, i8x16.swizzle(value, kept)));
    }
  else
    for (let at: usize = 0; at < end; at += 16) {
      const made = i8x16.swizzle(v128.load(blocks + at), added);
      const value = v128.and(i64x2.add(v128.load(values + at), made), mask);
      v128.store(values + at, value);
      v128.store(blocks + at, v128.xor(begin, i8x16.swizzle(value, kept)));
    }
}

/** 1, or 0. */
function isAbove(value: usize, left: u64, right: u64): i32 {
  const half = load<u64>(value);
  return i32(half > left) | (i32(half === left) & i32(load<u64>(value, 8) > right));
}

/**
 * Copies the numbers that are above a bound.
 *
 * @param above gets them
 * @param where gets which of `values` each is
 * @returns how many they are
 */
export function numbersAbove(values: usize, count: i32, bound: usize, above: usize, where: usize): i32 {
  const left = load<u64>(bound);
  const right = load<u64>(bound, 8);
  let found = 0;
  for (let i: i32 = 0; i < count; i++) {
    const value = values + (usize(i) << 4);
    // As good as random: what is written in vain costs less than a branch.
    v128.store(above + (usize(found) << 4), v128.load(value));
    store<i32>(where + (usize(found) << 2), i);
    found += isAbove(value, left, right);
  }
  return found;
}

/** Puts the numbers that are not above the bound any more where they belong. @returns how many are left, from the first place on */
export function numbersLeft(above: usize, count: i32, bound: usize, where: usize, values: usize): i32 {
  const left = load<u64>(bound);
  const right = load<u64>(bound, 8);
  let found = 0;
  for (let slot: i32 = 0; slot < count; slot++) {
    const value = above + (usize(slot) << 4);
    const i = load<usize>(where + (usize(slot) << 2));
    if (isAbove(value, left, right) !== 0) {
      v128.store(above + (usize(found) << 4), v128.load(value));
      store<u32>(where + (usize(found++) << 2), u32(i));
    } else v128.store(values + (i << 4), v128.load(value));
  }
  return found;
}
