/** From the name, the type, the table and sampled values of a column to what it holds, with reasons in words. */
import type { RuleKind } from './classification-kinds.ts';
import {
  isBareName,
  isNameOfKey,
  isNameOfSomething,
  isNameOfThing,
  isOfThings,
  type NameSign,
  nameSign,
  type TableSubject,
  tokensOf,
} from './detectors-columns.ts';
import { areBirths, type ValueSummary } from './detectors-summary.ts';
import type { ValueSign } from './detectors-values.ts';

/** What a type can carry, as far as detection goes. */
export type TypeClass =
  | 'text'
  | 'number'
  | 'boolean'
  | 'date'
  | 'time'
  | 'uuid'
  | 'ip'
  | 'mac'
  | 'bytea'
  | 'point'
  | 'enum'
  | 'document'
  | 'oid'
  | 'other';

export interface ColumnContext {
  name: string;
  type: TypeClass;
  comment?: string | undefined;
  subject: TableSubject;
  /** Whether the table has a column of an address beside it. */
  besideAddress?: boolean;
  /** Part of a foreign key, or a key that the database counts itself. */
  key?: boolean;
}

export interface Verdict {
  /** Undefined: nothing personal was found. */
  kind: RuleKind | undefined;
  /** 0 to 1. */
  confidence: number;
  /** What it was concluded from; no value is in it. */
  reasons: string[];
  /** Values that were looked at: neither NULL nor empty. */
  sampled: number;
}

/** From here on something counts as found. */
export const threshold = 0.5;

/** Which share of the values proves a kind by itself, the surest first, and what it is then called. */
const proofs: readonly { sign: ValueSign; kind: RuleKind; share: number; says: string; weight?: number }[] = [
  { sign: 'email', kind: 'email', share: 0.3, says: 'are e-mail addresses' },
  { sign: 'iban', kind: 'iban', share: 0.3, says: 'are IBANs with the right check digits' },
  { sign: 'national-id', kind: 'national-id', share: 0.5, says: 'are national numbers with the right key' },
  { sign: 'vin', kind: 'code', share: 0.6, says: 'have the form of numbers of vehicles', weight: 0.8 },
  { sign: 'plate', kind: 'code', share: 0.5, says: 'have the form of number plates', weight: 0.75 },
  { sign: 'ledger', kind: 'code', share: 0.5, says: 'are accounts with letters of a name', weight: 0.75 },
  { sign: 'long-luhn', kind: 'card', share: 0.9, says: 'are long numbers with the check digit of cards', weight: 0.8 },
  { sign: 'card', kind: 'card', share: 0.5, says: 'are card numbers with the right check digit' },
  { sign: 'siret', kind: 'siret', share: 0.5, says: 'are SIRET numbers with the right check digits' },
  { sign: 'siren', kind: 'siren', share: 0.8, says: 'are SIREN numbers with the right check digit' },
  { sign: 'password', kind: 'password', share: 0.3, says: 'are hashes of passwords' },
  { sign: 'secret', kind: 'secret', share: 0.3, says: 'are keys or tokens of known services' },
  { sign: 'user-agent', kind: 'user-agent', share: 0.5, says: 'are user agents' },
  { sign: 'vat', kind: 'vat', share: 0.6, says: 'have the form of a VAT number' },
  { sign: 'mac', kind: 'mac', share: 0.5, says: 'are hardware addresses' },
  { sign: 'bank', kind: 'bic', share: 0.9, says: 'have the form of codes of banks', weight: 0.7 },
  { sign: 'ip', kind: 'ip', share: 0.5, says: 'are IP addresses' },
  { sign: 'phone', kind: 'phone', share: 0.6, says: 'are phone numbers' },
  { sign: 'address', kind: 'address', share: 0.4, says: 'are addresses' },
  { sign: 'html', kind: 'html', share: 0.3, says: 'are HTML' },
  { sign: 'company', kind: 'company', share: 0.25, says: 'end in a legal form of companies', weight: 0.8 },
  { sign: 'full-name', kind: 'full-name', share: 0.3, says: 'are names of persons by the dictionary', weight: 0.8 },
  { sign: 'first-name', kind: 'first-name', share: 0.4, says: 'are first names by the dictionary', weight: 0.75 },
  { sign: 'last-name', kind: 'last-name', share: 0.35, says: 'are family names by the dictionary', weight: 0.7 },
  { sign: 'username', kind: 'username', share: 0.35, says: 'are names of users by the dictionary', weight: 0.75 },
  { sign: 'city', kind: 'city', share: 0.4, says: 'are cities by the dictionary', weight: 0.6 },
  { sign: 'prose', kind: 'text', share: 0.35, says: 'are sentences', weight: 0.7 },
  { sign: 'postcode', kind: 'zip', share: 0.6, says: 'are British postcodes', weight: 0.7 },
  // Only beside a name that says so.
  { sign: 'domain', kind: 'url', share: 0.5, says: 'are names of the web', weight: 0.45 },
  { sign: 'file-name', kind: 'text', share: 0.5, says: 'are names of files', weight: 0.65 },
];

