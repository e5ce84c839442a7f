/** Telephone numbers as people write them, and those that regulators keep free for fiction. */
import type { ByteColumn } from './byte-column.ts';

/** Numbers that never ring: one of some heads, then so many digits that are free. */
interface Reserved {
  readonly heads: readonly string[];
  readonly free: number;
}

/** A country whose regulator has set numbers aside that never ring. */
interface Numbering {
  readonly name: string;
  /** Country code, and what stands before the national number at home. */
  readonly code: string;
  readonly trunk: string;
  /** Reserved numbers in place of national ones (without their trunk prefix) that begin with a digit. */
  reserved(first: string): Reserved;
}

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

const numberings: readonly Numbering[] = [
  {
    name: 'FR',
    code: '33',
    trunk: '0',
    reserved: (first) => ({ heads: [french[first] ?? '19900'], free: 4 }),
  },
  // Ofcom: a thousand mobile numbers, and a thousand in London.
  {
    name: 'GB',
    code: '44',
    trunk: '0',
    reserved: (first) => ({ heads: [first === '7' ? '7700900' : '2079460'], free: 3 }),
  },
  // Bundesnetzagentur: a thousand in Berlin, a hundred mobile ones.
  {
    name: 'DE',
    code: '49',
    trunk: '0',
    reserved: (first) => (first === '1' ? { heads: ['17139200'], free: 2 } : { heads: ['3023125'], free: 3 }),
  },
  {
    name: 'US',
    code: '1',
    trunk: '',
    reserved: () => ({ heads: areas.map((area) => `${area}55501`), free: 2 }),
  },
];
export const phoneCountries = numberings.map(({ name }) => name);

const plus = 0x2b;
const zero = 0x30;

/** A telephone number taken apart. One is used for all cells, since an object for each would cost more than reading it. */
export class PhoneText {
  /** Digits of the whole text; the national number, without its trunk prefix, is what lies from `from` to `count`. */
  digits = new Uint8Array(64);
  count = 0;
  from = 0;
  /** Written with `+` or `00`. */
  international = false;
  /** Index of the country; below 0 for one that is not known here. */
  country = 0;
  /** Whether another number of as many digits can be written in its grouping. */
  grouped = false;
  readonly #home: number;
  readonly #codes = numberings.map(({ code }) => Uint8Array.from(Buffer.from(code)));
  /** 0 where there is none. */
  readonly #trunks = Uint8Array.from(numberings, ({ trunk }) => (trunk === '' ? 0 : trunk.charCodeAt(0)));

  /** @param home country of the numbers that do not name theirs: one of `phoneCountries` */
  constructor(home: string) {
    this.#home = phoneCountries.indexOf(home);
  }

  /** Reads cell `i`, which is not empty. Any text is taken; it may have no national number at all. */
  read(cells: ByteColumn, i: number): void {
    const { bytes } = cells;
    let [start, end] = [cells.from[i]!, cells.to[i]!];
    if (this.digits.length < end - start) this.digits = new Uint8Array(end - start);
    const digits = this.digits;
    let count = 0;
    let letters = false;
    for (let k = start; k < end; k++) {
      const byte = bytes[k]!;
      if (byte >= zero && byte <= 0x39) digits[count++] = byte;
      else if (byte >= 0x41) {
        const small = byte | 0x20;
        if (small >= 0x61 && small <= 0x7a) letters = true;
      }
    }
    start = firstOf(cells, i);
    this.count = count;
    let international = start < end && bytes[start] === plus;
    const doubleZero = start + 1 < end && bytes[start] === zero && bytes[start + 1] === zero;
    this.grouped = !letters && !doubleZero;
    let from = 0;
    if (!international && count > 1 && digits[0] === zero && digits[1] === zero) {
      international = true;
      from = 2;
    }
    this.international = international;
    let country = this.#home;
    if (international) {
      country = -1;
      const codes = this.#codes;
      for (let c = 0; country < 0 && c < codes.length; c++) {
        const code = codes[c]!;
        if (count - from < code.length || digits[from] !== code[0]) continue;
        if (code.length < 2 || digits[from + 1] === code[1]) country = c;
      }
      if (country >= 0) from += codes[country]!.length;
    }
    // Also +33 (0)6 …
    if (country >= 0 && from < count && digits[from] === this.#trunks[country]) from++;
    this.country = country;
    this.from = from;
  }

  get length(): number {
    return this.count - this.from;
  }

  /**
   * Writes what stands before the national number in the text, country code or trunk prefix, and its first digit, which
   * tells the kind of number. @returns where it ends, at most three bytes further
   */
  writeHead(bytes: Uint8Array, place: number): number {
    let at = place;
    const trunk = this.#trunks[this.#home]!;
    if (!this.international) {
      if (trunk !== 0 && this.count > 0 && this.digits[0] === trunk) bytes[at++] = trunk;
    } else if (this.country >= 0) at = this.#writeCode(bytes, at);
    bytes[at++] = this.digits[this.from]!;
    return at;
  }

  /** Writes E.164, e.g. `+33612345678`, the canonical form: at most four bytes more than there are digits. @returns its end */
  writeE164(bytes: Uint8Array, place: number): number {
    let at = place;
    bytes[at++] = plus;
    if (this.country >= 0) at = this.#writeCode(bytes, at);
    const digits = this.digits;
    for (let k = this.from; k < this.count; k++) bytes[at++] = digits[k]!;
    return at;
  }

  #writeCode(bytes: Uint8Array, place: number): number {
    const code = this.#codes[this.country]!;
    let at = place;
    for (let k = 0; k < code.length; k++) bytes[at++] = code[k]!;
    return at;
  }

