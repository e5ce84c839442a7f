import { exact, keyed } from '../canonical.ts';
import type { Options } from '../options.ts';
import { Prf, pick } from '../prf.ts';
import { assertFits, assertType, type Cell, type Guarantee, type Transformer, unfitValue } from '../transformer.ts';
import { ShapePermutation } from './code.ts';
import { regrouped } from './grouped.ts';

/** A country whose regulator has set numbers aside that never ring. */
interface Numbering {
  /** Country code, and what stands before the national number at home. */
  readonly code: string;
  readonly trunk: string;
  /** A reserved number for a national one (without its trunk prefix), from one word. */
  reserved(national: string, word: number): string;
}

const padded = (word: number, size: number, width: number): string => String(pick(word, size)).padStart(width, '0');

/** Arcep: ten thousand numbers in each area, and as many mobile ones. */
const french: Record<string, string> = {
  1: '19900',
  2: '26191',
  3: '35301',
  4: '46571',
  5: '53649',
  6: '63998',
  7: '63998',
};
/** Area codes in use; 555-0100 to 555-0199 is set aside in each. */
const areas =
  `201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 252 253 254 256 260 262 267
  269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 321 323 325 330 334 336 337 347 352 360 361 386 401 402 404
  405 406 407 408 409 410 412 413 414 415 417 419 423 425 432 434 435 440 443 469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516
  517 518 520 530 540 541 551 559 561 562 563 567 570 571 573 574 580 585 586 601 602 603 605 606 607 608 609 610 612 614 615 616 617 618 619 620 623
  626 630 631 636 641 646 650 651 660 661 662 678 682 701 702 703 704 706 707 708 712 713 714 715 716 717 718 719 720 724 727 731 732 734 740 754 757
  760 763 765 770 772 773 774 775 781 785 786 801 802 803 804 805 806 808 810 812 813 814 815 816 817 818 828 830 831 832 843 845 847 848 850 856 857
  858 859 860 862 863 864 865 870 901 903 904 906 907 908 909 910 912 913 914 915 916 917 918 919 920 925 928 931 936 937 940 941 947 949 951 952 954
  956 970 971 972 973 978 979 980 985 989`.split(/\s+/);

const numberings: Record<string, Numbering> = {
  FR: {
    code: '33',
    trunk: '0',
    reserved: (national, word) => (french[national[0]!] ?? '19900') + padded(word, 10_000, 4),
  },
  // Ofcom: a thousand mobile numbers, and a thousand in London.
  GB: {
    code: '44',
    trunk: '0',
    reserved: (national, word) => (national.startsWith('7') ? '7700900' : '2079460') + padded(word, 1000, 3),
  },
  // Bundesnetzagentur: a thousand in Berlin, a hundred mobile ones.
  DE: {
    code: '49',
    trunk: '0',
    reserved: (national, word) =>
      national.startsWith('1') ? `17139200${padded(word, 100, 2)}` : `3023125${padded(word, 1000, 3)}`,
  },
  US: {
    code: '1',
    trunk: '',
    reserved(_, word) {
      const at = pick(word, areas.length * 100);
      return `${areas[Math.floor(at / 100)]}55501${String(at % 100).padStart(2, '0')}`;
    },
  },
};
const countries = Object.keys(numberings);

interface Parsed {
  readonly numbering: Numbering | undefined;
  readonly national: string;
  readonly international: boolean;
  /** `+33612345678`; the canonical form. */
  readonly e164: string;
}

function parse(cell: string, home: Numbering): Parsed {
  let digits = cell.replace(/\D/g, '');
  let international = cell.trim().startsWith('+');
  if (!international && digits.startsWith('00')) {
    international = true;
    digits = digits.slice(2);
  }
  if (!international) {
    const national = digits.startsWith(home.trunk) ? digits.slice(home.trunk.length) : digits;
    return { numbering: home, national, international, e164: `+${home.code}${national}` };
  }
  const numbering = countries.map((name) => numberings[name]!).find(({ code }) => digits.startsWith(code));
  let national = numbering === undefined ? digits : digits.slice(numbering.code.length);
  // +33 (0)6 …
  if (numbering !== undefined && numbering.trunk !== '' && national.startsWith(numbering.trunk))
    national = national.slice(1);
  return { numbering, national, international, e164: `+${numbering?.code ?? ''}${national}` };
}

/**
 * `reserved` (the default): a number that the country's regulator keeps free for fiction, so nobody is ever called; there
 * are few of them. `permute`: another number of the same country and kind, which may be somebody's.
 */
export function phone(options: Options): Transformer {
  const range = options.choice('range', ['reserved', 'permute'], 'reserved');
  const home = numberings[options.choice('country', countries, 'FR')]!;
  options.done();
  return {
    kind: 'phone',
    companions: [],
    guarantee(column): Guarantee {
      assertType('phone', column, 'text');
      assertFits('phone', 13, column);
      return {
        uniqueness: range === 'permute' ? 'bijective' : 'lossy',
        maxLength: undefined,
        nulls: 'kept',
        empty: 'kept',
        canonical: 'E.164',
        reversible: false,
      };
    },
    prepare({ key, column }) {
      this.guarantee(column);
      const prf = new Prf(key.subkey('phone'));
      const shapes = new ShapePermutation(key, ['0123456789'], () => {});
      const written = (cell: string, digits: string, { international }: Parsed): string => {
        const same = cell.replace(/\D/g, '');
        const text = `${international ? '+' : ''}${digits}`;
        if (same.length !== digits.length || /[a-z]/i.test(cell)) return text;
        return cell.trim().startsWith('00') ? text : regrouped(cell, digits);
      };
      return (cells, out) => {
        const parsed = cells.map((cell) => (cell ? parse(cell, home) : null));
        if (range === 'permute') {
          const rest: Cell[] = parsed.map((number) => {
            if (number === null) return null;
            if (number.national.length < 6) throw unfitValue('phone', column, 'It is not a telephone number.');
            return number.national.slice(1);
          });
          const moved: Cell[] = new Array(cells.length);
          shapes.run(rest, moved);
          for (let i = 0; i < cells.length; i++) {
            const number = parsed[i];
            if (!number) out[i] = cells[i]!;
            else {
              const { numbering, national, international } = number;
              const lead = international
                ? (numbering?.code ?? '')
                : cells[i]!.replace(/\D/g, '').startsWith(home.trunk)
                  ? home.trunk
                  : '';
              out[i] = written(cells[i]!, lead + national[0]! + moved[i]!, number);
            }
          }
          return;
        }
        const words = keyed(
          prf,
          exact,
          parsed.map((number, i) => (number === null ? null : number.national ? number.e164 : cells[i]!)),
        );
        for (let i = 0; i < cells.length; i++) {
          const number = parsed[i];
          if (!number) {
            out[i] = cells[i]!;
            continue;
          }
          // A country without known reserved numbers gets those of the home country.
          const numbering = number.numbering ?? home;
          const national = numbering.reserved(number.national || '1', words[i * 4]!);
          out[i] = written(cells[i]!, (number.international ? numbering.code : numbering.trunk) + national, number);
        }
      };
    },
  };
}
