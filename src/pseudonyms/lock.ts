/** The lock file: what becomes of every column and definition, as people reviewed it. */
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import { type DefinitionRule, definitionRules, isRuleKind, type RuleKind } from './classification-kinds.ts';

export const lockVersion = 1;

/** What becomes of a value. */
export interface Rule {
  kind: RuleKind;
  /** What the kind wants to know beside: `length: 3`. Checked by the transformer. */
  options: Readonly<Record<string, unknown>>;
  /** Where pseudonyms are alike; the column's own when undefined. */
  domain?: string;
}

export interface ColumnEntry {
  rule: Rule;
  /** Why it may stay as it is; of `keep` only. */
  reason?: string;
  /** Type, nullability and keys when it was reviewed. */
  type: string;
  /** Rules of the paths of documents; a path that is not there is new. */
  paths?: ReadonlyMap<string, Rule>;
  /** What a scan concluded it from. */
  proposed?: string;
  /** A person has yet to look at it; until then it counts as unclassified. */
  review: boolean;
}

export interface DefinitionEntry {
  rule: DefinitionRule;
  reason?: string;
  fingerprint: string;
  proposed?: string;
  review: boolean;
}

/** A foreign key that the database does not know of. */
export interface Link {
  table: string;
  columns: string[];
  parent: string;
  parentColumns: string[];
}

/** Words that a search for leaks may find at a place, because a person knows what they are there. */
export interface Tolerated {
  /** As a report names it: `app.documents.body`, `view app.totals`. */
  place: string;
  /** Addresses and numbers (identifiers) are nobody's ordinary words: they are never tolerated. */
  what: 'word' | 'phrase';
  reason: string;
}

/** Tables are named as in the catalog: `app.people`, parts in double quotes where they need it. */
export interface Lock {
  source: string;
  tables: ReadonlyMap<string, ReadonlyMap<string, ColumnEntry>>;
  definitions: ReadonlyMap<string, DefinitionEntry>;
  links: readonly Link[];
  tolerated?: readonly Tolerated[];
  /** SHA-256 of the file it was read from, hex. */
  sha256?: string;
}

export interface LockProblem {
  /** From 1. */
  line: number;
  /** `tables › app.people › email › rule`. */
  path: string;
  message: string;
}

export function emptyLock(source: string): Lock {
  return { source, tables: new Map(), definitions: new Map(), links: [] };
}

/** Reads a lock file. Every problem is told at once; with one there is no lock. Never throws for what the text holds. */
export function parseLock(text: string): { lock: Lock } | { problems: LockProblem[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    schema: 'core',
    merge: false,
    stringKeys: true,
    prettyErrors: false,
    resolveKnownTags: false,
  });
  const reader = new Reader((offset) => Math.max(1, lines.linePos(offset).line));
  for (const { code, pos } of document.errors) {
    reader.problem(pos[0], [], code === 'DUPLICATE_KEY' ? 'this key is here twice' : 'the YAML is malformed');
  }
  if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY')) return { problems: reader.problems };
  const lock = reader.lock(document.contents);
  return reader.problems.length > 0 ? { problems: reader.problems } : { lock };
}

class Reader {
  readonly problems: LockProblem[] = [];
  readonly #lineAt: (offset: number) => number;

  constructor(lineAt: (offset: number) => number) {
    this.#lineAt = lineAt;
  }

