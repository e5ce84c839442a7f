import { isUtf8 } from 'node:buffer';
import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import { type ByteText, byteText } from '../../sources/files/byte-text.ts';
import { base32 } from '../base32.ts';
import { defaultDomains, isRuleKind } from '../classification-kinds.ts';
import type { PseudonymKey } from '../keys.ts';
import type { RawOptions } from '../options.ts';
import { Prf } from '../prf.ts';
import { makeTransformer } from '../registry.ts';
import type { Cell, ColumnFacts, Run } from '../transformer.ts';
import type { FileType } from './detect.ts';
import { PathPattern } from './path-pattern.ts';

/** What becomes of the content of files: they stay, are left out, are replaced, or their text is rewritten. */
export const fileContents = ['keep', 'drop', 'placeholder', 'text'] as const;
export type FileContent = (typeof fileContents)[number];

/** What becomes of the files whose path fits; the first rule that fits decides. */
export interface TreeRule {
  /** As in PathPattern. */
  path: string;
  content: FileContent;
  /** Of what `*`, `?` and `**` stand for in `path`: pseudonyms (the default), or as they are. */
  names?: 'pseudonym' | 'keep' | undefined;
  /** Why content or names may stay as they are; needed for each `keep`. */
  reason?: string | undefined;
  /** Of placeholders: the type, where it is not to be told from each content. */
  type?: FileType | 'auto' | undefined;
  /** Rules of the parts of `path`: kind, options, and the domain that they share with the columns that hold the same values. */
  parts?: Readonly<Record<string, PartRule>> | undefined;
  /** Of `content: text`: the domain of what is found in texts. */
  domain?: string | undefined;
  /** Of `content: text`: options of the transformer `text` with `mode: patterns`. */
  options?: RawOptions | undefined;
}

export interface PartRule {
  kind: string;
  /** Needed where the kind has no usual one. */
  domain?: string | undefined;
  readonly [option: string]: unknown;
}

export interface RuleSettings {
  key: PseudonymKey;
  /** Domains of kinds, for parts that name none; those of columns by default. */
  domains?: Readonly<Record<string, string>> | undefined;
}

/** A rule that is ready to be used. */
export interface ReadyRule {
  readonly pattern: PathPattern;
  readonly content: FileContent;
  readonly type: FileType | 'auto';
  readonly reason: string | undefined;
  /** Segments of the name in the copy. @throws HoldfastError `config`, which does not tell the name */
  target(path: ByteText): ByteText[];
  /** Rewrites a text; only where `content` is `text`. */
  readonly rewrite: ((text: string) => string) | undefined;
}

/** How a rule is called in messages. */
export function ruleName(index: number, path: string): string {
  return `rule ${index + 1} (${path})`;
}

const longestName = 255;
/** Of texts: that of the e-mail columns, so that an address in a text is the one of its column. */
const textDomain = 'email';
const subjectDomain = 'person';
const nameDomain = 'file-name';

/** Endings that stay at what a wildcard stands for: they tell a type and no person. */
const endings = new Set(
  `7z aac avi bak bmp bz2 css csv dat db doc docm docx dot dotx eml epub flac gif gpg gz heic heif htm html ico ics ini jpeg
  jpg js json jsonl key log m4a m4v md mkv mov mp3 mp4 mpeg mpg msg odg odp ods odt ogg p7m p7s pdf pem pgp png pps ppt pptm
  pptx ps rar rtf sig sql svg tar tbz tgz tif tiff toml tsv txt vcf wav webm webp wma wmv xhtml xls xlsm xlsx xml xz yaml
  yml zip zst`.split(/\s+/),
);

/**
 * Makes rules ready.
 *
 * @throws HoldfastError `config` when one is wrong
 */
export function readyRules(rules: readonly TreeRule[], settings: RuleSettings): ReadyRule[] {
  if (rules.length === 0)
    throw new HoldfastError('config', 'There are no rules for the files.', {
      why: 'A file that no rule fits is never copied.',
      hint: 'Name at least one, e.g. `path: "**"` with `content: placeholder`.',
    });
  const wildcard = wildcardNames(settings.key);
  return rules.map((rule, index) => ready(rule, ruleName(index, rule.path), settings, wildcard));
}

