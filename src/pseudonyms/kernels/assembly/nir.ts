/** French social security numbers: sex (1), year (2), month (2), département (2), commune (3), order of birth (3), key (2). */
import { nirKey, threeDigits, twoDigits, writeThreeDigits, writeTwoDigits } from './check-digits';
import { areDigits } from './digit-runs';

/** 01 to 95 without 20, the two of Corsica (2A and 2B), and 97 to 99, the last of which is abroad. */
const departments: i32 = 99;
const numbered: i32 = 94;

/** Its place among them; -1 where there is none of that name. */
function department(at: usize): i32 {
  const second = load<u8>(at, 1);
  if (load<u8>(at) === 0x32 && (second === 0x41 || second === 0x42)) return numbered + i32(second) - 0x41;
  if (!areDigits(at, at + 2)) return -1;
  const name = twoDigits(at);
  if (name === 0 || name === 20 || name === 96) return -1;
  return name < 20 ? name - 1 : name <= 95 ? name - 2 : name - 1;
}

function writeDepartment(at: usize, place: i32): void {
  if (place === numbered || place === numbered + 1) {
    store<u8>(at, 0x32);
    store<u8>(at, 0x41 + place - numbered, 1);
  } else writeTwoDigits(at, place < 19 ? place + 1 : place < numbered ? place + 2 : place + 1);
}

export function isNir(from: usize, to: usize): bool {
  if (to - from !== 15 || (load<u8>(from) !== 0x31 && load<u8>(from) !== 0x32)) return false;
  if (!areDigits(from + 1, from + 5) || !areDigits(from + 7, to)) return false;
  const month = twoDigits(from + 3);
  return (
    month >= 1 &&
    month <= 12 &&
    department(from + 5) >= 0 &&
    threeDigits(from + 7) > 0 &&
    threeDigits(from + 10) > 0 &&
    nirKey(from) === twoDigits(from + 13)
  );
}

/**
 * Counts the numbers in `list` by all but sex and key.
 *
 * @param right bits of the right half
 * @param values gets two halves of 64 bits for each
 */
export function readNirs(bytes: usize, from: usize, list: usize, count: i32, right: i32, values: usize): void {
  const mask = (u64(1) << u64(right)) - 1;
  for (let k: i32 = 0; k < count; k++) {
    const slot = usize(k) << 2;
    const start = bytes + load<usize>(from + (load<usize>(list + slot) << 2));
    const month = twoDigits(start + 1) * 12 + twoDigits(start + 3) - 1;
    const place = month * departments + department(start + 5);
    const value = (u64(place) * 999 + u64(threeDigits(start + 7) - 1)) * 999 + u64(threeDigits(start + 10) - 1);
    store<u64>(values + (slot << 2), value >> u64(right));
    store<u64>(values + (slot << 2), value & mask, 8);
  }
}

/** The way back; keys stay as they are. */
export function writeNirs(values: usize, right: i32, bytes: usize, from: usize, list: usize, count: i32): void {
  for (let k: i32 = 0; k < count; k++) {
    const slot = usize(k) << 2;
    const start = bytes + load<usize>(from + (load<usize>(list + slot) << 2));
    const value = (load<u64>(values + (slot << 2)) << u64(right)) | load<u64>(values + (slot << 2), 8);
    const rest = value / 999;
    const place = i32(rest / 999);
    const month = place / departments;
    const year = month / 12;
    writeTwoDigits(start + 1, year);
    writeTwoDigits(start + 3, month - year * 12 + 1);
    writeDepartment(start + 5, place - month * departments);
    writeThreeDigits(start + 7, i32(rest % 999) + 1);
    writeThreeDigits(start + 10, i32(value % 999) + 1);
  }
}
