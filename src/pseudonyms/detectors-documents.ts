/** Documents in a column: JSON, hstore, arrays, composites. Each path is judged as a column of its own. */
import { type ColumnContext, judge, type TypeClass, type Verdict } from './detectors.ts';
import { givenNames, plainWord } from './detectors-dictionary.ts';
import { summarize } from './detectors-summary.ts';
import { holdsPersonal, signsOf } from './detectors-values.ts';

/** One path of the documents of a column: `$.patient.contacts[].mail`. */
export interface PathFinding {
  path: string;
  verdict: Verdict;
}

export interface DocumentFindings {
  /** In the order of the alphabet. */
  paths: PathFinding[];
  /** Documents that were walked. */
  walked: number;
  /** Texts that are no document, or were cut because they are long. */
  unread: number;
}

interface Leaf {
  values: (string | null)[];
  numbers: number;
  texts: number;
  booleans: number;
}

const deepest = 12;
/** More different keys than this at one place are data, not a schema. */
const mostKeys = 40;
const mostValues = 2000;

/** A key that a programmer wrote; everything else may be a value in the place of a key. */
function isSchemaKey(key: string): boolean {
  if (!/^[A-Za-z_$][\w$ -]{0,39}$/.test(key) || /\d{4,}|^[0-9a-f-]{16,}$/i.test(key)) return false;
  if (holdsPersonal(key)) return false;
  const [first = '', ...rest] = plainWord(key).split(/[ _-]/);
  return !(/^\p{Lu}/u.test(key) && givenNames.has(first) && rest.length <= 2);
}

/** Walks documents and judges every path. @param texts one document each, as JSON or hstore writes it */
export function judgeDocuments(
  texts: Iterable<string | null>,
  { subject, name }: Pick<ColumnContext, 'subject' | 'name'>,
): DocumentFindings {
  const documents: unknown[] = [];
  let unread = 0;
  for (const text of texts) {
    if (text === null || text === '') continue;
    const document = parseDocument(text);
    if (document === undefined) unread++;
    else documents.push(document);
  }
  const open = keysOf(documents);
  const leaves = new Map<string, Leaf>();
  for (const document of documents) walk(document, '$', 0, open, (path, value) => note(leaves, path, value));
  const paths = [...leaves]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, leaf]) => ({ path, verdict: judgeLeaf(path, leaf, { subject, name }, leaves) }));
  return { paths, walked: documents.length, unread };
}

function judgeLeaf(
  path: string,
  leaf: Leaf,
  { subject, name }: Pick<ColumnContext, 'subject' | 'name'>,
  all: ReadonlyMap<string, Leaf>,
): Verdict {
  const steps = path.split('.');
  const own = steps.at(-1)!.replaceAll('[]', '');
  const parent = steps.at(-2)?.replaceAll('[]', '') ?? '';
  const siblings = [...all.keys()].filter((other) => other.startsWith(`${steps.slice(0, -1).join('.')}.`));
  const person = siblings.some((other) => /(?:^|\.)(?:prenom|first_?name|last_?name|given_?name|e?mail)$/i.test(other));
  const type: TypeClass =
    leaf.texts > 0 ? 'text' : leaf.numbers > 0 ? 'number' : leaf.booleans > 0 ? 'boolean' : 'other';
  const context: ColumnContext = {
    // A list or `*` is called after what holds it.
    name: own === '$' ? name : own === '*' ? parent.replace('$', name) : own,
    type,
    subject: person ? 'person' : subject === 'reference' ? 'reference' : 'unknown',
  };
  return judge(context, summarize(leaf.values));
}

function note(leaves: Map<string, Leaf>, path: string, value: unknown): void {
  let leaf = leaves.get(path);
  if (!leaf) {
    leaf = { values: [], numbers: 0, texts: 0, booleans: 0 };
    leaves.set(path, leaf);
  }
  if (typeof value === 'string') leaf.texts++;
  else if (typeof value === 'number') leaf.numbers++;
  else if (typeof value === 'boolean') leaf.booleans++;
  if (value !== null && leaf.values.length < mostValues) leaf.values.push(String(value));
}

/** For each place the keys that are written out; the others are `*`. */
function keysOf(documents: readonly unknown[]): ReadonlyMap<string, ReadonlySet<string>> {
  const seen = new Map<string, Map<string, number>>();
  const count = (value: unknown, path: string, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > deepest) return;
    if (Array.isArray(value)) {
      for (const item of value) count(item, `${path}[]`, depth + 1);
      return;
    }
    const keys = seen.get(path) ?? new Map<string, number>();
    seen.set(path, keys);
    for (const [key, inner] of Object.entries(value)) {
      keys.set(key, (keys.get(key) ?? 0) + 1);
      count(inner, `${path}.${isSchemaKey(key) ? key : '*'}`, depth + 1);
    }
  };
  for (const document of documents) count(document, '$', 0);
  return new Map(
    [...seen].map(([path, keys]) => {
      const schema = [...keys].filter(([key]) => isSchemaKey(key)).map(([key]) => key);
      return [path, new Set(schema.length > mostKeys ? [] : schema)] as const;
    }),
  );
}

function walk(
  value: unknown,
  path: string,
  depth: number,
  open: ReadonlyMap<string, ReadonlySet<string>>,
  leaf: (path: string, value: unknown) => void,
): void {
  if (typeof value !== 'object' || value === null || depth > deepest) {
    leaf(path, depth > deepest ? JSON.stringify(value) : value);
    return;
  }
  if (Array.isArray(value)) {
    for (const item of value) walk(item, `${path}[]`, depth + 1, open, leaf);
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    const known = open.get(path)?.has(key) === true;
    // A key that is data is looked at like a value.
    if (!known && signsOf(key).length > 0) leaf(`${path}.*`, key);
    walk(inner, `${path}.${known ? key : '*'}`, depth + 1, open, leaf);
  }
}

/** JSON, else hstore; undefined for what is neither. */
export function parseDocument(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return parseHstore(text);
  }
}

function parseHstore(text: string): Record<string, string | null> | undefined {
  const pair = /\s*"((?:[^"\\]|\\.)*)"=>(?:"((?:[^"\\]|\\.)*)"|NULL)(?:,|\s*$)/y;
  const found: Record<string, string | null> = Object.create(null);
  while (pair.lastIndex < text.length) {
    const match = pair.exec(text);
    if (!match) return undefined;
    const plain = (quoted: string) => quoted.replace(/\\(.)/g, '$1');
    found[plain(match[1]!)] = match[2] === undefined ? null : plain(match[2]);
  }
  return found;
}
