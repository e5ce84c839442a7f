import { HoldfastError } from '../../base/errors.ts';
import { type ByteText, byteText } from './byte-text.ts';

/**
 * Patterns as in a `.gitignore` at the root of the tree: `*`, `?`, `[a-z]`, `**`, a leading or inner `/` ties a pattern to the
 * root, a trailing one to directories, `!` takes names in again, the last pattern that matches decides. What lies in an excluded directory stays
 * out. Git's own library for this works on text; names here are bytes.
 */
export class Excludes {
  readonly #rules: { expression: RegExp; directoriesOnly: boolean; exclude: boolean }[] = [];

  /** @throws HoldfastError `config` for a pattern that means nothing */
  constructor(patterns: readonly string[]) {
    for (const pattern of patterns) {
      const rule = parse(pattern);
      if (rule !== undefined) this.#rules.push(rule);
    }
  }

  /** Whether an entry is left out; what lies above it has been asked about already. */
  excludes(path: ByteText, isDirectory: boolean): boolean {
    for (let i = this.#rules.length - 1; i >= 0; i--) {
      const { expression, directoriesOnly, exclude } = this.#rules[i]!;
      if ((isDirectory || !directoriesOnly) && expression.test(path)) return exclude;
    }
    return false;
  }
}

function parse(pattern: string): { expression: RegExp; directoriesOnly: boolean; exclude: boolean } | undefined {
  // Blank lines and comments, as people copy them from a .gitignore.
  if (pattern.trim() === '' || pattern.startsWith('#')) return undefined;
  let rest = byteText(pattern.replace(/(?<!\\)[ \t]+$/, ''));
  const exclude = !rest.startsWith('!');
  if (!exclude) rest = rest.slice(1);
  const directoriesOnly = rest.endsWith('/');
  if (directoriesOnly) rest = rest.replace(/\/+$/, '');
  const tied = rest.includes('/');
  rest = rest.replace(/^\/+/, '');
  if (rest === '') throw invalid(pattern, 'it names nothing');
  const prefix = tied ? '^' : '^(?:.*/)?';
  return { expression: new RegExp(prefix + translate(rest, pattern) + '$', 's'), directoriesOnly, exclude };
}

/** One character of UTF-8, or a byte that is none; never a slash. */
const anyCharacter = '(?:[\\xc2-\\xdf][\\x80-\\xbf]|[\\xe0-\\xef][\\x80-\\xbf]{2}|[\\xf0-\\xf4][\\x80-\\xbf]{3}|[^/])';

function translate(glob: ByteText, pattern: string): string {
  let out = '';
  for (let at = 0; at < glob.length; ) {
    const character = glob[at]!;
    if (glob.startsWith('**/', at) && (at === 0 || glob[at - 1] === '/')) {
      out += '(?:[^/]+/)*';
      at += 3;
    } else if (glob.slice(at) === '**' && (at === 0 || glob[at - 1] === '/')) {
      out += '.+';
      at += 2;
    } else if (character === '*') {
      while (glob[at] === '*') at++;
      out += '[^/]*';
    } else if (character === '?') {
      out += anyCharacter;
      at++;
    } else if (character === '[') {
      const { expression, end } = characterClass(glob, at, pattern);
      out += expression;
      at = end;
    } else {
      const escapes = character === '\\';
      if (escapes && at + 1 === glob.length) throw invalid(pattern, 'it ends in a lone backslash');
      out += literal(escapes ? glob[at + 1]! : character);
      at += escapes ? 2 : 1;
    }
  }
  return out;
}

function characterClass(glob: ByteText, start: number, pattern: string): { expression: string; end: number } {
  let at = start + 1;
  const negated = glob[at] === '!' || glob[at] === '^';
  if (negated) at++;
  let members = '';
  // A `]` that comes first is a member.
  for (let first = true; first || glob[at] !== ']'; first = false) {
    if (at >= glob.length) throw invalid(pattern, 'its [ is never closed');
    if (glob[at] === '\\') at++;
    const low = glob[at++];
    if (low === undefined) throw invalid(pattern, 'its [ is never closed');
    if (low > '\x7f') throw invalid(pattern, 'a [ ] may hold ASCII characters only');
    const ranges = glob[at] === '-' && glob[at + 1] !== ']' && glob[at + 1] !== undefined;
    const high = ranges ? glob[at + 1]! : low;
    if (ranges) at += 2;
    if (high < low || high > '\x7f') throw invalid(pattern, 'a range in its [ ] is not in order');
    members += `${literal(low)}-${literal(high)}`;
  }
  const expression = negated ? `(?![${members}/])${anyCharacter}` : `(?!/)[${members}]`;
  return { expression, end: at + 1 };
}

function literal(byte: string): string {
  return /[a-zA-Z0-9_/]/.test(byte) ? byte : `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

function invalid(pattern: string, why: string): HoldfastError {
  return new HoldfastError('config', `The exclude pattern ${JSON.stringify(pattern)} means nothing.`, {
    why: `${why[0]!.toUpperCase()}${why.slice(1)}.`,
    hint: 'Patterns are written as in a .gitignore.',
  });
}
