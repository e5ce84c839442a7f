/** Made-up values with check digits that are right, by other code than what is tested. */

import type { Random } from '../../src/jobs/demo/random.ts';
import { ascii, cities, digits, familyNames, givenNames, paragraph, sentence } from '../../src/jobs/demo/words.ts';

/** Names that no short dictionary has, beside common ones. */
const rareGiven = ['Aïssatou', 'Bao', 'Cunégonde', 'Djibril', 'Eulalie', 'Fanchon', 'Goulven', 'Hermine', 'Ibtissem'];
const rareFamily = ['Abgrall', 'Bouzid', 'Cazeneuve', 'Diarra', 'Etchegaray', 'Filipowicz', 'Guivarc’h', 'Haddad'];

export function given(random: Random): string {
  return random.chance(0.3) ? random.pick(rareGiven) : random.pick(givenNames[random.chance(0.7) ? 'fr' : 'en']);
}

export function family(random: Random): string {
  return random.chance(0.4) ? random.pick(rareFamily) : random.pick(familyNames[random.chance(0.7) ? 'fr' : 'en']);
}

export function fullName(random: Random): string {
  return `${given(random)} ${family(random)}`;
}

export function mail(random: Random): string {
  return `${ascii(given(random))}.${ascii(family(random))}@${random.pick(['exemple.fr', 'example.org', 'mail.example'])}`;
}

export function frenchPhone(random: Random): string {
  const rest = Array.from({ length: 4 }, () => digits(random, 2));
  return `0${random.between(1, 7)}${random.pick([' ', '.', ''])}${rest.join(random.pick([' ', '.', '']))}`;
}

export function britishPhone(random: Random): string {
  return `07700 900${digits(random, 3)}`;
}

export function town(random: Random): string {
  return random.pick(cities.fr).toUpperCase();
}

export function street(random: Random): string {
  return `${random.between(1, 150)} ${random.pick(['rue', 'av.', 'bd', 'chemin', 'impasse'])} ${random.pick([
    'des Lilas',
    'du Moulin',
    'Jean Moulin',
    'de la Gare',
  ])}`;
}

/** A number whose last digit makes it right by Luhn's rule. */
export function luhn(random: Random, start: string, length: number): string {
  const body = start + digits(random, length - 1 - start.length);
  for (let last = 0; last < 10; last++) {
    const all = [...`${body}${last}`].reverse().map(Number);
    const sum = all.reduce(
      (total, digit, at) => total + (at % 2 ? (digit * 2 > 9 ? digit * 2 - 9 : digit * 2) : digit),
      0,
    );
    if (sum % 10 === 0) return `${body}${last}`;
  }
  throw new Error('one of ten digits fits');
}

export function siret(random: Random): string {
  return luhn(random, luhn(random, '', 9), 14);
}

export function frenchVat(random: Random): string {
  const siren = luhn(random, '', 9);
  return `FR${String((12 + 3 * (Number(siren) % 97)) % 97).padStart(2, '0')}${siren}`;
}

export function nir(random: Random): string {
  const month = String(random.between(1, 12)).padStart(2, '0');
  const body = `${random.pick(['1', '2'])}${digits(random, 2)}${month}${random.between(10, 89)}${digits(random, 6)}`;
  return body + String(97 - Number(BigInt(body) % 97n)).padStart(2, '0');
}

export function iban(random: Random): string {
  const account = digits(random, 23);
  const moved = BigInt(`${account}152700`);
  return `FR${String(98n - (moved % 97n)).padStart(2, '0')}${account}`;
}

export function birth(random: Random): string {
  return `${random.between(1935, 2010)}-${String(random.between(1, 12)).padStart(2, '0')}-${String(random.between(1, 28)).padStart(2, '0')}`;
}

/** Of the last two years, to the second. */
export function moment(random: Random): string {
  return `${random.between(2025, 2026)}-0${random.between(1, 9)}-1${random.below(10)}T${10 + random.below(10)}:${10 + random.below(50)}:00Z`;
}

/** Text as people type it into a form; now and then it names somebody. */
export function note(random: Random): string {
  const text = random.chance(0.5) ? paragraph(random, 'fr', 60) : sentence(random, 'fr', 9);
  if (random.chance(0.15)) return `${text} Rappeler Mme ${family(random)} au ${frenchPhone(random)}.`;
  return text;
}

export function ipv4(random: Random): string {
  return `203.0.113.${random.between(1, 254)}`;
}
