import { HoldfastError } from '../../base/errors.ts';
import { countries, places, streets } from '../dictionaries/places.ts';
import type { Options } from '../options.ts';
import { pick } from '../prf.ts';
import { assertFits, assertType, fitted, type Transformer } from '../transformer.ts';
import { deciding, inCaseOf, type Locale, locales, subjectOf } from './names.ts';

const parts = ['street', 'line', 'city', 'zip', 'region', 'country', 'country-code', 'full'] as const;
type Part = (typeof parts)[number];

const longest: Record<Part, number> = {
  street: 40,
  line: 40,
  city: 30,
  zip: 5,
  region: 2,
  country: 13,
  'country-code': 2,
  full: 90,
};
const least: Record<Part, number> = { ...longest, street: 8, line: 8, city: 4, full: 20 };

/**
 * One part of an address. Parts with the same subject belong together: the postal code is the town's, the town lies in
 * the region. So `by` is needed for every part but `full`, `street` and `line`.
 */
export function address(options: Options): Transformer {
  return addressPart('address', options.choice('part', parts, 'full'), options);
}

export const city = (options: Options): Transformer => addressPart('city', 'city', options);
export const zip = (options: Options): Transformer => addressPart('zip', 'zip', options);
export const country = (options: Options): Transformer =>
  addressPart('country', options.flag('code', false) ? 'country-code' : 'country', options);

function addressPart(kind: string, part: Part, options: Options): Transformer {
  const locale = options.choice('locale', locales, 'en');
  const companions = subjectOf(options);
  options.done();
  if (companions.length === 0 && ['city', 'zip', 'region'].includes(part))
    throw new HoldfastError('config', `The part \`${part}\` of an address needs \`by\`.`, {
      why: 'Without the column that tells whose address it is, town and postal code would not belong together.',
      hint: 'Name the primary key of the table, e.g. `by: id`.',
    });
  return {
    kind,
    companions,
    guarantee(column) {
      assertType(kind, column, 'text');
      assertFits(kind, least[part], column);
      return {
        uniqueness: 'lossy',
        maxLength: Math.min(longest[part], column.maxLength ?? longest[part]),
        nulls: 'kept',
        empty: 'kept',
        canonical: companions.length > 0 ? 'the subject' : 'NFC, lower case, trimmed',
        reversible: false,
      };
    },
    prepare({ key, column }) {
      this.guarantee(column);
      const decide = deciding(key, 'address', companions.length > 0);
      return (cells, out, others) => {
        const words = decide(cells, others);
        for (let i = 0; i < cells.length; i++) {
          const cell = cells[i]!;
          // The first words of a subject are its names; the address is drawn from the other two.
          out[i] = cell
            ? fitted(inCaseOf(cell, made(part, locale, words[i * 4 + 2]!, words[i * 4 + 3]!)), column.maxLength)
            : cell;
        }
      };
    },
  };
}

function made(part: Part, locale: Locale, place: number, street: number): string {
  const { city, zip, region } = places[locale][pick(place, places[locale].length)]!;
  switch (part) {
    case 'city':
      return city;
    case 'zip':
      return zip;
    case 'region':
      return region;
    case 'country':
      return countries[locale].name;
    case 'country-code':
      return countries[locale].code;
    default: {
      const { names, ways } = streets[locale];
      // The three draws must not hang on each other: each takes what the one before left.
      const house = (street % 120) + 1;
      const rest = Math.floor(street / 120);
      const name = names[rest % names.length]!;
      const way = ways[Math.floor(rest / names.length) % ways.length]!;
      const line = locale === 'fr' ? `${house} ${way} ${name}` : `${house} ${name} ${way}`;
      if (part !== 'full') return line;
      return locale === 'fr' ? `${line}, ${zip} ${city}` : `${line}, ${city}, ${region} ${zip}`;
    }
  }
}
