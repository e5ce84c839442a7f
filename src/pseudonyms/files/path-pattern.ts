import { HoldfastError } from '../../base/errors.ts';
import { type ByteText, byteText } from '../../sources/files/byte-text.ts';

/** A piece of a segment: text that stands there, `*` or `?`, or `{part}`. */
type Piece = { literal: ByteText } | { wildcard: number } | { part: string; group: number };
/** What lies between two slashes; `**` is any number of them. */
type Segment = { anyDepth: number } | { pieces: readonly Piece[] };

/** What becomes of what a path holds beside the text of its pattern. */
export interface Rewriting {
  part(name: string, value: ByteText): ByteText;
  /** @param ends whether nothing follows it in the path, so that it may hold the ending that tells a type */
  wildcard(value: ByteText, ends: boolean): ByteText;
}

const anyByte = '[^/]';
/** One character of UTF-8, or a byte that is none. */
const anyCharacter = `(?:[\\xc2-\\xdf][\\x80-\\xbf]|[\\xe0-\\xef][\\x80-\\xbf]{2}|[\\xf0-\\xf4][\\x80-\\xbf]{3}|${anyByte})`;

/**
 * A pattern for the whole path of a file, below the directory of the tree: `invoices/{customer}/{code}.pdf`.
 *
 * `*` stands for any characters but `/`, `?` for one, `**` between slashes for any number of directories, at the end for all that
 * lies below. `{part}` stands for one character or more and gives them a name; as few as possible where that is not clear. The same
 * part twice stands for the same text twice. A backslash takes the meaning from what follows it.
 */
export class PathPattern {
  /** As it was written. */
  readonly text: string;
  /** Names of its parts, each once. */
  readonly parts: readonly string[];
  readonly #segments: Segment[] = [];
  readonly #expression: RegExp;

  /** @throws HoldfastError `config` for a pattern that means nothing */
  constructor(text: string) {
    this.text = text;
    const named = new Map<string, number>();
    let groups = 0;
    let source = '^';
    const written = splitSegments(byteText(text));
    if (written.some((segment) => ['', '.', '..'].includes(segment)))
      throw this.#invalid('It has an empty segment, or one that is `.` or `..`');
    for (const [at, segment] of written.entries()) {
      const last = at === written.length - 1;
      if (segment === '**') {
        this.#segments.push({ anyDepth: ++groups });
        source += last ? '(.+)' : '((?:[^/]+/)*)';
        continue;
      }
      const pieces: Piece[] = [];
      for (const token of segment.match(/\\[\s\S]?|\{[^{}]*\}|[\s\S]/g) ?? []) {
        if (token === '\\') throw this.#invalid('It ends in a lone backslash');
        if (token === '*' || token === '?') {
          pieces.push({ wildcard: ++groups });
          source += token === '*' ? `(${anyByte}*)` : `(${anyCharacter})`;
        } else if (token.length > 1 && token.startsWith('{')) {
          const part = token.slice(1, -1);
          if (!/^[a-z][a-z0-9_-]*$/i.test(part))
            throw this.#invalid('A `{part}` is named by letters, digits, `_`, `-`');
          const before = named.get(part);
          if (before === undefined) named.set(part, ++groups);
          pieces.push({ part, group: before ?? groups });
          // The empty group keeps digits that follow from becoming part of the number.
          source += before === undefined ? `(${anyByte}+?)` : `\\${before}(?:)`;
        } else if (token.length === 1 && '{}['.includes(token)) {
          throw this.#invalid('`{`, `}` and `[` need a backslash before them where they stand for themselves');
        } else {
          const literal = token.length === 2 && token.startsWith('\\') ? token[1]! : token;
          pieces.push({ literal });
          source += `\\x${literal.charCodeAt(0).toString(16).padStart(2, '0')}`;
        }
      }
      this.#segments.push({ pieces });
      source += last ? '' : '/';
    }
    this.parts = [...named.keys()];
    this.#expression = new RegExp(`${source}$`, 's');
  }

  #invalid(why: string): HoldfastError {
    return new HoldfastError('config', `The path ${JSON.stringify(this.text)} of a file rule means nothing.`, {
      why: `${why}.`,
      hint: 'A path looks like `invoices/{customer}/*.pdf`, without a `/` at its beginning or end.',
    });
  }

  /** Whether it has `*`, `?` or `**`. */
  get hasWildcards(): boolean {
    return this.#segments.some(
      (segment) => 'anyDepth' in segment || segment.pieces.some((piece) => 'wildcard' in piece),
    );
  }

  matches(path: ByteText): boolean {
    return this.#expression.test(path);
  }

  /**
   * The segments of the new path, as many as the path has; undefined when the pattern does not match. Text of the pattern stays: it
   * stands in a configuration and is nobody's.
   */
  rewrite(path: ByteText, rewriting: Rewriting): ByteText[] | undefined {
    const found = this.#expression.exec(path);
    if (found === null) return undefined;
    return this.#segments.flatMap((segment, at) => {
      const last = at === this.#segments.length - 1;
      if ('anyDepth' in segment) {
        const value = found[segment.anyDepth]!;
        // In the middle it ends in a slash, or is empty.
        const names = last ? value.split('/') : value.split('/').slice(0, -1);
        return names.map((name, i) => rewriting.wildcard(name, last && i === names.length - 1));
      }
      const { pieces } = segment;
      return [
        pieces
          .map((piece, i) => {
            if ('literal' in piece) return piece.literal;
            if ('part' in piece) return rewriting.part(piece.part, found[piece.group]!);
            return rewriting.wildcard(found[piece.wildcard]!, last && i === pieces.length - 1);
          })
          .join(''),
      ];
    });
  }
}

/** At slashes; an escaped one is one as well, since no name holds it. */
function splitSegments(text: ByteText): ByteText[] {
  return text.replaceAll('\\/', '/').split('/');
}