/** @param summary none: no value could be looked at */
export function judge(context: ColumnContext, summary?: ValueSummary): Verdict {
  const sampled = summary?.values ?? 0;
  const none = (reason: string): Verdict => ({ kind: undefined, confidence: 0, reasons: [reason], sampled });
  const { type } = context;
  if (type === 'boolean') return none('a boolean');
  if (type === 'enum') return none('an enumeration; its labels are ruled apart');
  if (type === 'oid') return none('a reference to a large object; those are ruled apart');
  if (type === 'ip') return found('ip', 0.95, [`its type is for network addresses`], sampled);
  if (type === 'mac') return found('mac', 0.95, [`its type is for hardware addresses`], sampled);
  const name = byName(context, sampled);
  const values =
    summary && sampled > 0 && (type === 'text' || type === 'number' || type === 'date')
      ? byValues(summary, context)
      : undefined;
  return combine(context, name, values, summary);
}

function found(kind: RuleKind, confidence: number, reasons: string[], sampled: number): Verdict {
  return { kind, confidence: Math.round(Math.min(confidence, 0.99) * 100) / 100, reasons, sampled };
}

interface Opinion {
  kind: RuleKind;
  weight: number;
  reasons: string[];
  /** Of parts of values. */
  within?: boolean;
}

/** Kinds that a type can hold at all. */
const numeric: ReadonlySet<RuleKind> = new Set<RuleKind>([
  'phone',
  'national-id',
  'card',
  'siren',
  'siret',
  'noise',
  'iban',
  'zip',
  'code',
  'secret',
]);

function byName(context: ColumnContext, sampled: number): Opinion | undefined {
  const { name, type, subject, comment } = context;
  const sign =
    nameSign(name, { textual: type === 'text' }) ??
    bareName(context) ??
    nameUnseen(context, sampled) ??
    byComment(comment, type);
  if (!sign) return undefined;
  const { kind, weight } = fitted(sign, context);
  const about =
    subject === 'person' ? ', in a table about persons' : subject === 'company' ? ', in a table about companies' : '';
  return weight < 0.05 ? undefined : { kind, weight, reasons: [`the name says ${kind}${about}`] };
}

function bareName({ name, type, subject }: ColumnContext): NameSign | undefined {
  if (type !== 'text' || !isBareName(name)) return undefined;
  if (subject === 'company') return { kind: 'company', weight: 0.8 };
  if (subject !== 'person') return undefined;
  return { kind: tokensOf(name).includes('nom') ? 'last-name' : 'full-name', weight: 0.8 };
}

/** Where people are kept and no value can be looked at, what is called somebody's name counts as one. */
function nameUnseen({ name, type, subject }: ColumnContext, sampled: number): NameSign | undefined {
  if (sampled > 0 || type !== 'text' || subject !== 'person' || !isNameOfSomething(name)) return undefined;
  return { kind: 'last-name', weight: 0.6 };
}

function byComment(comment: string | undefined, type: TypeClass): NameSign | undefined {
  if (!comment || type !== 'text') return undefined;
  const said = nameSign(comment.slice(0, 80), { textual: true });
  return said && said.weight >= 0.7 ? { kind: said.kind, weight: 0.5 } : undefined;
}

/** The same word means less, or nothing, where the type or the table does not fit. */
function fitted({ kind, weight }: NameSign, context: ColumnContext): NameSign {
  const { type, subject, besideAddress, key } = context;
  if (key)
    return { kind, weight: kind === 'code' || kind === 'email' || kind === 'national-id' ? weight : weight * 0.1 };
  if (kind === 'country') {
    const isOnes = subject === 'person' && /nati|citizen/i.test(context.name);
    return { kind, weight: (besideAddress || isOnes) && type === 'text' ? 0.7 : 0.2 };
  }
  if (kind === 'noise') return { kind, weight: type === 'number' || type === 'point' ? weight : weight * 0.3 };
  if (kind === 'birth-date')
    return { kind, weight: type === 'date' || type === 'text' || type === 'time' || type === 'number' ? weight : 0 };
  if (type === 'date' || type === 'time' || type === 'point' || type === 'other') return { kind, weight: 0 };
  // Whoever has the link is let in, or known by it.
  if (type === 'uuid')
    return kind === 'url' || kind === 'code'
      ? { kind: 'uuid', weight: 0.6 }
      : { kind, weight: kind === 'secret' ? 0.6 : 0 };
  if (type === 'bytea')
    return kind === 'secret' || kind === 'password'
      ? { kind, weight }
      : { kind: 'bytea', weight: Math.max(weight, 0.6) };
  if (type === 'number') return { kind, weight: numeric.has(kind) ? weight * (kind === 'secret' ? 0.3 : 0.8) : 0 };
  if (kind === 'bytea') return { kind: 'text', weight: 0.6 };
  if (subject === 'reference') return { kind, weight: weight * (reference.has(kind) ? 0.4 : 0.8) };
  return { kind, weight };
}