function ready(rule: TreeRule, name: string, settings: RuleSettings, wildcard: WildcardNames): ReadyRule {
  const wrong = (why: string, hint?: string) =>
    new HoldfastError('config', `The file ${name} is wrong.`, { why, ...(hint !== undefined && { hint }) });
  const pattern = new PathPattern(rule.path);
  const { content, type = 'auto', names = 'pseudonym', reason, parts = {} } = rule;
  if (!fileContents.includes(content)) throw wrong(`\`content\` must be one of ${fileContents.join(', ')}.`);
  const keptParts = Object.values(parts).some(({ kind }) => kind === 'keep');
  if (
    (content === 'keep' || (content !== 'drop' && names === 'keep' && pattern.hasWildcards) || keptParts) &&
    !reason?.trim()
  )
    throw wrong('What stays as it is needs a `reason`.', 'Say why neither content nor names tell of a person.');
  if (type !== 'auto' && content !== 'placeholder') throw wrong('`type` goes with `content: placeholder` only.');
  if ((rule.domain !== undefined || rule.options !== undefined) && content !== 'text')
    throw wrong('`domain` and `options` go with `content: text` only.');
  const spare = Object.keys(parts).find((part) => !pattern.parts.includes(part));
  if (spare !== undefined) throw wrong(`Its path has no part {${spare}}.`);
  const missing = pattern.parts.find((part) => !Object.hasOwn(parts, part));
  if (missing !== undefined && content !== 'drop')
    throw wrong(`It does not say what becomes of {${missing}}.`, `Add \`${missing}: {kind: …}\` to its \`parts\`.`);
  const rewriteNames = content === 'drop' ? undefined : partNames(pattern, parts, name, settings);
  return {
    pattern,
    content,
    type,
    reason: reason?.trim(),
    rewrite: content === 'text' ? textRewrite(rule, name, settings.key) : undefined,
    target(path) {
      const values = new Map<string, ByteText>();
      pattern.rewrite(path, {
        part: (part, value) => {
          values.set(part, value);
          return '';
        },
        wildcard: () => '',
      });
      const made = rewriteNames?.(values);
      const segments = pattern.rewrite(path, {
        part: (part) => made!.get(part)!,
        wildcard: (value, ends) => (names === 'keep' ? value : wildcard(value, ends)),
      })!;
      for (const segment of segments) {
        if (
          segment === '' ||
          segment === '.' ||
          segment === '..' ||
          /[/\0]/.test(segment) ||
          segment.length > longestName
        )
          throw new HoldfastError('config', `The file ${name} makes a name that no file can have.`, {
            why: `A name has 1 to ${longestName} bytes and no slash.`,
            hint: 'Choose other kinds for its parts, e.g. `token` or `code`.',
          });
      }
      return segments;
    },
  };
}

