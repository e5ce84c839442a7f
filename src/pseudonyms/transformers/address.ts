import { HoldfastError } from '../../base/errors.ts';
import type { ByteColumn } from '../byte-column.ts';
import { onStrings } from '../byte-runs.ts';
import { ByteWords } from '../byte-words.ts';
import { countries, places, streets } from '../dictionaries/places.ts';
import { kernels } from '../kernels/kernels.ts';
import type { Options } from '../options.ts';
import { pick } from '../prf.ts';
import { assertFits, assertType, type Transformer } from '../transformer.ts';
import { CellWords, deciding, decidingIn, inCapitals, type Locale, locales, subjectOf, writeCased } from './names.ts';

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
    prepare(context) {
      return onStrings(this.prepareBytes!(context));
    },
    prepareBytes({ key, column }) {
      this.guarantee(column);
      const list = listOf(part, locale, column.maxLength);
      if (list !== undefined) {
        const decide = decidingIn(key, 'address', companions.length > 0);
        return (cells, out, others) => {
          const kernel = kernels().begin();
          const brought = kernel.bring(cells);
          const words = decide(kernel, cells, brought, others);
          // The first words of a subject are its names.
          list.write(kernel, out, cells, brought, words + 8);
        };
      }
      const decide = deciding(key, 'address', companions.length > 0);
      const write = writer(part, locale, column.maxLength);
      return (cells, out, others) => {
        const words = decide(cells, others);
        out.begin(cells.count, 4 * longest[part]);
        for (let i = 0; i < cells.count; i++) {
          // The first words of a subject are its names; the address is drawn from the other two.
          if (cells.isEmpty(i)) out.keep(cells, i);
          else write(out, cells, i, words[i * 4 + 2]!, words[i * 4 + 3]!);
        }
      };
    },
  };
}

/** Writes the cell that stands for cell `i`, drawn by two words. */
type WriteAddress = (out: ByteColumn, cells: ByteColumn, i: number, place: number, street: number) => void;

/** Of the parts that are drawn from a list. */
function listOf(part: Part, locale: Locale, maxLength: number | undefined): CellWords | undefined {
  if (part === 'city' || part === 'zip' || part === 'region')
    return new CellWords(
      places[locale].map((town) => town[part]),
      maxLength,
    );
  const { name, code } = countries[locale];
  if (part === 'country') return new CellWords([name], maxLength);
  return part === 'country-code' ? new CellWords([code], maxLength) : undefined;
}

function writer(part: Part, locale: Locale, maxLength: number | undefined): WriteAddress {
  const towns = places[locale];
  const { names, ways } = streets[locale];
  const lines: string[] = [];
  // House numbers come before, and are the same in capitals.
  for (const way of ways) for (const name of names) lines.push(locale === 'fr' ? ` ${way} ${name}` : ` ${name} ${way}`);
  const plainLines = new ByteWords(lines);
  const lineWidth = Math.max(...lines.map((line) => line.length)) + 3;
  return (out, cells, i, place, street) => {
    // The three draws must not hang on each other: each takes what the one before left.
    const house = (street % 120) + 1;
    const rest = Math.floor(street / 120);
    const name = rest % names.length;
    const way = Math.floor(rest / names.length) % ways.length;
    const line = way * names.length + name;
    if (part !== 'full' && (maxLength ?? lineWidth) >= lineWidth && !inCapitals(cells, i)) {
      writeHouse(out, house);
      plainLines.write(out, line);
      out.end(plainLines.wide[line]);
      return;
    }
    let text = `${house}${lines[line]}`;
    if (part === 'full') {
      const { city, zip, region } = towns[pick(place, towns.length)]!;
      text += locale === 'fr' ? `, ${zip} ${city}` : `, ${city}, ${region} ${zip}`;
    }
    writeCased(out, cells, i, text, maxLength);
  };
}

function writeHouse(out: ByteColumn, house: number): void {
  const { bytes } = out;
  if (house >= 100) bytes[out.at++] = 0x31;
  if (house >= 10) bytes[out.at++] = 0x30 + (Math.floor(house / 10) % 10);
  bytes[out.at++] = 0x30 + (house % 10);
}
