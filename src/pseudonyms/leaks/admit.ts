/** Which prints of an original are looked for: what could tell whose it is, and not what everybody's data is full of. */
import { parseArray } from '../array-text.ts';
import { parseDocument } from '../detectors-documents.ts';
import type { RawOptions } from '../options.ts';
import type { Cell } from '../transformer.ts';
import {
  compactOf,
  fewestDigits,
  isNobodys,
  isNobodysAddress,
  longestNumber,
  numbersWithin,
  phoneTail,
} from './numbers.ts';
import type { SharedSketch } from './sketch.ts';
import { Characters, finished, form, leadingPrint, longestPhrase, mixed, trait, Words } from './words.ts';

/** How surely a print is that of an original and of nothing else. */
export const strength = {
  /** An address, a number, a code: nobody else has it. */
  identifier: 1,
  /** One word of a name: it may be a word of the language too. */
  word: 2,
  /** Several words: of a name, a company, an address. */
  phrase: 4,
  /** Only tells where a phrase may begin. */
  start: 8,
} as const;

/** Told of each print of an original: two words of 32 bits, and how much it says. */
export type Admit = (a: number, b: number, strong: number) => void;

/** Takes one original. */
export type Admission = (cell: Cell) => void;

type Mode = 'names' | 'phrases' | 'places' | 'identifiers' | 'phone' | 'texts' | 'parts' | 'any' | 'bytes';

/**
 * Kinds of which the originals are not looked for, because pseudonyms are made of the same values (ids, dates, amounts),
 * because thousands share them (towns, countries, banks, browsers), or because they are not seen here (`sql`, `file`).
 */
const shared = new Set(
  'keep truncate id noise generalize birth-date date-shift shuffle range city zip country bic user-agent file sql'.split(
    ' ',
  ),
);
const sharedParts = new Set(['city', 'zip', 'region', 'country', 'country-code']);

const modes: Readonly<Record<string, Mode>> = {
  'first-name': 'names',
  'last-name': 'names',
  'full-name': 'phrases',
  company: 'phrases',
  address: 'places',
  phone: 'phone',
  text: 'texts',
  html: 'texts',
  bytea: 'bytes',
};
const identifiers = new Set(
  'uuid token code username email iban siren siret vat national-id card ip mac url secret password'.split(' '),
);

/** Types of which a value alone says nothing, or that hold no text. */
const silentType = /^(?:boolean|date|time|timestamp|interval|smallint|real|double precision|money|bit)\b/;

/**
 * @param rule as `makeTransformer` takes it; paths of documents have rules of their own
 * @returns undefined when no value of the column is looked for
 */
export function admissionOf(
  rule: RawOptions,
  type: string,
  sketch: Pick<SharedSketch, 'seeds'>,
  admit: Admit,
): Admission | undefined {
  const { kind } = rule;
  if (typeof kind !== 'string' || shared.has(kind) || silentType.test(type)) return undefined;
  if (kind === 'address' && sharedParts.has(String(rule.part))) return undefined;
  if (kind === 'json' || kind === 'hstore') return documentAdmission(rule, sketch, admit);
  if (kind === 'xml' || kind === 'composite') return partsAdmission(rule, sketch, admit);
  if (kind === 'array') return arrayAdmission(rule, sketch, admit);
  if (kind === 'text' && rule.mode === 'patterns') return new Originals('parts', sketch, admit).take;
  const mode = modes[kind] ?? (identifiers.has(kind) ? 'identifiers' : 'any');
  const originals = new Originals(mode, sketch, admit);
  if (type === 'bytea') return originals.takeBytes;
  // What becomes nothing, or the same in every row, may have been a document.
  if (mode === 'any' && !/^(?:character varying|character|text|citext)/.test(type))
    return (cell) => eachLeaf(cell, (leaf) => originals.take(leaf));
  return originals.take;
}

const noDigits = { digits: 0, length: 0 };

class Originals {
  readonly #words: Words;
  readonly #characters: Characters;
  readonly #mode: Mode;
  readonly #admit: Admit;
  readonly #print = { a: 0, b: 0 };

  constructor(mode: Mode, sketch: Pick<SharedSketch, 'seeds'>, admit: Admit) {
    this.#words = new Words(sketch);
    this.#characters = new Characters(sketch);
    this.#mode = mode;
    this.#admit = admit;
  }

  readonly take = (cell: Cell): void => {
    if (cell === null || cell.length < 4) return;
    const mode = this.#mode;
    if (mode === 'texts' || (mode === 'any' && cell.length > 200)) this.#text(cell);
    else if (mode === 'parts') this.#parts(cell);
    else {
      const words = this.#words;
      words.cut(cell);
      if (words.count === 1) this.#single(cell);
      else if (words.count > 1) this.#several(cell);
    }
  };