  /** Which of the reserved numbers may stand for it: those of one country, place of writing and first digit. */
  get #variant(): number {
    // A country without known reserved numbers gets those of the home country.
    const country = this.country < 0 ? this.#home : this.country;
    const first = this.from < this.count ? this.digits[this.from]! - zero : 1;
    return (country * 2 + (this.international ? 1 : 0)) * 10 + first;
  }

  /** What the kernel that writes reserved numbers takes: `assembly/phones.ts` says it of all others. */
  info(phones: ReservedPhones): number {
    const grouped = this.grouped && this.count === phones.lengthOf(this.#variant);
    return this.#variant | (this.international ? 0x1000 : 0) | (grouped ? 0x2000 : 0);
  }
}

/** Where a cell begins but for the white space before it. */
function firstOf(cells: ByteColumn, i: number): number {
  const { bytes } = cells;
  const end = cells.to[i]!;
  let start = cells.from[i]!;
  while (start < end && (bytes[start] === 0x20 || (bytes[start]! >= 0x09 && bytes[start]! <= 0x0d))) start++;
  if (start === end || bytes[start]! < 0x80) return start;
  // White space of Unicode.
  const cell = cells.cellAt(i)!;
  return cells.from[i]! + Buffer.byteLength(cell) - Buffer.byteLength(cell.trimStart());
}

/** Reserved numbers with their country code or trunk prefix, and what is known of countries: as kernels take them. */
export class ReservedPhones {
  /** Of each country four words: length and two digits of its code, and its trunk prefix or 0. */
  readonly countries: Int32Array;
  /** Of each variant four words: its digits; those that are free, with the count of its heads × 16; where these begin in `heads`. */
  readonly variants: Int32Array;
  /** All of them, one behind the other. */
  readonly heads: Buffer;

  constructor() {
    const countries: number[] = [];
    const variants: number[] = [];
    let all = '';
    for (const { code, trunk, reserved } of numberings) {
      countries.push(code.length, code.charCodeAt(0), code.length > 1 ? code.charCodeAt(1) : 0);
      countries.push(trunk === '' ? 0 : trunk.charCodeAt(0));
      for (const lead of [trunk, code]) {
        for (let first = 0; first < 10; first++) {
          const { heads, free } = reserved(String(first));
          variants.push(lead.length + heads[0]!.length + free, free | (heads.length << 4), all.length, 0);
          all += heads.map((head) => lead + head).join('');
        }
      }
    }
    this.countries = Int32Array.from(countries);
    this.variants = Int32Array.from(variants);
    this.heads = Buffer.from(all);
  }

  /** Digits of the numbers of a variant. */
  lengthOf(variant: number): number {
    return this.variants[variant * 4]!;
  }
}
