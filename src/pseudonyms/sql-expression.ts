/** SQL expressions of rules: what can be told of them without a server. */
import { type SqlToken, sqlTokens } from '../sources/postgres/sql-tokens.ts';

/** Would read other rows, or make more or fewer of them. */
const queries = new Set(['select', 'values', 'table', 'with', 'over', 'filter', 'within', 'distinct']);
/** Another answer each time, so that two copies would differ. */
const momentary = new Set([
  'current_date',
  'current_time',
  'current_timestamp',
  'localtime',
  'localtimestamp',
  'now',
  'transaction_timestamp',
  'statement_timestamp',
  'clock_timestamp',
  'timeofday',
  'random',
  'random_normal',
  'gen_random_uuid',
  'uuid_generate_v4',
  'nextval',
  'currval',
  'lastval',
  'setval',
  'txid_current',
  'pg_current_xact_id',
]);

/** A function that an expression calls. */
export interface CalledFunction {
  /** Empty when it was not written. */
  schema: string;
  name: string;
}

/**
 * @returns what is wrong with the expression, in one sentence; undefined when it is a single one that reads its own row
 */
export function expressionProblem(expression: string): string | undefined {
  const read = tokensOf(expression);
  if (read === undefined) return 'A quote or a parenthesis does not end.';
  const { text, tokens } = read;
  if (tokens.length === 0) return 'It is empty.';
  let end = 0;
  for (const token of [...tokens, { start: text.length, end: text.length }]) {
    // Behind a comment the rest of the statement would be one too.
    if (text.slice(end, token.start).trim() !== '') return 'It holds a comment.';
    end = token.end;
  }
  for (const token of tokens) {
    const word = text.slice(token.start, token.end).toLowerCase();
    if (token.kind === 'symbol' && (word === ';' || (word === ',' && token.depth === 0)))
      return 'It is more than one expression.';
    if (token.kind === 'symbol' && word === '$') return 'It has a parameter.';
    if (token.kind === 'word' && queries.has(word)) return `\`${word}\` would look beyond the row.`;
    if (token.kind === 'word' && momentary.has(word)) return `\`${word}\` gives another answer each time.`;
  }
  return undefined;
}

/** Names in front of a parenthesis; keywords that take one are among them. */
export function calledFunctions(expression: string): CalledFunction[] {
  const { text, tokens } = tokensOf(expression) ?? { text: '', tokens: [] };
  const part = (token: SqlToken | undefined): string | undefined => {
    const written = token && utf8(text.slice(token.start, token.end));
    if (token?.kind === 'word') return written!.toLowerCase();
    return token?.kind === 'quoted' ? written!.slice(1, -1).replaceAll('""', '"') : undefined;
  };
  return tokens.flatMap((token, at): CalledFunction[] => {
    const name = part(token);
    const next = tokens[at + 1];
    if (name === undefined || next === undefined || text[next.start] !== '(' || next.kind !== 'symbol') return [];
    const before = tokens[at - 1];
    const qualified = before !== undefined && text.slice(before.start, before.end) === '.';
    return [{ schema: (qualified ? part(tokens[at - 2]) : undefined) ?? '', name }];
  });
}

/** The tokens are read as Latin-1, where each byte is a character. */
function tokensOf(expression: string): { text: string; tokens: SqlToken[] } | undefined {
  const text = Buffer.from(expression, 'utf8').toString('latin1');
  const tokens = sqlTokens(text);
  return tokens && { text, tokens };
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}
