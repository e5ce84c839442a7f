/** Check digits of cards, French company numbers, bank accounts and social security numbers. */

/** The digit that makes `payload` + digit pass Luhn's test. */
export function luhnDigit(payload: string): number {
  let sum = 0;
  for (let k = payload.length - 1, double = true; k >= 0; k--, double = !double) {
    const digit = payload.charCodeAt(k) - 48;
    sum += double ? (digit > 4 ? 2 * digit - 9 : 2 * digit) : digit;
  }
  return (10 - (sum % 10)) % 10;
}

export function passesLuhn(digits: string): boolean {
  return /^\d{2,}$/.test(digits) && luhnDigit(digits.slice(0, -1)) === digits.charCodeAt(digits.length - 1) - 48;
}

/** The remainder of a long decimal number by 97, letters counted as in an IBAN (A is 10). */
export function mod97(text: string): number {
  let rest = 0;
  for (let k = 0; k < text.length; k++) {
    const unit = text.charCodeAt(k);
    rest = unit < 58 ? (rest * 10 + unit - 48) % 97 : (rest * 100 + unit - 55) % 97;
  }
  return rest;
}

export const twoDigits = (value: number): string => (value < 10 ? `0${value}` : String(value));

/** The two check digits of an IBAN. */
export function ibanCheck(country: string, bban: string): string {
  return twoDigits(98 - mod97(`${bban}${country}00`));
}

const ribLetters: Record<string, string> = {};
for (const [k, letter] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].entries()) {
  // A…I and J…R count from 1, S…Z from 2.
  ribLetters[letter] = String(k < 18 ? (k % 9) + 1 : k - 16);
}

/** The key of a French bank account: bank (5), branch (5), account (11, letters allowed). */
export function ribKey(payload: string): string {
  const digits = payload.replace(/[A-Z]/g, (letter) => ribLetters[letter]!);
  const part = (from: number, to: number) => mod97(digits.slice(from, to));
  return twoDigits(97 - ((89 * part(0, 5) + 15 * part(5, 10) + 3 * part(10, 21)) % 97));
}

/** The key of a French social security number of 13 characters; Corsica's letters count as the standard says. */
export function nirKey(number: string): string {
  const digits = number.replace('2A', '19').replace('2B', '18');
  return twoDigits(97 - mod97(digits));
}

/** The key of a French VAT number. */
export function vatKey(siren: string): string {
  return twoDigits((12 + 3 * (Number(siren) % 97)) % 97);
}