  problem(at: Node | number | null | undefined, path: readonly string[], message: string): undefined {
    const offset = typeof at === 'number' ? at : (at?.range?.[0] ?? 0);
    this.problems.push({ line: this.#lineAt(offset), path: path.join(' › '), message });
    return undefined;
  }

  lock(node: unknown): Lock {
    const top = this.#mapping(node, [], ['version', 'source', 'tables', 'definitions', 'links', 'tolerated']);
    const version = scalarOf(top.get('version'));
    if (version !== lockVersion) this.problem(top.at('version'), ['version'], `expected ${lockVersion}`);
    const source = this.#text(top, 'source', []) ?? '';
    const tables = new Map<string, Map<string, ColumnEntry>>();
    for (const [table, inner] of this.#entries(top.get('tables'), ['tables'])) {
      const columns = new Map<string, ColumnEntry>();
      for (const [column, entry] of this.#entries(inner, ['tables', table])) {
        const read = this.#column(entry, ['tables', table, column]);
        if (read) columns.set(column, read);
      }
      tables.set(table, columns);
    }
    const definitions = new Map<string, DefinitionEntry>();
    for (const [id, entry] of this.#entries(top.get('definitions'), ['definitions'])) {
      const read = this.#definition(entry, ['definitions', id]);
      if (read) definitions.set(id, read);
    }
    const tolerated = this.#tolerated(top.get('tolerated'));
    const links = this.#links(top.get('links'));
    return { source, tables, definitions, links, ...(tolerated.length > 0 && { tolerated }) };
  }

  #column(node: unknown, path: string[]): ColumnEntry | undefined {
    const entry = this.#mapping(node, path, ['rule', 'domain', 'reason', 'type', 'paths', 'proposed', 'review']);
    const kind = this.#rule(entry.get('rule'), entry.at('rule'), [...path, 'rule']);
    const type = this.#text(entry, 'type', path);
    const domain = this.#text(entry, 'domain', path, false);
    const reason = this.#text(entry, 'reason', path, false);
    const proposed = this.#text(entry, 'proposed', path, false);
    const review = this.#review(entry, path);
    if (kind?.kind === 'keep' && reason === undefined) {
      this.problem(entry.at('rule'), path, 'what is kept needs a `reason`');
    }
    const paths = new Map<string, Rule>();
    for (const [at, rule] of this.#entries(entry.get('paths'), [...path, 'paths'])) {
      const read = this.#rule(rule, rule as Node, [...path, 'paths', at]);
      if (!at.startsWith('$'))
        this.problem(rule as Node, [...path, 'paths', at], 'expected a path such as $.contact.mail');
      if (read) paths.set(at, read);
    }
    if (!kind || type === undefined) return undefined;
    return {
      rule: { ...kind, ...(domain !== undefined && { domain }) },
      ...(reason !== undefined && { reason }),
      type,
      ...(entry.get('paths') !== undefined && { paths }),
      ...(proposed !== undefined && { proposed }),
      review,
    };
  }

  #definition(node: unknown, path: string[]): DefinitionEntry | undefined {
    const entry = this.#mapping(node, path, ['rule', 'reason', 'fingerprint', 'proposed', 'review']);
    const rule = this.#text(entry, 'rule', path);
    const fingerprint = this.#text(entry, 'fingerprint', path, false) ?? '';
    const reason = this.#text(entry, 'reason', path, false);
    const proposed = this.#text(entry, 'proposed', path, false);
    const review = this.#review(entry, path);
    if (rule === undefined) return undefined;
    const known = definitionRules.find((candidate) => candidate === rule);
    if (!known)
      return this.problem(entry.at('rule'), [...path, 'rule'], `expected one of ${definitionRules.join(', ')}`);
    if (known === 'keep' && reason === undefined) this.problem(entry.at('rule'), path, 'what is kept needs a `reason`');
    return {
      rule: known,
      ...(reason !== undefined && { reason }),
      fingerprint,
      ...(proposed !== undefined && { proposed }),
      review,
    };
  }

