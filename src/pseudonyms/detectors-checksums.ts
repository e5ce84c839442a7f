/** Whether check digits are right. Each function takes digits and letters only; anything else is not valid. */
import { mod97, nirKey, passesLuhn } from './check-digits.ts';

/** ISO/IEC 7812: cards, SIREN, SIRET. Zeros pass the rule and are nobody's number. */
export function luhnValid(digits: string): boolean {
  return passesLuhn(digits) && !/^0+$/.test(digits);
}

/** Characters of an IBAN, by its country: every hundredth text that looks like one has the right digits too. */
const ibanLengths = new Map(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 ' +
    'FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 ' +
    'LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 ' +
    'SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((each) => [each.slice(0, 2), Number(each.slice(2))] as const),
);

/** ISO 13616, with the lengths of the registry of SWIFT. */
export function ibanValid(text: string): boolean {
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(text) || ibanLengths.get(text.slice(0, 2)) !== text.length) return false;
  return mod97(text.slice(4) + text.slice(0, 4)) === 1;
}

/** Whether an IBAN stands in a text, dense or in groups: as many characters as its country has, and no more of the same word. */
export function holdsIban(text: string): boolean {
  for (const { 0: country, index } of text.matchAll(/(?<![A-Z0-9])[A-Z]{2}(?=\d{2})/g)) {
    const length = ibanLengths.get(country);
    if (length === undefined) continue;
    const [found] = new RegExp(`^(?:[A-Z0-9]\\s?){${length - 1}}[A-Z0-9](?![A-Z0-9])`).exec(text.slice(index)) ?? [];
    if (found !== undefined && ibanValid(found.replace(/\s/g, ''))) return true;
  }
  return false;
}

/** A French social security number: 13 characters and a key of two digits; Corsica has letters. */
export function nirValid(text: string): boolean {
  if (!/^[1-478]\d{2}(0[1-9]|1[0-2]|[2-9]\d)(\d{2}|2[AB])\d{8}$/.test(text)) return false;
  return nirKey(text.slice(0, 13)) === text.slice(13);
}

/** Whether a text has the form of a VAT number of one of the countries of Europe. */
export function vatForm(text: string): boolean {
  return vatForms.test(text);
}

const vatForms =
  /^(ATU\d{8}|BE[01]\d{9}|BG\d{9,10}|CY\d{8}[A-Z]|CZ\d{8,10}|DE\d{9}|DK\d{8}|EE\d{9}|EL\d{9}|ES[A-Z0-9]\d{7}[A-Z0-9]|FI\d{8}|FR[A-HJ-NP-Z0-9]{2}\d{9}|GB(\d{9}|\d{12})|HR\d{11}|HU\d{8}|IE\d[A-Z0-9+*]\d{5}[A-Z]{1,2}|IT\d{11}|LT(\d{9}|\d{12})|LU\d{8}|LV\d{11}|MT\d{8}|NL\d{9}B\d{2}|PL\d{10}|PT\d{9}|RO\d{2,10}|SE\d{12}|SI\d{8}|SK\d{10}|XI\d{9})$/;

/** A Spanish DNI or NIE: the letter follows from the number. */
export function dniValid(text: string): boolean {
  if (!/^[XYZ\d]\d{7}[A-Z]$/.test(text)) return false;
  const number = text.replace(/^[XYZ]/, (letter) => String('XYZ'.indexOf(letter)));
  return 'TRWAGMYFPDXBNJZSQVHLCKE'[Number(number.slice(0, 8)) % 23] === text[8];
}

/** An Italian codice fiscale, by its check letter. */
export function codiceFiscaleValid(text: string): boolean {
  if (!/^[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]$/.test(text)) return false;
  const odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
  let sum = 0;
  for (let i = 0; i < 15; i++) {
    const code = text.charCodeAt(i);
    const value = code < 58 ? code - 48 : code - 65;
    sum += i % 2 === 0 ? odd[value]! : value;
  }
  return String.fromCharCode(65 + (sum % 26)) === text[15];
}

/** A number of the British NHS: ten digits, by modulus 11. */
export function nhsValid(digits: string): boolean {
  if (!/^\d{10}$/.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < 9; i++) sum += Number(digits[i]) * (10 - i);
  return (11 - (sum % 11)) % 11 === Number(digits[9]);
}

/** A British National Insurance number: it has no check digit, and letters that are not given out. */
export function ninoForm(text: string): boolean {
  return /^(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]$/.test(text);
}

/** An Irish PPS number, by its check letter (modulus 23). */
export function ppsValid(text: string): boolean {
  const [, digits, check, second] = /^(\d{7})([A-W])([A-IW])?$/.exec(text) ?? [];
  if (digits === undefined) return false;
  const extra = second === undefined || second === 'W' ? 0 : (second.charCodeAt(0) - 64) * 9;
  const sum = [...digits].reduce((total, digit, at) => total + Number(digit) * (8 - at), extra);
  return 'WABCDEFGHIJKLMNOPQRSTUV'[sum % 23] === check;
}

/** A British driving licence: five letters of the name, date of birth, initials, three of the office. */
export function drivingLicenceForm(text: string): boolean {
  return (
    /^[A-Z]{1,5}9{0,4}\d[0156]\d[0-3]\d{2}[A-Z9]{2}\d[A-Z0-9]{2}(?:\d{2})?$/.test(text) && /^.{16}(?:\d\d)?$/.test(text)
  );
}

/** The number of a vehicle (ISO 3779): 17 characters, letters and digits, without I, O and Q. */
export function vinForm(text: string): boolean {
  return /^[A-HJ-NPR-Z\d]{17}$/.test(text) && /[A-Z]/.test(text) && /\d{4}$/.test(text);
}
