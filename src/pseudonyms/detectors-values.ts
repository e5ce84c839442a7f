/** What one value looks like. Nothing here keeps or gives back a value. */
import { isIP } from 'node:net';
import {
  codiceFiscaleValid,
  dniValid,
  drivingLicenceForm,
  holdsIban,
  ibanValid,
  luhnValid,
  nhsValid,
  ninoForm,
  nirValid,
  ppsValid,
  vatForm,
  vinForm,
} from './detectors-checksums.ts';
import { familyNames, givenNames, places, plainWord } from './detectors-dictionary.ts';

/** What a whole value may be. A value may be several of them. */
export type ValueSign =
  | 'email'
  | 'phone'
  | 'iban'
  | 'bic'
  /** A BIC of a country that has banks. */
  | 'bank'
  | 'siren'
  | 'siret'
  | 'vat'
  | 'national-id'
  | 'card'
  | 'ip'
  | 'mac'
  | 'url'
  | 'uuid'
  | 'user-agent'
  | 'password'
  | 'secret'
  | 'first-name'
  | 'last-name'
  | 'full-name'
  | 'name-shape'
  /** Two words or three that are written as names are. */
  | 'names-shape'
  | 'username'
  /** A name of the web without `https://`. */
  | 'domain'
  /** Letters and digits without a meaning that is known. */
  | 'code-shape'
  | 'plate'
  | 'vin'
  /** A number of 15 to 19 digits with the check digit of cards; every tenth number has it. */
  | 'long-luhn'
  /** An account of a customer or supplier in the French plan: a number, and letters of the name. */
  | 'ledger'
  | 'company'
  | 'address'
  | 'zip'
  /** Of Britain, which says more than five digits do. */
  | 'postcode'
  | 'hex'
  | 'city'
  | 'date'
  | 'birth-year'
  | 'prose'
  | 'html'
  | 'json'
  | 'file-name'
  | 'image'
  /** Something personal somewhere in a longer text. */
  | 'within';