  /** A kind, or a mapping of `kind`, `domain` and options. */
  #rule(node: unknown, at: Node | undefined, path: string[]): Rule | undefined {
    const wrong = 'expected the name of a kind of rule, such as keep, email or text';
    if (isMap(node)) {
      const { kind: given, domain, ...options } = node.toJSON() as Record<string, unknown>;
      const kind = given === null ? sourceOf(node.get('kind', true)) : given;
      if (typeof kind !== 'string' || !isRuleKind(kind)) return this.problem(node, [...path, 'kind'], wrong);
      if (domain !== undefined && (typeof domain !== 'string' || domain === ''))
        return this.problem(node, [...path, 'domain'], 'expected a text');
      return { kind, options, ...(typeof domain === 'string' && { domain }) };
    }
    const value = scalarOf(node);
    const kind = value === null ? sourceOf(node) : value;
    if (typeof kind === 'string' && isRuleKind(kind)) return { kind, options: {} };
    return this.problem(at, path, wrong);
  }

  #review(entry: Fields, path: string[]): boolean {
    const node = entry.get('review');
    if (node === undefined) return false;
    if (scalarOf(node) !== 'needed')
      this.problem(entry.at('review'), [...path, 'review'], 'expected `needed`, or no such line');
    return true;
  }

  #links(node: unknown): Link[] {
    if (node === undefined || scalarOf(node) === null) return [];
    if (!isSeq(node)) {
      this.problem(node as Node, ['links'], 'expected a list');
      return [];
    }
    return node.items.flatMap((item, index) => {
      const path = ['links', String(index + 1)];
      const link = this.#mapping(item, path, ['table', 'columns', 'parent', 'parentColumns']);
      const table = this.#text(link, 'table', path);
      const parent = this.#text(link, 'parent', path);
      const columns = this.#texts(link, 'columns', path);
      const parentColumns = this.#texts(link, 'parentColumns', path);
      if (table === undefined || parent === undefined) return [];
      if (columns.length !== parentColumns.length) {
        this.problem(item as Node, path, 'expected as many `parentColumns` as `columns`');
      }
      return [{ table, columns, parent, parentColumns }];
    });
  }

  #tolerated(node: unknown): Tolerated[] {
    if (node === undefined || scalarOf(node) === null) return [];
    if (!isSeq(node)) {
      this.problem(node as Node, ['tolerated'], 'expected a list');
      return [];
    }
    return node.items.flatMap((item, index) => {
      const path = ['tolerated', String(index + 1)];
      const entry = this.#mapping(item, path, ['place', 'what', 'reason']);
      const place = this.#text(entry, 'place', path);
      const what = this.#text(entry, 'what', path);
      const reason = this.#text(entry, 'reason', path);
      if (place === undefined || what === undefined || reason === undefined) return [];
      if (what === 'word' || what === 'phrase') return [{ place, what, reason }];
      const why = what === 'identifier' ? 'an identifier is never tolerated: rule it' : 'expected word or phrase';
      this.problem(entry.at('what'), [...path, 'what'], why);
      return [];
    });
  }

  #texts(fields: Fields, key: string, path: string[]): string[] {
    const node = fields.get(key);
    const values: unknown[] = isSeq(node) ? node.items.map(scalarOf) : [];
    if (values.length > 0 && values.every((value) => typeof value === 'string')) return values;
    this.problem(fields.at(key), [...path, key], 'expected a list of columns');
    return [];
  }

  #text(fields: Fields, key: string, path: readonly string[], wanted = true): string | undefined {
    const node = fields.get(key);
    if (node === undefined && !wanted) return undefined;
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value === 'string' && value.trim() !== '') return value;
    // A fingerprint of digits alone, or a source called 7.
    if (typeof value === 'number' && isScalar(node) && node.source) return node.source;
    return this.problem(fields.at(key), [...path, key], node === undefined ? 'this is missing' : 'expected a text');
  }

  #entries(node: unknown, path: string[]): [string, unknown][] {
    if (node === undefined || scalarOf(node) === null) return [];
    if (isMap(node)) return node.items.map(({ key, value }) => [keyText(key), value ?? undefined]);
    this.problem(node as Node, path, 'expected a mapping');
    return [];
  }

  #mapping(node: unknown, path: string[], known: string[]): Fields {
    if (!isMap(node)) {
      this.problem(node as Node, path, 'expected a mapping');
      return { get: () => undefined, at: () => undefined };
    }
    for (const { key } of node.items) {
      if (!known.includes(keyText(key))) {
        this.problem(key as Node, [...path, keyText(key)], `there is no such key; known are ${known.join(', ')}`);
      }
    }
    return { get: (key) => node.get(key, true) ?? undefined, at: (key) => keyNode(node, key) };
  }
}

interface Fields {
  get(key: string): unknown;
  /** Where to point at for a key that is there or not. */
  at(key: string): Node | undefined;
}

function keyNode(map: YAMLMap, name: string): Node {
  return (map.items.find(({ key }) => keyText(key) === name)?.key ?? map) as Node;
}

function keyText(key: unknown): string {
  return isScalar(key) ? (key.source ?? String(key.value)) : String(key);
}

function scalarOf(node: unknown): unknown {
  return isScalar(node) ? node.value : undefined;
}

/** YAML reads the kind `null` as nothing; how it was written tells it from an empty line. */
function sourceOf(node: unknown): string | undefined {
  return isScalar(node) ? node.source : undefined;
}
