/** Which prints of an original are looked for: what could tell whose it is, and not what everybody's data is full of. */
import { parseArray } from '../array-text.ts';
import type { ByteColumn } from '../byte-column.ts';
import { parseDocument } from '../detectors-documents.ts';
import type { RawOptions } from '../options.ts';
import type { Cell } from '../transformer.ts';
import { type AdmitAll, eachPrint, takeOriginals } from './column-originals.ts';
import { type Admission, type Admit, BinaryOriginals, type Mode, Originals, type Taker } from './originals.ts';
import type { SharedSketch } from './sketch.ts';

/** Takes the originals of a batch. */
export type ColumnAdmission = (cells: ByteColumn) => void;

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
  return takerOf(rule, type, sketch, admit)?.take;
}

/**
 * The same for whole columns: no string is made of most cells, and one that is like the one before is not taken again.
 *
 * @param admitAll is told instead, where it is given: of many prints at once
 */
export function columnAdmissionOf(
  rule: RawOptions,
  type: string,
  sketch: Pick<SharedSketch, 'seeds'>,
  admit: Admit,
  admitAll: AdmitAll = eachPrint(admit),
): ColumnAdmission | undefined {
  const taker = takerOf(rule, type, sketch, admit);
  if (taker === undefined) return undefined;
  if (taker instanceof Originals) {
    const { mode, take } = taker;
    return (cells) => takeOriginals(cells, mode, sketch, admitAll, take);
  }
  const { take, enough } = taker;
  if (enough === undefined) {
    return (cells) => {
      let last: Cell = null;
      for (const cell of cells.strings()) {
        if (cell !== last) take(cell);
        last = cell;
      }
    };
  }
  return (cells) => {
    const { bytes, from, to, wide, count } = cells;
    for (let i = 0; i < count; i++) {
      const isLong = wide[i] === 0 && to[i]! - from[i]! > enough;
      take(isLong ? bytes.toString('latin1', from[i]!, from[i]! + enough) : cells.cellAt(i));
    }
  };
}

/** About how many prints an original has, by what kind of value it is: of texts with many lines, and of documents, more. */
const formsOf: Readonly<Record<Mode, number>> = {
  names: 1.25,
  phrases: 2,
  places: 2,
  identifiers: 1,
  phone: 2,
  texts: 1.5,
  parts: 1.5,
  any: 1.5,
  bytes: 1,
};
const formsOfDocument = 3;

/** About how many prints a cell has, for the size of a sketch; 0 when no value of the column is looked for. */
export function printsOfCell(rule: RawOptions, type: string): number {
  const taker = takerOf(rule, type, { seeds: noSeeds }, () => {});
  if (taker === undefined) return 0;
  return taker instanceof Originals
    ? formsOf[taker.mode]
    : taker instanceof BinaryOriginals
      ? formsOf.bytes
      : formsOfDocument;
}

const noSeeds = new Int32Array(new SharedArrayBuffer(16));

function takerOf(rule: RawOptions, type: string, sketch: Pick<SharedSketch, 'seeds'>, admit: Admit): Taker | undefined {
  const { kind } = rule;
  if (typeof kind !== 'string' || shared.has(kind) || silentType.test(type)) return undefined;
  if (kind === 'address' && sharedParts.has(String(rule.part))) return undefined;
  if (kind === 'json' || kind === 'hstore') return onlyCells(documentAdmission(rule, sketch, admit));
  if (kind === 'xml' || kind === 'composite') return partsTaker(rule, sketch, admit);
  if (kind === 'array') return onlyCells(arrayAdmission(rule, sketch, admit));
  if (kind === 'text' && rule.mode === 'patterns') return new Originals('parts', sketch, admit);
  const mode = modes[kind] ?? (identifiers.has(kind) ? 'identifiers' : 'any');
  if (type === 'bytea' || mode === 'bytes') return new BinaryOriginals(sketch, admit);
  const originals = new Originals(mode, sketch, admit);
  // What becomes nothing, or the same in every row, may have been a document.
  if (mode === 'any' && !/^(?:character varying|character|text|citext)/.test(type))
    return { take: (cell) => eachLeaf(cell, (leaf) => originals.take(leaf)) };
  return originals;
}

function onlyCells(take: Admission | undefined): Taker | undefined {
  return take && { take };
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
function partsTaker(rule: RawOptions, sketch: Pick<SharedSketch, 'seeds'>, admit: Admit): Taker | undefined {
  const inner = Object.values({ ...(rule.paths as object), ...(rule.fields as object) });
  const keeps = rule.default === 'keep' || inner.some((each) => ruleOf(each)?.kind === 'keep');
  return keeps ? undefined : new Originals('parts', sketch, admit);
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
