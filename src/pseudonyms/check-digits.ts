/**
 * Check digits of cards, French company numbers, bank accounts and social security numbers: of single texts. Columns of them
 * are worked out by kernels (kernels/assembly/check-digits.ts).
 */

/** The digit that makes `bytes[from … to]` + digit pass Luhn's test. */
function luhnOf(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let k = to - 1, double = true; k >= from; k--, double = !double) {
    const digit = bytes[k]! - 48;
    sum += double ? (digit > 4 ? 2 * digit - 9 : 2 * digit) : digit;
  }
  return (10 - (sum % 10)) % 10;
}

/** Whether all of `bytes[from … to]` are digits. */
function areDigits(bytes: Uint8Array, from: number, to: number): boolean {
  for (let k = from; k < to; k++) if (bytes[k]! < 0x30 || bytes[k]! > 0x39) return false;
  return true;
}

function passesLuhnOf(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from >= 2 && areDigits(bytes, from, to) && luhnOf(bytes, from, to - 1) === bytes[to - 1]! - 48;
}

/**
 * The remainder of a long decimal number by 97, letters counted as in an IBAN (A is 10).
 *
 * @param before that of the digits that stand before it
 */
function mod97Of(bytes: Uint8Array, from: number, to: number, before = 0): number {
  let rest = before;
  for (let k = from; k < to; k++) {
    const byte = bytes[k]!;
    // A division for each digit would be most of the price.
    if (rest > 9_999_999) rest %= 97;
    rest = byte < 58 ? rest * 10 + byte - 48 : rest * 100 + byte - 55;
  }
  return rest % 97;
}

/** By letter from A on: A…I and J…R count from 1, S…Z from 2. */
const ribLetters = Uint8Array.from({ length: 26 }, (_, k) => (k < 18 ? (k % 9) + 1 : k - 16));

function ribPart(bytes: Uint8Array, from: number, to: number): number {
  let rest = 0;
  for (let k = from; k < to; k++) {
    const byte = bytes[k]!;
    if (rest > 9_999_999) rest %= 97;
    rest = rest * 10 + (byte < 58 ? byte - 48 : ribLetters[byte - 65]!);
  }
  return rest % 97;
}

/** The key of a French bank account that begins at `from`: bank (5), branch (5), account (11, letters allowed). */
function ribKeyOf(bytes: Uint8Array, from: number): number {
  const bank = ribPart(bytes, from, from + 5);
  const branch = ribPart(bytes, from + 5, from + 10);
  return 97 - ((89 * bank + 15 * branch + 3 * ribPart(bytes, from + 10, from + 21)) % 97);
}

/** The key of a French social security number of 13 characters; Corsica's letters count as the standard says. */
function nirKeyOf(bytes: Uint8Array, from: number): number {
  let before = mod97Of(bytes, from, from + 5);
  const letter = bytes[from + 6]!;
  if (letter === 0x41) before = (before * 100 + 19) % 97;
  else if (letter === 0x42) before = (before * 100 + 18) % 97;
  else before = mod97Of(bytes, from + 5, from + 7, before);
  return 97 - mod97Of(bytes, from + 7, from + 13, before);
}

/** The key of a French VAT number, of the nine digits of the company. */
function vatKeyOf(bytes: Uint8Array, from: number): number {
  return (12 + 3 * mod97Of(bytes, from, from + 9)) % 97;
}

const twoDigits = (value: number): string => (value < 10 ? `0${value}` : String(value));

const bytesOf = (text: string): Uint8Array => Buffer.from(text);

export function passesLuhn(digits: string): boolean {
  const bytes = bytesOf(digits);
  return passesLuhnOf(bytes, 0, bytes.length);
}

export function mod97(text: string): number {
  const bytes = bytesOf(text);
  return mod97Of(bytes, 0, bytes.length);
}

/** The two check digits of an IBAN. */
export function ibanCheck(country: string, bban: string): string {
  return twoDigits(98 - mod97(`${bban}${country}00`));
}

export function ribKey(payload: string): string {
  return twoDigits(ribKeyOf(bytesOf(payload), 0));
}

export function nirKey(number: string): string {
  return twoDigits(nirKeyOf(bytesOf(number), 0));
}

export function vatKey(siren: string): string {
  return twoDigits(vatKeyOf(bytesOf(siren), 0));
}