/** What a public reference also has. */
const reference: ReadonlySet<RuleKind> = new Set<RuleKind>([
  'city',
  'zip',
  'country',
  'address',
  'company',
  'url',
  'text',
  'code',
  'noise',
  'full-name',
]);

function byValues(summary: ValueSummary, context: ColumnContext): Opinion | undefined {
  const { name, type, subject } = context;
  const { values, shares, variety, distinct } = summary;
  const number = type === 'number';
  if (type !== 'number' && areBirths(summary)) {
    const weight = subject === 'reference' || isOfThings(name) ? 0.3 : 0.7;
    return { kind: 'birth-date', weight, reasons: ['the dates lie as far apart as birthdays do'] };
  }
  if (type === 'date') return undefined;
  for (const { sign, kind, share, says, weight = 0.95 } of proofs) {
    const seen = shares.get(sign) ?? 0;
    if (seen < share || (number && !numeric.has(kind))) continue;
    // Ten digits in a number are a number; only check digits say more.
    if (number && (kind === 'phone' || kind === 'zip' || kind === 'siren')) continue;
    let sure = weight * (0.75 + 0.25 * seen);
    // Few different ones among many are a list to choose from, not what people are called or write.
    if (values >= 20 && (distinct <= 8 || variety < 0.06))
      sure *= listed.has(sign) && !(sign === 'full-name' && seen >= 0.5) ? 0.3 : 0.75;
    if (subject === 'reference' && reference.has(kind)) sure *= 0.5;
    // Schools and streets are called after people.
    if (listed.has(sign) && isNameOfThing(name)) sure *= 0.5;
    if (values < 3) sure *= 0.8;
    return { kind, weight: sure, reasons: [`${percent(seen)} of ${values} values ${says}`] };
  }
  return number
    ? undefined
    : (inside(summary) ?? writtenAsNames(summary, subject) ?? ownCodes(summary, context) ?? ownTokens(summary, name));
}

const listed: ReadonlySet<ValueSign> = new Set<ValueSign>([
  'prose',
  'company',
  'full-name',
  'first-name',
  'last-name',
  'city',
  'html',
  'file-name',
  'address',
]);

/** A text with a person in it now and then: one is enough. */
function inside({ shares, values }: ValueSummary): Opinion | undefined {
  const within = shares.get('within') ?? 0;
  const strong = Math.max(shares.get('email') ?? 0, shares.get('iban') ?? 0, within);
  if (strong <= 0) return undefined;
  const sure = strong * values >= 2 || strong >= 0.05 ? 0.8 : 0.6;
  const kind = (shares.get('url') ?? 0) >= 0.5 ? 'url' : 'text';
  return {
    kind,
    weight: sure,
    within: true,
    reasons: [`${percent(strong)} of ${values} values have something personal in them`],
  };
}

/** Two words or three each, all written as names are, hardly one twice, and some are known. */
function writtenAsNames({ shares, values, variety }: ValueSummary, subject: TableSubject): Opinion | undefined {
  const [written, known] = [shares.get('names-shape') ?? 0, shares.get('full-name') ?? 0];
  // Where people are kept none needs to be known: names of most of the world are in no dictionary here.
  if (values < 15 || written < 0.75 || variety < 0.3 || (subject !== 'person' && (known < 0.12 || variety < 0.5)))
    return undefined;
  const weight = subject === 'reference' ? 0.3 : 0.6;
  return { kind: 'full-name', weight, reasons: [`${percent(written)} of ${values} values are written as names are`] };
}

/** Where people are kept, what each of them has another one of: a number of a card, a permit, a file. */
function ownCodes({ shares, values, variety }: ValueSummary, { subject, key }: ColumnContext): Opinion | undefined {
  const shaped = shares.get('code-shape') ?? 0;
  if (subject !== 'person' || key || values < 20 || variety < 0.9 || shaped < 0.8) return undefined;
  return {
    kind: 'code',
    weight: 0.55,
    reasons: [`${percent(shaped)} of ${values} values are codes, and each is another`],
  };
}

/** Random, each another, and called a key: whoever has one is let in. */
function ownTokens({ shares, values, variety }: ValueSummary, name: string): Opinion | undefined {
  const share = shares.get('hex') ?? 0;
  if (values < 15 || variety < 0.9 || share < 0.8 || !isNameOfKey(name)) return undefined;
  return {
    kind: 'secret',
    weight: 0.6,
    reasons: [`${percent(share)} of ${values} values are random, and each is another`],
  };
}