const email = /^[^\s@<>"(),:;]{1,64}@[\p{L}\d](?:[\p{L}\d.-]*[\p{L}\d])?\.[\p{L}]{2,24}$/u;
const phone = /^(?:\+|00)?[\d\s().\-/]{7,24}$/;
const bic = /^[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?$/;
const bankCountries = new Set(
  'AD AE AT AU BE BG BR CA CH CN CY CZ DE DK DZ EE ES FI FR GB GR HK HR HU IE IL IN IS IT JP KR LI LT LU LV MA MC MT MX NL NO NZ PL PT RO RS SE SG SI SK SN TN TR US ZA'.split(
    ' ',
  ),
);
const mac = /^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$|^[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}$/i;
const url = /^(?:https?|ftp):\/\/[^\s]{3,}$|^www\.[^\s.]+\.[^\s]{2,}$/i;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const agent = /^(?:Mozilla|Opera|Dalvik|curl|okhttp|PostmanRuntime|python-requests|Wget|Java)\/[\d.]+/;
const passwordHash =
  /^\$(?:2[abxy]?|argon2(?:id|i|d)|5|6|1|y|scrypt|pbkdf2[\w-]*)\$|^pbkdf2_|^\{(?:SSHA|SHA|CRYPT|PBKDF2)[\w-]*\}|^SCRAM-SHA-/;
const secret =
  /^(?:[sp]k_(?:live|test)_|gh[pousr]_|xox[abpr]-|AKIA|glpat-|AIza|eyJ[\w-]{8,}\.eyJ[\w-]+\.)|^-----BEGIN [A-Z ]*PRIVATE KEY/;
const street =
  /^(?:(?:flat|apt|unit|appt?|bat|room)\.?\s\w{1,4},?\s)?(?:\d{1,4}\s?(?:bis|ter|[a-d])?,?\s+)(?:(?:rue|avenue|av|boulevard|bd|bld|place|pl|chemin|che|impasse|imp|allee|all|route|rte|quai|cours|square|passage|cite|lotissement|lot|residence|res|hameau|faubourg|fbg|sentier|villa|voie|esplanade|ruelle)\b\.?|.*\b(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|close|court|ct|way|gardens|terrace|grove|crescent|place|square|hill|row|park|boulevard|blvd|strasse|straat)\b\.?\s*(?:,.*)?$)/i;
const company =
  /\b(?:SAS|SASU|SARL|EURL|SA|SNC|SCI|SCOP|SELARL|GIE|Ltd|Limited|LLC|LLP|PLC|Inc|Corp|GmbH|AG|KG|BV|NV|SpA|Srl|ApS|AB|Oy)\.?$|(?:&|et|and)\s(?:Fils|Associés|Cie|Co|Sons|Partners)\.?$/i;
const britishPostcode = /^[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}$/;
const date =
  /^(?:\d{4}-\d{2}-\d{2}|\d{1,2}[/.-]\d{1,2}[/.-]\d{4}|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d{2}|(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))$/;
/** France before and since 2009, Britain, Ireland. */
const plate =
  /^(?:[A-HJ-NP-TV-Z]{2}[ -]?\d{3}[ -]?[A-HJ-NP-TV-Z]{2}|\d{1,4} ?[A-HJ-NP-TV-Z]{2,3} ?(?:\d{2}|2[AB])|[A-Z]{2}\d{2} ?[A-Z]{3}|\d{2,3}-[A-Z]{1,2}-\d{1,6})$/;
const domain = /^(?:[a-z\d](?:[a-z\d-]*[a-z\d])?\.)+[a-z]{2,24}(?:\/\S*)?$/i;
const codeShape = /^(?=.*\d)[A-Z\d](?:[A-Z\d]|[ ./-](?=[A-Z\d])){4,24}$/i;
/** Decimals, versions, times, sizes and shares; sums of hashes. */
const notCode =
  /^(?!\d{8,15}$)[\d.,]+$|^v?\d+(?:\.\d+)+|:|^[a-f\d]{16,}$|^\d+ ?(?:mg|ml|g|kg|cm|mm|m|km|h|min|s|[kmgt]?i?b|eur|px)$/i;
const ledger = /^4[01]1[A-Z]{3,12}\d{0,3}$/;
const fileName =
  /^[^/\\\n]{2,200}\.(?:pdf|docx?|xlsx?|pptx?|odt|ods|png|jpe?g|gif|tiff?|heic|txt|csv|eml|msg|zip|mp[34]|mov|html?)$/i;
/** Scripts without capitals, too. */
const nameShape =
  /^[\p{Lu}\p{Lo}][\p{L}\p{M}’'.-]*(?:\s(?:de|du|des|la|le|van|von|der|den|el|al|d’|d')|\s?[\p{Lu}\p{Lo}][\p{L}\p{M}’'.-]*){0,4}$/u;
const titled = /^(?:M\.|Mme|Mlle|Mr\.?|Mrs\.?|Ms\.?|Miss|Dr\.?|Pr\.?|Me)\s+\p{Lu}/u;

const within: readonly RegExp[] = [
  /[^\s@<>"(),:;]{1,64}@[a-z\d][a-z\d.-]*\.[a-z]{2,24}/i,
  // Not within a hash, a UUID or a decimal.
  /(?<![\w+.-])(?:(?:\+|00)\d{2}\s?|0)[1-9](?:[ .-]?\d{2}){4}(?![\w-])/,
  /(?<![\w+])\+\d{1,3}[ .-]\d{2,4}(?:[ .-]\d{2,4}){2,4}(?!\d)/,
  /(?:^|[\s,;:(])(?:M\.|Mme|Mlle|Mr\.?|Mrs\.?|Ms\.?|Monsieur|Madame|Docteur|Dr\.?)\s+\p{Lu}\p{L}+/u,
  // As banks write it: `VIR M MARTIN LOYER`.
  /(?:^|\s)(?:M|MR|MME|MLLE|MRS|MS|DR)\.?\s(?:OU\s(?:M|MR|MME)\s)?\p{Lu}{3,}(?![\p{L}\d])/u,
  // As devices call themselves.
  /\p{L}['’]s\s(?:iPhone|iPad|iMac|Mac|MacBook|Galaxy|Pixel|Watch|AirPods|laptop|phone|PC)\b|\b(?:iPhone|iPad|MacBook|Galaxy|PC)\s(?:de|d['’]|von|di|of)\s?\p{Lu}/u,
  // As it stands in addresses of the web.
  /[\w.+-]{1,64}%40[a-z\d][a-z\d.-]*\.[a-z]{2,24}/i,
  /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])/,
];

const nationalId = /\b[1-478]\s?\d{2}\s?(?:0[1-9]|1[0-2]|[2-9]\d)\s?\d[\dAB]\s?\d{3}\s?\d{3}\s?\d{2}\b/g;

/** Whether something personal stands in a text: by form, and by check digits where a form alone is any number's. */
export function holdsPersonal(text: string): boolean {
  if (within.some((pattern) => pattern.test(text)) || holdsIban(text)) return true;
  return [...text.matchAll(nationalId)].some(([found]) => nirValid(found.replace(/\s/g, '')));
}

/** Everything that a value looks like. */
export function signsOf(value: string): ValueSign[] {
  const text = value.trim();
  const signs: ValueSign[] = [];
  if (text === '') return signs;
  if ((text.startsWith('{') || text.startsWith('[')) && isJson(text)) {
    return holdsPersonal(text) ? ['json', 'within'] : ['json'];
  }
  if (text.length <= 320) shortSigns(text, signs);
  const spaced = text.split(/\s+/).filter((word) => /\p{L}/u.test(word));
  if (/<(?:p|br|div|span|table|a|b|i|ul|li|h[1-6])\b[^>]*>/i.test(text)) signs.push('html');
  const lower = spaced.filter((word) => /^\p{Ll}/u.test(word)).length;
  if (spaced.length >= 4 && lower >= spaced.length / 3 && !signs.includes('user-agent')) signs.push('prose');
  const whole = signs.some((sign) => sign === 'email' || sign === 'phone' || sign === 'ip' || sign === 'iban');
  if (!whole && text.length >= 8 && (holdsPersonal(text) || namesSomebody(spaced))) signs.push('within');
  return signs;
}

/** A given name and a family name side by side in a longer text, as statements of banks have them. */
function namesSomebody(words: readonly string[]): boolean {
  if (words.length < 3) return false;
  const plain = words.map((word) => (/^\p{Lu}/u.test(word) ? plainWord(word) : ''));
  return plain.some((word, at) => {
    const next = plain[at + 1] ?? '';
    return (givenNames.has(word) && familyNames.has(next)) || (familyNames.has(word) && givenNames.has(next));
  });
}

function shortSigns(text: string, signs: ValueSign[]): void {
  if (email.test(text)) signs.push('email');
  if (url.test(text)) signs.push('url');
  if (uuid.test(text)) signs.push('uuid');
  if (mac.test(text)) signs.push('mac');
  if (isIP(text.replace(/\/\d{1,3}$/, '')) !== 0) signs.push('ip');
  if (agent.test(text)) signs.push('user-agent');
  if (passwordHash.test(text)) signs.push('password');
  if (secret.test(text)) signs.push('secret');
  if (fileName.test(text) && !signs.includes('url')) signs.push('file-name');
  if (street.test(plainWord(text))) signs.push('address');
  if (date.test(text)) dateSigns(text, signs);
  numberSigns(text, signs);
  if (signs.length === 0 || signs.every((sign) => sign === 'bic' || sign === 'bank')) nameSigns(text, signs);
  if (domain.test(text) && signs.length === 0) signs.push('domain');
  if (signs.length === 0 && codeShape.test(text) && !notCode.test(text)) signs.push('code-shape');
}

function numberSigns(text: string, signs: ValueSign[]): void {
  const dense = text.replace(/[\s.-]/g, '').toUpperCase();
  if (ibanValid(dense)) signs.push('iban');
  const national = [nirValid, dniValid, codiceFiscaleValid, ninoForm, ppsValid, drivingLicenceForm];
  if (national.some((isOne) => isOne(dense))) signs.push('national-id');
  else if (vinForm(dense)) signs.push('vin');
  if (plate.test(text)) signs.push('plate');
  if (ledger.test(text)) signs.push('ledger');
  if (vatForm(dense)) signs.push('vat');
  if (bic.test(text)) signs.push('bic');
  if (bic.test(text) && bankCountries.has(text.slice(4, 6))) signs.push('bank');
  if (/^\d{5}$/.test(text) || britishPostcode.test(text)) signs.push('zip');
  if (britishPostcode.test(text.toUpperCase())) signs.push('postcode');
  if (/^(?=.*[a-f])(?=.*\d)(?:[a-f\d]{16,64})$/.test(text)) signs.push('hex');
  if (/^\d{9}$/.test(dense) && luhnValid(dense)) signs.push('siren');
  if (/^\d{14}$/.test(dense) && luhnValid(dense) && luhnValid(dense.slice(0, 9))) signs.push('siret');
  if (/^\d{3}\s\d{3}\s\d{4}$/.test(text) && nhsValid(dense)) signs.push('national-id');
  if (/^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6\d{15})$/.test(dense) && luhnValid(dense)) {
    signs.push('card');
  } else if (/^[1-9]\d{14,18}$/.test(dense) && luhnValid(dense)) signs.push('long-luhn');
  if (isPhone(text)) signs.push('phone');
}

/** By the plans of France and Britain, or with the prefix of a country; otherwise every number would be one. */
function isPhone(text: string): boolean {
  if (!phone.test(text) || date.test(text) || isIP(text) !== 0) return false;
  const digits = text.replace(/\D/g, '');
  if (/^\s*(?:\+|00)/.test(text)) return digits.length >= 9 && digits.length <= 16;
  if (/^0[1-9]\d{8}$/.test(digits)) return true;
  if (/^0[1-37]\d{9}$/.test(digits)) return true;
  return /^\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}$/.test(text);
}

