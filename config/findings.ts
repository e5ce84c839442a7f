/** What zod found, in words for the person who wrote the file. No value is ever quoted. */
import type { z } from 'zod';
import { type Finding, isShowable, type PathSegment } from './problems.ts';
import { keysAt, schemasAt, valueAt } from './schema-walk.ts';
import { didYouMean } from './suggestion.ts';

type Issue = z.core.$ZodIssue;

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys with values',
  record: 'keys with values',
};

/** Findings for each issue of `schema` on `value`. */
export function findingsOf(schema: z.ZodType, value: unknown, issues: readonly Issue[]): Finding[] {
  return issues.flatMap((issue) => findingsOfIssue({ schema, value }, issue, []));
}

interface Checked {
  schema: z.ZodType;
  value: unknown;
}

function findingsOfIssue(checked: Checked, issue: Issue, above: readonly PathSegment[]): Finding[] {
  const path = [...above, ...issue.path.map((segment) => (typeof segment === 'symbol' ? '' : segment))];
  const found = valueAt(checked.value, path);
  if (found === undefined && issue.code !== 'unrecognized_keys') return [missing(checked, issue, path)];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(checked, key, path));
    case 'invalid_key':
      return [{ path, at: 'key', message: issue.issues[0]?.message ?? 'expected another key' }];
    case 'invalid_type':
      return [
        {
          path,
          message: `expected ${kinds[issue.expected] ?? issue.expected}, found ${kindOf(found)}${advice(issue.expected, found)}`,
        },
      ];
    case 'invalid_value':
      return [{ path, message: `expected ${oneOf(issue.values)}${nearest(found, issue.values)}` }];
    case 'invalid_union':
      return union(checked, issue, path, found);
    default:
      return [{ path, message: issue.message }];
  }
}

function missing({ schema, value }: Checked, issue: Issue, path: readonly PathSegment[]): Finding {
  const [described] = schemasAt(schema, path, value) as z.ZodType[];
  const meaning = described?.meta?.()?.description?.replace(/(?<=\.) .*$/s, '');
  const form = issue.code === 'invalid_union' ? `; ${issue.message}` : '';
  return { path, message: `is missing${form}${meaning ? ` (${meaning.replace(/\.$/, '')})` : ''}` };
}

function unknownKey({ schema, value }: Checked, key: string, path: readonly PathSegment[]): Finding {
  const known = keysAt(schema, path, value);
  const meant = didYouMean(key, known);
  const list = known.length > 0 ? `known here: ${known.join(', ')}` : '';
  return {
    path: [...path, key],
    at: 'key',
    message: `unknown key${isShowable(key, path) ? ` \`${key}\`` : ''}; ${meant ?? list}`,
  };
}

/**
 * The problem of the member that was probably meant: one of the right kind (text, list, mapping) and, among
 * mappings, the one with the fewest problems. Where that is no single one, the union's own sentence.
 */
function union(
  checked: Checked,
  issue: z.core.$ZodIssueInvalidUnion,
  path: readonly PathSegment[],
  found: unknown,
): Finding[] {
  const fitting = issue.errors.filter(
    (issues) => !issues.some(({ code, path: { length } }) => isWrongKind(code) && length === 0),
  );
  const fewest = Math.min(...fitting.map(({ length }) => length));
  const [meant, ...others] = fitting.filter(({ length }) => length === fewest);
  if (meant && others.length === 0) return meant.flatMap((inner) => findingsOfIssue(checked, inner, path));
  const known = keysAt(checked.schema, path, checked.value);
  const typo =
    fitting.length > 0 && typeof found === 'object' && found !== null
      ? Object.keys(found)
          .filter((key) => !known.includes(key))
          .map((key) => didYouMean(key, known))[0]
      : undefined;
  return [{ path, message: `${issue.message}${typo ? `; ${typo}` : ''}` }];
}

function isWrongKind(code: Issue['code']): boolean {
  return code === 'invalid_type' || code === 'invalid_value';
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'keys with values';
  return (
    { string: 'a text', number: 'a number', boolean: 'true or false', bigint: 'a number' }[typeof value as string] ??
    'something else'
  );
}

function advice(expected: string, found: unknown): string {
  if (found === null) return '; leave the key out where it does not apply';
  if (expected === 'string' && (typeof found === 'number' || typeof found === 'boolean')) return '; put it in quotes';
  if (expected === 'boolean' && typeof found === 'string' && /^(yes|no|on|off)$/i.test(found)) {
    return '; YAML 1.2 knows `true` and `false` only';
  }
  return '';
}

function oneOf(values: readonly unknown[]): string {
  const all = values.map((value) => `\`${String(value)}\``);
  return all.length === 1 ? all[0]! : `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`;
}

function nearest(found: unknown, values: readonly unknown[]): string {
  const meant = typeof found === 'string' ? didYouMean(found, values.map(String)) : undefined;
  return meant ? `; ${meant}` : '';
}
