/** Numbers with check digits: which texts without grouping are some, and what their check digits are. */
import { ibanCheck, luhn, mod97, nirKey, ribKey, twoDigits, vatKey, writeTwoDigits } from './check-digits';
import { areDigits } from './digit-runs';
import { isNir } from './nir';
import { isCapital, isDigit, isLetter } from './text';

/** As `numberCodes` of transformers/grouped.ts has them. */
const ofIban: i32 = 0;
const ofSiren: i32 = 1;
const ofSiret: i32 = 2;
const ofVat: i32 = 3;
const ofNir: i32 = 4;
const ofCard: i32 = 5;

export function isNumber(kind: i32, from: usize, to: usize): bool {
  if (kind === ofIban) return isIban(from, to);
  if (kind === ofSiren) return isSiren(from, to);
  if (kind === ofSiret) return to - from === 14 && isSiren(from, from + 9) && passesLuhn(from, to);
  if (kind === ofVat) return isVat(from, to);
  if (kind === ofNir) return isNir(from, to);
  return kind === ofCard && to - from >= 13 && to - from <= 19 && passesLuhn(from, to);
}

/** Of two digits or more. */
function passesLuhn(from: usize, to: usize): bool {
  return areDigits(from, to) && luhn(from, to - 1) === i32(load<u8>(to - 1)) - 48;
}

function isSiren(from: usize, to: usize): bool {
  return to - from === 9 && passesLuhn(from, to);
}

/** French ones. */
function isVat(from: usize, to: usize): bool {
  return (
    to - from === 13 &&
    load<u16>(from) === 0x5246 &&
    areDigits(from + 2, to) &&
    isSiren(from + 4, to) &&
    vatKey(from + 4) === twoDigits(from + 2)
  );
}

function isIban(from: usize, to: usize): bool {
  const length = to - from;
  if (length < 15 || length > 34) return false;
  if (!isCapital(load<u8>(from)) || !isCapital(load<u8>(from, 1)) || !areDigits(from + 2, from + 4)) return false;
  // There is one writing of them: 02 to 98. What holds other characters passes now and then, and is found out here.
  if (ibanCheck(from, mod97(from + 4, to)) !== twoDigits(from + 2) || !areDigitsAndCapitals(from + 4, to)) return false;
  return !isKeyedAccount(from, to) || ribKey(from + 4) === twoDigits(to - 2);
}

function areDigitsAndCapitals(from: usize, to: usize): bool {
  if (areDigits(from, to)) return true;
  for (let at = from; at < to; at++) {
    const byte = load<u8>(at);
    if (!isDigit(byte) && !isCapital(byte)) return false;
  }
  return true;
}

/** French and Monegasque accounts end in a key of their own. */
function isKeyedAccount(from: usize, to: usize): bool {
  if (to - from !== 27) return false;
  const country = load<u16>(from);
  if (country !== 0x5246 && country !== 0x434d) return false;
  return areDigits(from + 4, from + 14) && areDigits(to - 2, to);
}

/** Bytes at the beginning of a cell that stay even where the number is not valid. */
export function headLength(kind: i32, from: usize, to: usize): i32 {
  if (kind !== ofVat) return 0;
  let at = from;
  while (at < to && load<u8>(at) === 0x20) at++;
  return at + 2 <= to && isLetter(load<u8>(at)) && isLetter(load<u8>(at, 1)) ? i32(at + 2 - from) : 0;
}

/**
 * Of the IBANs in `list`: what becomes another text of its shape, between their check digits and their account's key.
 *
 * @param partFrom gets where it begins
 * @param partTo gets where it ends
 */
export function partsOfIbans(
  bytes: usize,
  from: usize,
  to: usize,
  list: usize,
  count: i32,
  partFrom: usize,
  partTo: usize,
): void {
  for (let k: i32 = 0; k < count; k++) {
    const slot = usize(k) << 2;
    const place = load<usize>(list + slot) << 2;
    const start = load<usize>(from + place);
    const end = load<usize>(to + place);
    store<u32>(partFrom + slot, u32(start + 4));
    store<u32>(partTo + slot, u32(isKeyedAccount(bytes + start, bytes + end) ? start + 25 : end));
  }
}

/** Makes the check digits of the numbers in `list` right. */
export function sealNumbers(kind: i32, bytes: usize, from: usize, to: usize, list: usize, count: i32): void {
  for (let k: i32 = 0; k < count; k++) {
    const place = load<usize>(list + (usize(k) << 2)) << 2;
    sealNumber(kind, bytes + load<usize>(from + place), bytes + load<usize>(to + place));
  }
}

function sealNumber(kind: i32, from: usize, to: usize): void {
  if (kind === ofIban) {
    // Nothing is read of what was just written: it would have to be waited for.
    if (isKeyedAccount(from, to)) {
      const key = ribKey(from + 4);
      const rest = (mod97(from + 4, to - 2) * 100 + u32(key)) % 97;
      writeTwoDigits(to - 2, key);
      writeTwoDigits(from + 2, ibanCheck(from, rest));
    } else writeTwoDigits(from + 2, ibanCheck(from, mod97(from + 4, to)));
  } else if (kind === ofSiren) sealLuhn(from, from + 8);
  else if (kind === ofSiret) {
    sealLuhn(from, from + 8);
    sealLuhn(from, from + 13);
  } else if (kind === ofVat) {
    sealLuhn(from + 4, from + 12);
    writeTwoDigits(from + 2, vatKey(from + 4));
  } else if (kind === ofNir) writeTwoDigits(from + 13, nirKey(from));
  else sealLuhn(from, to - 1);
}

function sealLuhn(from: usize, to: usize): void {
  store<u8>(to, 0x30 + luhn(from, to));
}