function dateSigns(text: string, signs: ValueSign[]): void {
  signs.push('date');
  const year = Number(/\d{4}/.exec(text)?.[0]);
  if (year >= 1900 && year <= 2020) signs.push('birth-year');
}

function nameSigns(text: string, signs: ValueSign[]): void {
  if (isUsername(text)) signs.push('username');
  if (company.test(text)) signs.push('company');
  if (titled.test(text)) signs.push('full-name');
  // `DUPONT, Jean` and `DUPONT/JEAN`.
  const [family, given, more] = text.split(/,\s?|(?<=\p{L})\/(?=\p{L})/u);
  const name = given !== undefined && more === undefined ? `${given} ${family}` : text;
  if (!nameShape.test(name) || text.length > 60) return;
  const parts = plainWord(name).replace(/[’']/g, '-').split(/\s+/);
  if (places.has(parts.join('-'))) signs.push('city');
  signs.push('name-shape');
  if (signs.includes('company')) return;
  if (parts.length === 2 || parts.length === 3) signs.push('names-shape');
  const isGiven = (part: string) => part.split('-').some((half) => givenNames.has(half));
  const isFamily = (part: string) => familyNames.has(part) || part.split('-').every((half) => familyNames.has(half));
  const known = parts.map(isGiven);
  if (parts.length === 1 && known[0]) signs.push('first-name');
  if (parts.length <= 2 && isFamily(parts.at(-1)!)) signs.push('last-name');
  const several = parts.length >= 2 && parts.length <= 4 && parts.every((part) => part.length > 1);
  if (several && (known[0] || known.at(-1))) signs.push('full-name');
}

/** `jdupont`, `marie.martin2`: letters of a given name, and a family name. */
function isUsername(text: string): boolean {
  const [, head, tail] = /^([a-z]{1,12}?)[._-]?([a-z]{3,})\d{0,4}$/.exec(text) ?? [];
  if (head === undefined) return false;
  if (/[._-]/.test(text)) {
    const [first, last] = text.replace(/\d+$/, '').split(/[._-]/);
    return givenNames.has(first!) || familyNames.has(last!) || (givenNames.has(last!) && familyNames.has(first!));
  }
  return (head.length === 1 && familyNames.has(tail!)) || familyNames.has(text.replace(/\d+$/, '').slice(1));
}

function isJson(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}
