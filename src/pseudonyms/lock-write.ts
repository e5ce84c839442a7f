/** Writes a lock file so that what people wrote in it stays: their order, their comments, their rules. */
import { Document, isMap, isScalar, Pair, parseDocument, Scalar, YAMLMap } from 'yaml';
import type { ColumnEntry, DefinitionEntry, Lock, Rule } from './lock.ts';
import { lockVersion, parseLock } from './lock.ts';

const heading = ` What becomes of every column and definition in a pseudonymized copy. Reviewed by people, kept under version
 control. \`holdfast pseudonymize scan --write\` adds what is new, with \`review: needed\`; it counts as unclassified
 until a person has removed that line. \`keep\` needs a reason.`;

/**
 * The text of `lock`. Entries that did not change are left as they stand in `before`.
 *
 * @param before the present text; it must be a lock file without problems
 */
export function writeLock(lock: Lock, before?: string): string {
  const document =
    before === undefined
      ? new Document(new YAMLMap())
      : parseDocument(before, { schema: 'core', merge: false, stringKeys: true });
  const old = before === undefined ? undefined : parseLock(before);
  const earlier = old && 'lock' in old ? old.lock : undefined;
  const top = document.contents as YAMLMap;
  if (before === undefined) {
    document.commentBefore = heading;
    put(document, top, 'version', lockVersion);
    put(document, top, 'source', lock.source);
  }
  const tables = section(document, top, 'tables');
  for (const [table, columns] of sorted(lock.tables)) {
    const node = child(document, tables, table);
    for (const [column, entry] of sorted(columns)) {
      const same = earlier?.tables.get(table)?.get(column);
      if (same && sameText(columnFields(same), columnFields(entry))) continue;
      update(document, child(document, node, column), columnFields(entry));
    }
    prune(node, columns);
  }
  prune(tables, lock.tables);
  const definitions = section(document, top, 'definitions');
  for (const [id, entry] of sorted(lock.definitions)) {
    const same = earlier?.definitions.get(id);
    if (same && sameText(definitionFields(same), definitionFields(entry))) continue;
    update(document, child(document, definitions, id), definitionFields(entry));
  }
  prune(definitions, lock.definitions);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

type Fields = readonly (readonly [string, unknown])[];

function columnFields({ rule, reason, type, paths, proposed, review }: ColumnEntry): Fields {
  const plain = Object.keys(rule.options).length === 0;
  return [
    ['rule', plain ? rule.kind : { kind: rule.kind, ...rule.options }],
    ['domain', rule.domain],
    ['reason', reason],
    ['type', type],
    ['paths', paths && Object.fromEntries(sorted(paths).map(([path, of]) => [path, pathField(of)]))],
    ['proposed', proposed],
    ['review', review ? 'needed' : undefined],
  ];
}

function pathField({ kind, options, domain }: Rule): unknown {
  return Object.keys(options).length === 0 && domain === undefined
    ? kind
    : { kind, ...(domain !== undefined && { domain }), ...options };
}

function definitionFields({ rule, reason, fingerprint, proposed, review }: DefinitionEntry): Fields {
  return [
    ['rule', rule],
    ['reason', reason],
    ['fingerprint', fingerprint === '' ? undefined : fingerprint],
    ['proposed', proposed],
    ['review', review ? 'needed' : undefined],
  ];
}

function sameText(a: Fields, b: Fields): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Only what differs is touched, so that comments beside it stay. */
function update(document: Document, node: YAMLMap, fields: Fields): void {
  for (const [key, value] of fields) {
    if (value === undefined) node.delete(key);
    else if (key === 'paths') updatePaths(document, node, value as Record<string, unknown>);
    else if (JSON.stringify(plainOf(node.get(key, true))) !== JSON.stringify(value)) put(document, node, key, value);
  }
}

function updatePaths(document: Document, node: YAMLMap, paths: Record<string, unknown>): void {
  const map = section(document, node, 'paths');
  for (const [path, value] of Object.entries(paths))
    if (!map.has(path)) insert(document, map, path, scalar(document, value));
  prune(map, new Map(Object.entries(paths)));
}

function plainOf(node: unknown): unknown {
  if (isScalar(node)) return node.value === null && node.source ? node.source : node.value;
  return isMap(node) ? node.toJSON() : undefined;
}

function put(document: Document, node: YAMLMap, key: string, value: unknown): void {
  const present = node.get(key, true);
  // A comment behind the value belongs to the line.
  const comment = isScalar(present) ? present.comment : undefined;
  const made = scalar(document, value);
  if (comment) made.comment = comment;
  node.set(key, made);
}

/** Quoted where YAML would read the kind `null`, or digits, as something else. */
function scalar(document: Document, value: unknown) {
  // A rule with options stands on one line.
  const node = document.createNode(value, { flow: true }) as Scalar;
  if (isScalar(node) && value === 'null') node.type = Scalar.PLAIN;
  return node;
}

function section(document: Document, top: YAMLMap, key: string): YAMLMap {
  const present = top.get(key, true);
  if (isMap(present)) return present;
  const made = new YAMLMap();
  top.set(document.createNode(key), made);
  return made;
}

function child(document: Document, map: YAMLMap, key: string): YAMLMap {
  const present = map.get(key, true);
  if (isMap(present)) return present;
  const made = new YAMLMap();
  insert(document, map, key, made);
  return made;
}

/** Where the alphabet puts it; what is there keeps its place. */
function insert(document: Document, map: YAMLMap, key: string, value: unknown): void {
  const later = map.items.findIndex(({ key: other }) => (isScalar(other) ? String(other.value) : String(other)) > key);
  const pair = new Pair(document.createNode(key), value);
  if (later < 0) map.items.push(pair);
  else map.items.splice(later, 0, pair);
}

function prune(map: YAMLMap, wanted: ReadonlyMap<string, unknown>): void {
  map.items = map.items.filter(({ key }) =>
    wanted.has(isScalar(key) ? (key.source ?? String(key.value)) : String(key)),
  );
}

function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