/** Rewrites the values of the parts of one path, each as the column would be that holds it. */
function partNames(
  pattern: PathPattern,
  parts: Readonly<Record<string, PartRule>>,
  name: string,
  { key, domains = defaultDomains }: RuleSettings,
): (values: ReadonlyMap<string, ByteText>) => Map<string, ByteText> {
  const steps = pattern.parts.map((part) => {
    const what = `part {${part}} of the file ${name}`;
    const { domain, ...rule } = parts[part]!;
    const transformer = makeTransformer(rule);
    const needsRows = transformer.whole !== undefined || transformer.expression !== undefined;
    const others = transformer.companions.map(({ column, value }) => {
      if (value === 'original' && pattern.parts.includes(column)) return column;
      throw new HoldfastError('config', `The ${what} cannot have the kind \`${rule.kind}\`.`, {
        why: 'It looks at another column of a row, and a path has only its own parts.',
      });
    });
    if (needsRows)
      throw new HoldfastError('config', `The ${what} cannot have the kind \`${rule.kind}\`.`, {
        why: 'It needs all rows of a table.',
      });
    const found = domain ?? (others.length > 0 ? subjectDomain : usualDomain(rule.kind, domains));
    if (found === undefined)
      throw new HoldfastError('config', `The ${what} names no domain.`, {
        why: 'Without one, no column would agree with it.',
        hint: 'Add `domain`: that of the column that holds the same values.',
      });
    const column: ColumnFacts = { name: `the ${what}`, type: 'text', nullable: false, unique: false };
    transformer.guarantee(column);
    const run: Run = transformer.prepare({ key: key.domain(found), column });
    return { part, run, others, what };
  });
  return (values) => {
    const made = new Map<string, ByteText>();
    const texts = new Map([...values].map(([part, bytes]) => [part, Buffer.from(bytes, 'latin1')]));
    for (const { part, run, others, what } of steps) {
      const cell = (of: string): Cell => {
        const bytes = texts.get(of)!;
        if (isUtf8(bytes)) return bytes.toString('utf8');
        throw new HoldfastError('config', `The ${what} stands for bytes that are not UTF-8.`, {
          hint: 'Let a `*` stand in its place: it takes any bytes.',
        });
      };
      const out: Cell[] = [null];
      run(
        [cell(part)],
        out,
        others.map((other) => [cell(other)]),
      );
      if (!out[0])
        throw new HoldfastError('config', `The ${what} has become nothing.`, {
          hint: 'Choose a kind that makes a name, e.g. `token` or `code`.',
        });
      made.set(part, byteText(out[0]));
    }
    return made;
  };
}

function usualDomain(kind: string, domains: Readonly<Record<string, string>>): string | undefined {
  return isRuleKind(kind) && Object.hasOwn(domains, kind) ? domains[kind] : kind === 'keep' ? 'none' : undefined;
}

type WildcardNames = (value: ByteText, ends: boolean) => ByteText;

/** 80 bits: a collision is refused, and there is none among less than millions of names in one directory. */
const nameCharacters = 16;

/** Names from bytes, whatever they are: 16 base32 characters, and the ending where it is a well-known one. */
function wildcardNames(key: PseudonymKey): WildcardNames {
  const prf = new Prf(key.domain(nameDomain).subkey('name'));
  return (value, ends) => {
    if (value === '') return '';
    const kept = ends ? knownEnding(value) : '';
    // Without the ending: report.pdf and report.xml stay together.
    const bytes = prf.one(Buffer.from(value.slice(0, value.length - kept.length), 'latin1'));
    let name = '';
    let bits = bytes.readBigUInt64BE(0) | (BigInt(bytes.readUInt32BE(8)) << 64n);
    for (let k = 0; k < nameCharacters; k++, bits >>= 5n) name += base32[Number(bits & 31n)]!;
    return name + kept;
  };
}

/** `.pdf`, `.tar.gz`, or nothing. Never the whole name. */
function knownEnding(value: ByteText): string {
  let from = value.length;
  for (let count = 0; count < 2; count++) {
    const dot = value.lastIndexOf('.', from - 1);
    if (dot <= 0 || !endings.has(value.slice(dot + 1, from).toLowerCase())) break;
    from = dot;
  }
  return value.slice(from);
}

function textRewrite({ domain, options }: TreeRule, name: string, key: PseudonymKey): (text: string) => string {
  const transformer = makeTransformer({ ...options, kind: 'text', mode: 'patterns' });
  if (transformer.companions.length > 0)
    throw new HoldfastError('config', `The file ${name} is wrong.`, {
      why: 'A file has no columns to name in `known`.',
    });
  const column: ColumnFacts = { name: `a file of ${name}`, type: 'text', nullable: false, unique: false };
  const run = transformer.prepare({ key: key.domain(domain ?? textDomain), column });
  return (text) => {
    const out: Cell[] = [null];
    try {
      run([text], out, []);
    } catch (error) {
      if (isHoldfastError(error)) throw error;
      throw new HoldfastError('config', `A text of the file ${name} cannot be rewritten.`, { cause: error });
    }
    return out[0] ?? '';
  };
}
