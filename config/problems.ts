/** What is wrong with a configuration, all of it at once. */
import { HoldfastError } from '../src/base/errors.ts';

/** One thing to mend. JSON can carry it; nothing in it quotes a value of the file. */
export interface ConfigProblem {
  /** The file, as it was named. */
  file: string;
  /** Both from 1; the column counts UTF-16 units. */
  line: number;
  column: number;
  /** Where in the configuration: `sources[1].exclude.tables[0]`; empty for the file as a whole. */
  path: string;
  /** What was expected and, where it helps, what was found. */
  message: string;
}

/** `code` is `config`; `why` holds every problem on a line of its own. */
export class ConfigError extends HoldfastError {
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super('config', `The configuration ${file} has ${count}.`, {
      why: problems.map(formatProblem).join('\n'),
      hint: 'docs/config.md describes every key; nothing was done.',
    });
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** `holdfast.yaml:12:5: sources[0].path: is missing; …`, as editors and terminals find it. */
export function formatProblem({ file, line, column, path, message }: ConfigProblem): string {
  return `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;
}

/** A key or index on the way to a value. */
export type PathSegment = string | number;

/** A problem before it has a position. */
export interface Finding {
  path: readonly PathSegment[];
  /** Whether it is about the key at `path` or about its value (the default). */
  at?: 'key' | 'value';
  message: string;
}

const secretKey = /AGE-SECRET-KEY-|HOLDFAST-SIGNING-KEY-/i;

/** Whether the text holds a secret key of a party. */
export function holdsSecretKey(text: string): boolean {
  return secretKey.test(text);
}

/**
 * Whether a key of the file can be shown. What was pasted in the wrong place may be a password or a URL with one: only
 * what looks like a key or a name is shown, and below a secret nothing that is not known.
 */
export function isShowable(segment: string, above: readonly PathSegment[] = []): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_.-]{0,39}$/.test(segment) || holdsSecretKey(segment)) return false;
  return !above.some((key) => key === 'password' || key === 'identity');
}

/** `['sources', 1, 'path']` → `sources[1].path`; what cannot be shown becomes `…`. */
export function formatPath(path: readonly PathSegment[]): string {
  let text = '';
  for (const [index, segment] of path.entries()) {
    if (typeof segment === 'number') text += `[${segment}]`;
    else text += `${text === '' ? '' : '.'}${isShown(segment, path.slice(0, index)) ? segment : '…'}`;
  }
  return text;
}

const secretKinds = new Set(['env', 'file', 'command', 'credential']);

function isShown(segment: string, above: readonly PathSegment[]): boolean {
  return secretKinds.has(segment) || isShowable(segment, above);
}
