/** The YAML document of a configuration, and where in it things stand. */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import { type ConfigProblem, type Finding, formatPath, holdsSecretKey, type PathSegment } from './problems.ts';

/** Our own words for each code: the library's messages quote the text, which may be a secret. */
const messages: Partial<Record<YAMLError['code'], string>> = {
  BAD_ALIAS: 'an alias (`*name`) is malformed; a text that starts with `*` needs quotes',
  BAD_COLLECTION_TYPE: 'a tag does not fit what follows it',
  BAD_DIRECTIVE: 'a directive (`%…`) is malformed; a text that starts with `%` needs quotes',
  BAD_DQ_ESCAPE: 'a text in double quotes has an unknown escape; write `\\\\` for a backslash, or use single quotes',
  BAD_INDENT: 'the indentation fits nothing above it',
  BAD_SCALAR_START: 'a text that starts with `@`, `%` or a backquote needs quotes',
  BLOCK_AS_IMPLICIT_KEY: 'there is a second `: ` on this line; a text that holds `: ` needs quotes',
  BLOCK_IN_FLOW: 'a list or mapping by lines cannot stand between brackets',
  DUPLICATE_KEY: 'this key is here twice',
  KEY_OVER_1024_CHARS: 'a key is longer than 1024 characters',
  MISSING_CHAR: 'a quote, bracket, comma or colon is missing before this',
  MULTILINE_IMPLICIT_KEY: 'a line has no `: ` after its key; a text that goes on over several lines needs quotes',
  MULTIPLE_DOCS: 'the file holds several YAML documents (`---`); one is read',
  NON_STRING_KEY: 'a key is a list or a mapping; it must be a text',
  RESOURCE_EXHAUSTION: 'the file is nested too deeply',
  TAB_AS_INDENT: 'the line is indented with a tab; YAML allows spaces only',
  TAG_RESOLVE_FAILED: 'a tag (`!…`) is unknown; a text that starts with `!` needs quotes',
  UNEXPECTED_TOKEN: 'this cannot stand here',
};

export interface ConfigDocument {
  /** The plain value; undefined where the syntax is too broken to look further. */
  readonly value: unknown;
  readonly problems: ConfigProblem[];
  /** The problem, with the position of what it is about. */
  place(finding: Finding): ConfigProblem;
}

/** Reads YAML 1.2, core schema, without merge keys or tags. Never throws for what the text holds. */
export function readDocument(text: string, file: string): ConfigDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    // Given by name, so that a `%YAML 1.1` line does not make true of `yes`.
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    stringKeys: true,
    prettyErrors: false,
  });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const faults = [...document.errors, ...document.warnings];
  const problems = faults.map(({ code, pos }) => ({
    file,
    ...at(pos[0]),
    path: '',
    message: messages[code] ?? 'the YAML is malformed',
  }));
  const place = ({ path, at: part = 'value', message }: Finding): ConfigProblem => ({
    file,
    ...at(offsetOf(document, path, part)),
    path: formatPath(path),
    message,
  });
  for (const finding of scan(document)) problems.push(place(finding));
  const broken =
    faults.some(({ code }) => code !== 'DUPLICATE_KEY') || problems.some(({ message }) => message === loose);
  return { value: broken ? undefined : plainValue(document, problems, place), problems, place };
}

const loose = 'an alias (`*name`) has no anchor (`&name`) before it; a text that starts with `*` needs quotes';

function plainValue(
  document: Document,
  problems: ConfigProblem[],
  place: (finding: Finding) => ConfigProblem,
): unknown {
  try {
    return document.toJS();
  } catch {
    problems.push(place({ path: [], message: 'aliases (`*name`) repeat too much of the file' }));
    return undefined;
  }
}

/** Aliases to nothing, and secret keys that were pasted into the file, wherever they are. */
function scan(document: Document.Parsed): Finding[] {
  const found: Finding[] = [];
  const pathOf = (ancestors: readonly unknown[], last: unknown): PathSegment[] => {
    const path: PathSegment[] = [];
    const chain = [...ancestors, last];
    for (const [index, node] of chain.entries()) {
      const below = chain[index + 1];
      if (isSeq(node)) path.push(node.items.indexOf(below));
      else if (isMap(node) && below !== undefined) path.push(keyText((below as Pair).key));
    }
    return path;
  };
  visit(document, {
    Alias(_key, node, ancestors) {
      if (!node.resolve(document)) found.push({ path: pathOf(ancestors, node), message: loose });
    },
    Scalar(key, node, ancestors) {
      // As written too: a key of only digits and letters could be read as something else.
      if (!holdsSecretKey(String(node.value)) && !holdsSecretKey(node.source ?? '')) return;
      found.push({
        path: pathOf(ancestors, node),
        at: key === 'key' ? 'key' : 'value',
        message: 'this holds a secret key; put it in a file with mode 0600 and write {file: path} where it is wanted',
      });
    },
  });
  return found;
}

/** Where the path, or as much of it as exists, starts in the text. */
function offsetOf(document: Document, path: readonly PathSegment[], part: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [index, segment] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (isSeq(node)) {
      node = node.items[segment as number];
      offset = startOf(node) ?? offset;
    } else if (isMap(node)) {
      const pair: Pair | undefined = node.items.findLast(({ key }) => keyText(key) === String(segment));
      if (!pair) return offset;
      node = pair.value;
      const key = startOf(pair.key) ?? offset;
      const last = index === path.length - 1;
      // Of a mapping that begins on the next line, and of nothing at all, its key is the place to look at.
      offset = last && part === 'value' && isScalar(node) && node.value !== null ? (startOf(node) ?? key) : key;
    } else {
      return offset;
    }
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : '';
}