  /** `\x…`: as a whole, since what replaces it has nothing of it. */
  readonly takeBytes = (cell: Cell): void => {
    if (cell === null || cell.length < 18) return;
    this.#characters.print(cell, 2, Math.min(cell.length, 4096));
    this.#give(form.bytes, this.#characters.a, this.#characters.b, strength.identifier);
  };

  #give(of: number, a: number, b: number, strong: number): void {
    this.#admit(finished(a, of), finished(b, of), strong);
  }

  #single(cell: string): void {
    const words = this.#words;
    const [a, b, seen] = [words.a[0]!, words.b[0]!, words.traits[0]!];
    const length = words.to[0]! - words.from[0]!;
    if (length < 4) return;
    const mode = this.#mode;
    if ((seen & trait.at) !== 0) {
      this.#give(form.word, a, b, strength.identifier);
      return;
    }
    if ((seen & trait.digits) === 0) {
      if (mode === 'names' || mode === 'phrases') this.#give(form.word, a, b, strength.word);
      // Roots and admins are everybody's; what is long, or put together, is not.
      else if (mode === 'identifiers' && length >= ((seen & trait.mixed) !== 0 ? 6 : 12))
        this.#give(form.word, a, b, strength.identifier);
      return;
    }
    const { digits, length: size, a: compactA, b: compactB } = this.#characters.print(cell);
    if (digits === size) {
      if (digits < fewestDigits || isNobodys(compactOf(cell))) return;
    } else if (length < (mode === 'identifiers' ? 6 : 8)) return;
    if ((seen & trait.mixed) !== 0 && length < 16 && isNobodysAddress(cell)) return;
    this.#give(form.word, a, b, strength.identifier);
    if (digits < fewestDigits || size > longestNumber) return;
    this.#give(form.compact, compactA, compactB, strength.identifier);
    if (mode === 'phone') this.#phone(cell);
  }

  #number(text: string, phone: boolean): void {
    const { a, b, length } = this.#characters.print(text);
    if (length > longestNumber) return;
    this.#give(form.compact, a, b, strength.identifier);
    if (phone) this.#phone(text);
  }

  #phone(text: string): void {
    const tail = phoneTail(text);
    if (tail === undefined) return;
    const { a, b } = this.#characters.print(tail);
    this.#give(form.phone, a, b, strength.identifier);
  }

  #several(cell: string): void {
    const words = this.#words;
    const mode = this.#mode;
    const { count } = words;
    let [seen, all] = [0, trait.capital | trait.letters];
    for (let at = 0; at < count; at++) {
      seen |= words.traits[at]!;
      all &= words.traits[at]!;
    }
    const { digits, length } = (seen & trait.digits) === 0 ? noDigits : this.#characters.print(cell);
    if (digits >= fewestDigits && mode !== 'places' && digits * 2 >= length) {
      if (digits < length || !isNobodys(compactOf(cell))) this.#number(cell, mode === 'phone');
      return;
    }
    if ((seen & trait.at) !== 0 || digits >= fewestDigits) this.#parts(cell);
    // Of a kind that says nothing of its values only what is written as a name is.
    const named = mode === 'any' && count <= 4 && (all & trait.capital) !== 0 && (seen & trait.digits) === 0;
    const wanted = mode === 'names' || mode === 'phrases' || named || (mode === 'places' && digits > 0);
    if (wanted && cell.length >= 6 && count <= longestPhrase) this.#phrase(mode === 'names');
    else if (mode !== 'names') this.#text(cell, true);
  }

  #phrase(partOfName: boolean): void {
    const words = this.#words;
    let [a, b] = [mixed(words.a[0]!, words.a[1]!), mixed(words.b[0]!, words.b[1]!)];
    this.#give(form.start, a, b, strength.start);
    for (let at = 2; at < words.count; at++) {
      a = mixed(a, words.a[at]!);
      b = mixed(b, words.b[at]!);
    }
    this.#give(form.phrase, a, b, partOfName ? strength.word : strength.phrase);
  }

  #text(text: string, withoutParts = false): void {
    const print = this.#print;
    if (leadingPrint(this.#words, text, 0, text.length, print)) this.#admit(print.a, print.b, strength.phrase);
    if (text.includes('\n')) {
      eachLine(text, (from, to) => {
        if (leadingPrint(this.#words, text, from, to, print)) this.#admit(print.a, print.b, strength.phrase);
      });
    }
    if (!withoutParts) this.#parts(text);
  }

  /** E-mail addresses and numbers that stand in a text. */
  #parts(text: string): void {
    if (text.includes('@')) {
      for (const [address] of text.matchAll(emailWithin)) {
        this.#words.cut(address);
        if (this.#words.count === 1) this.#give(form.word, this.#words.a[0]!, this.#words.b[0]!, strength.identifier);
      }
    }
    if (/\d\D?\d\D?\d\D?\d/.test(text)) {
      numbersWithin(text, (compact, phone) => this.#number(compact, phone));
    }
  }
}

/** Within words too: `mailto:`, or a file that is called after one. */
export const emailWithin = /[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu;

export function eachLine(text: string, told: (from: number, to: number) => void): void {
  for (let from = 0; from <= text.length; ) {
    let to = text.indexOf('\n', from);
    if (to < 0) to = text.length;
    told(from, to);
    from = to + 1;
  }
}

/** Texts and numbers of a document, whatever kind it is. Names of objects count as texts. */
export function eachLeaf(cell: Cell, told: (leaf: string, number: boolean) => void): void {
  if (cell === null || cell.length < 2) return;
  const first = cell[0];
  if (first === '{' || first === '[' || first === '"') {
    // An array begins with a brace too.
    const found = first === '{' && !/^\{\s*"/.test(cell) ? undefined : parseDocument(cell);
    if (typeof found === 'object' && found !== null) {
      leavesOf(found, told);
      return;
    }
  }
  told(cell, false);
}

function leavesOf(value: unknown, told: (leaf: string, number: boolean) => void): void {
  if (typeof value === 'string') told(value, false);
  else if (typeof value === 'number') told(String(value), true);
  else if (Array.isArray(value)) for (const item of value) leavesOf(item, told);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      told(key, false);
      leavesOf(item, told);
    }
  }
}

function arrayAdmission(rule: RawOptions, sketch: Pick<SharedSketch, 'seeds'>, admit: Admit): Admission | undefined {
  const element = ruleOf(rule.element);
  const take = element && admissionOf(element, 'text', sketch, admit);
  if (!take) return undefined;
  const visit = (node: unknown): void => {
    if (typeof node === 'string') take(node);
    else if (Array.isArray(node)) for (const inner of node) visit(inner);
  };
  return (cell) => {
    if (cell) visit(parseArray(cell)?.elements);
  };
}

/** Documents that are not taken apart here: what stands in them is looked for where no part of them is kept. */
function partsAdmission(rule: RawOptions, sketch: Pick<SharedSketch, 'seeds'>, admit: Admit): Admission | undefined {
  const inner = Object.values({ ...(rule.paths as object), ...(rule.fields as object) });
  const keeps = rule.default === 'keep' || inner.some((each) => ruleOf(each)?.kind === 'keep');
  return keeps ? undefined : new Originals('parts', sketch, admit).take;
}

/** Each value of a document by the rule of its path, as the transformer goes by. */
function documentAdmission(
  { paths, default: rest }: RawOptions,
  sketch: Pick<SharedSketch, 'seeds'>,
  admit: Admit,
): Admission | undefined {
  const make = (rule: unknown) => {
    const found = rule === 'null' ? { kind: 'null' } : ruleOf(rule);
    return found && admissionOf(found, 'text', sketch, admit);
  };
  const rules = Object.entries((paths as object | undefined) ?? {}).map(([path, rule]) => ({
    path: stepsOf(path),
    take: make(rule),
  }));
  const other = make(rest);
  if (other === undefined && rules.every(({ take }) => take === undefined)) return undefined;
  const visit = (value: unknown, path: string[]): void => {
    if (typeof value === 'string' || typeof value === 'number') {
      const rule = rules.find(({ path: steps }) => matches(steps, path));
      (rule ? rule.take : other)?.(String(value));
    } else if (Array.isArray(value)) for (const item of value) visit(item, [...path, '[]']);
    else if (typeof value === 'object' && value !== null)
      for (const [name, item] of Object.entries(value)) visit(item, [...path, name]);
  };
  return (cell) => {
    // What is none the transformer refuses.
    if (cell) visit(parseDocument(cell), []);
  };
}

function ruleOf(rule: unknown): RawOptions | undefined {
  return typeof rule === 'object' && rule !== null && !Array.isArray(rule) ? (rule as RawOptions) : undefined;
}

/** `$.items[].name` → `items`, `[]`, `name` */
function stepsOf(path: string): string[] {
  return path
    .replace(/^\$\.?/, '')
    .replace(/\[\]/g, '.[]')
    .split('.')
    .filter((step) => step !== '');
}

function matches(steps: readonly string[], path: readonly string[]): boolean {
  return (
    steps.length === path.length && steps.every((step, at) => step === path[at] || (step === '*' && path[at] !== '[]'))
  );
}
