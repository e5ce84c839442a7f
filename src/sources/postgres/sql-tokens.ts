/** Splits SQL as pg_dump writes it into tokens, so that a name is never looked for inside a string, a body or a comment. */
export interface SqlToken {
  /** `word`: keyword or plain name; `quoted`: a name in double quotes; `text`: a string; `symbol`: one character. */
  kind: 'word' | 'quoted' | 'text' | 'symbol';
  /** Place in the SQL, end exclusive. */
  start: number;
  end: number;
  /** How many parentheses and brackets are open around it. */
  depth: number;
}

/** Names may hold bytes of any encoding: SQL is read as Latin-1, where each is one character. */
const wordStart = /[A-Za-z_\x80-\xff]/;
const word = /[A-Za-z0-9_$\x80-\xff]*/y;
const number = /[0-9][0-9A-Za-z_.]*/y;
const dollar = /\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$/y;

/**
 * @param sql as Latin-1, written with `standard_conforming_strings` on
 * @returns undefined when a quote, comment or parenthesis does not end
 */
export function sqlTokens(sql: string): SqlToken[] | undefined {
  const tokens: SqlToken[] = [];
  let depth = 0;
  let at = 0;
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    return pattern.exec(sql)?.[0];
  };
  while (at < sql.length) {
    const character = sql[at]!;
    let kind: SqlToken['kind'] = 'symbol';
    let end = at + 1;
    if (/\s/.test(character)) {
      at++;
      continue;
    }
    if (sql.startsWith('--', at)) {
      const newline = sql.indexOf('\n', at);
      at = newline < 0 ? sql.length : newline;
      continue;
    }
    if (sql.startsWith('/*', at)) {
      at = commentEnd(sql, at);
      if (at < 0) return undefined;
      continue;
    }
    if (character === '"' || character === "'") {
      kind = character === '"' ? 'quoted' : 'text';
      end = quoteEnd(sql, at, false);
    } else if (/[eE]/.test(character) && sql[at + 1] === "'") {
      kind = 'text';
      end = quoteEnd(sql, at + 1, true);
    } else if (wordStart.test(character)) {
      kind = 'word';
      end = at + match(word)!.length;
    } else if (/[0-9]/.test(character)) {
      kind = 'text';
      end = at + match(number)!.length;
    } else if (character === '$') {
      const tag = match(dollar);
      if (tag !== undefined) {
        kind = 'text';
        const close = sql.indexOf(tag, at + tag.length);
        end = close < 0 ? -1 : close + tag.length;
      }
    }
    if (end < 0) return undefined;
    if (kind === 'symbol' && (character === ')' || character === ']')) depth--;
    if (depth < 0) return undefined;
    tokens.push({ kind, start: at, end, depth });
    if (kind === 'symbol' && (character === '(' || character === '[')) depth++;
    at = end;
  }
  return depth === 0 ? tokens : undefined;
}

/** @param at of the opening quote @returns behind the closing one, or -1 */
function quoteEnd(sql: string, at: number, backslashes: boolean): number {
  const quote = sql[at]!;
  for (let i = at + 1; i < sql.length; i++) {
    if (backslashes && sql[i] === '\\') i++;
    else if (sql[i] === quote) {
      if (sql[i + 1] !== quote) return i + 1;
      i++;
    }
  }
  return -1;
}

/** Comments may hold comments. @returns behind it, or -1 */
function commentEnd(sql: string, at: number): number {
  let depth = 0;
  for (let i = at; i < sql.length - 1; i++) {
    const two = sql.slice(i, i + 2);
    if (two === '/*') depth++;
    else if (two === '*/') depth--;
    else continue;
    i++;
    if (depth === 0) return i + 1;
  }
  return -1;
}

/** The name that a token of kind `word` or `quoted` stands for, as Latin-1; plain names are folded as the server does. */
export function nameOf(sql: string, token: SqlToken): string {
  const text = sql.slice(token.start, token.end);
  if (token.kind === 'quoted') return text.slice(1, -1).replaceAll('""', '"');
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Whether a token is this keyword. A name in quotes is none. */
export function isKeyword(sql: string, token: SqlToken | undefined, keyword: string): boolean {
  return token?.kind === 'word' && sql.slice(token.start, token.end).toUpperCase() === keyword;
}