function percent(share: number): string {
  return share > 0 && share < 0.01 ? 'under 1 %' : `${Math.round(share * 100)} %`;
}

/** Values that a name is compared with; where they never fit, the name alone is trusted less. */
const checkable: ReadonlyMap<RuleKind, ValueSign> = new Map<RuleKind, ValueSign>([
  ['email', 'email'],
  ['phone', 'phone'],
  ['iban', 'iban'],
  ['ip', 'ip'],
  ['mac', 'mac'],
  ['url', 'url'],
  ['siret', 'siret'],
  ['user-agent', 'user-agent'],
]);

function combine(
  context: ColumnContext,
  name: Opinion | undefined,
  values: Opinion | undefined,
  summary: ValueSummary | undefined,
): Verdict {
  const sampled = summary?.values ?? 0;
  if (!name && !values) return { kind: undefined, confidence: 0, reasons: [nothing(sampled)], sampled };
  if (name && values && agree(name.kind, values.kind)) {
    const weight = 1 - (1 - name.weight) * (1 - values.weight);
    return verdict(sharper(name, values), weight, [...name.reasons, ...values.reasons], sampled);
  }
  if (name && values) {
    // A user's name may well be an address now and then; a rule for texts would leave the others.
    const keepsName = values.within === true && name.weight >= 0.7 && whole.has(name.kind);
    // What was seen decides what it is, unless the name is surer.
    const first = keepsName ? name : values.weight >= name.weight - 0.1 || name.weight < threshold ? values : name;
    return verdict(first.kind, Math.max(name.weight, values.weight), [...name.reasons, ...values.reasons], sampled);
  }
  if (values) return verdict(values.kind, values.weight, values.reasons, sampled);
  return unseen(context, name!, summary);
}

/** Kinds of which the whole value is personal, whatever stands in it. */
const whole: ReadonlySet<RuleKind> = new Set<RuleKind>([
  'username',
  'code',
  'national-id',
  'secret',
  'password',
  'url',
]);

/** The name says something that no value shows. */
function unseen(context: ColumnContext, name: Opinion, summary: ValueSummary | undefined): Verdict {
  const sampled = summary?.values ?? 0;
  const sign = checkable.get(name.kind);
  const reasons = [...name.reasons];
  let { weight } = name;
  if (summary && sampled >= 10 && context.type === 'text') {
    if (sign && (summary.shares.get(sign) ?? 0) < 0.05) {
      weight *= summary.distinct <= 8 ? 0.4 : 0.75;
      reasons.push(`none of ${sampled} values looks like it`);
    } else if (summary.distinct <= 4 && sampled >= 20 && !constant.has(name.kind)) {
      weight *= 0.55;
      reasons.push(`only ${summary.distinct} different values`);
    }
  }
  if (sampled === 0) reasons.push('no value was seen');
  return verdict(name.kind, weight, reasons, sampled);
}

/** Kinds that may well be the same in every row. */
const constant: ReadonlySet<RuleKind> = new Set<RuleKind>([
  'secret',
  'password',
  'country',
  'city',
  'zip',
  'bic',
  'address',
]);

function verdict(kind: RuleKind, weight: number, reasons: string[], sampled: number): Verdict {
  if (weight < threshold) return { kind: undefined, confidence: Math.round(weight * 100) / 100, reasons, sampled };
  return found(kind, weight, reasons, sampled);
}

function nothing(sampled: number): string {
  return sampled === 0
    ? 'neither name nor type says anything, and no value was seen'
    : `nothing personal in ${sampled} values, nor in the name`;
}

const alike: readonly ReadonlySet<RuleKind>[] = [
  new Set<RuleKind>(['first-name', 'last-name', 'full-name', 'username']),
  new Set<RuleKind>(['company', 'last-name', 'full-name']),
  new Set<RuleKind>(['text', 'html', 'address']),
  new Set<RuleKind>(['siren', 'siret', 'vat', 'national-id', 'code', 'phone', 'card', 'zip']),
  new Set<RuleKind>(['address', 'city', 'zip']),
  new Set<RuleKind>(['password', 'secret']),
];

function agree(a: RuleKind, b: RuleKind): boolean {
  return a === b || alike.some((set) => set.has(a) && set.has(b));
}

/** Check digits are surer than names, and names are surer than dictionaries. */
function sharper(name: Opinion, values: Opinion): RuleKind {
  if (values.kind === 'html') return 'html';
  const dictionary = ['first-name', 'last-name', 'full-name', 'city', 'company', 'text', 'address', 'username'];
  if (name.weight < threshold) return values.kind;
  if (dictionary.includes(values.kind) || name.weight >= values.weight) return name.kind;
  return values.kind;
}
