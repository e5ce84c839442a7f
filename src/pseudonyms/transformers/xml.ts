import type { Options } from '../options.ts';
import {
  assertType,
  type Cell,
  type ColumnFacts,
  type Guarantee,
  type Transformer,
  unfitValue,
} from '../transformer.ts';
import { leafFacts, type MakeTransformer, partRules } from './inner-rule.ts';

/** Beginning of a piece of XML that is neither text nor element. */
const token =
  /<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<\?([\s\S]*?)\?>|<!DOCTYPE\s[^[>]*>|<(\/?)([^\s/>!?]+)((?:"[^"]*"|'[^']*'|[^>"'<])*?)(\/?)>|([^<]+)/gy;
const attribute = /\s+([^\s=]+)\s*=\s*("[^"]*"|'[^']*')/gy;

/**
 * XML: `paths` names rules by the way to a text (`person/name`) or an attribute (`person/@id`); `*` is any one element.
 * Others go by `default`: `refuse` (as when it is not set), `keep`, `null` (it becomes empty), or a rule. Elements,
 * names, white space and declarations of namespaces stay; comments, processing instructions and the document type go.
 */
export const xml =
  (make: MakeTransformer) =>
  (options: Options): Transformer => {
    const parts = partRules(options, make, 'paths');
    const patterns = [...parts.rules.keys()].map((path) => ({ path, steps: stepsOf(path) }));
    const guarantee = (column: ColumnFacts): Guarantee => {
      assertType('xml', column, 'xml', 'text');
      for (const each of parts.all) each.guarantee(leafFacts(column));
      return {
        uniqueness: 'lossy',
        maxLength: column.maxLength,
        nulls: 'kept',
        empty: 'kept',
        canonical: 'of each text what its own rule says',
        reversible: false,
      };
    };
    return {
      kind: 'xml',
      companions: parts.companions,
      guarantee,
      prepare(context) {
        const { column } = context;
        guarantee(column);
        const runs = parts.prepare(context, () => leafFacts(column));
        /** The rule's name of a way; remembered, since documents of a column are alike. */
        const known = new Map<string, string>();
        const ruleOf = (way: readonly string[]): string => {
          const joined = way.join('/');
          let name = known.get(joined);
          if (name === undefined) {
            name = patterns.find(({ steps }) => matches(steps, way))?.path ?? joined;
            if (known.size < 10_000) known.set(joined, name);
          }
          return name;
        };
        return (cells, out, companions) => {
          const documents = cells.map((cell, row) => {
            if (!cell) return undefined;
            const pieces = piecesOf(cell);
            if (pieces === undefined)
              throw unfitValue('xml', column, 'It is not well-formed, or has entities of its own.');
            for (const piece of pieces)
              if (typeof piece !== 'string')
                runs.take(ruleOf(piece.way), piece.value, row, (made) => {
                  piece.made = made;
                });
            return pieces;
          });
          runs.finish(companions);
          const most = column.maxLength ?? Number.POSITIVE_INFINITY;
          for (let i = 0; i < cells.length; i++) {
            const made = documents[i]?.map((piece) => (typeof piece === 'string' ? piece : written(piece))).join('');
            // Cut, it would not be XML.
            if (made !== undefined && [...made].length > most)
              throw unfitValue('xml', column, 'It would be longer than the column.');
            out[i] = made ?? cells[i]!;
          }
        };
      },
    };
  };

interface Leaf {
  way: readonly string[];
  /** Entities undone. */
  value: string;
  made: Cell;
  quote: boolean;
}

function stepsOf(path: string): string[] {
  return path.split('/').filter((step) => step !== '');
}

function matches(steps: readonly string[], way: readonly string[]): boolean {
  return (
    steps.length === way.length && steps.every((step, k) => step === way[k] || (step === '*' && way[k]![0] !== '@'))
  );
}

/** What stays as it is written, and what has a value. */
function piecesOf(source: string): (string | Leaf)[] | undefined {
  const pieces: (string | Leaf)[] = [];
  const way: string[] = [];
  const leaf = (at: readonly string[], value: string | undefined, quote: boolean): boolean => {
    if (value === undefined) return false;
    pieces.push({ way: [...at], value, made: value, quote });
    return true;
  };
  token.lastIndex = 0;
  for (let at = 0; at < source.length; at = token.lastIndex) {
    token.lastIndex = at;
    const found = token.exec(source);
    if (found === null) return undefined;
    const [whole, cdata, instruction, close, name, attributes, single, text] = found;
    if (text !== undefined) {
      const inner = text.trim();
      const from = text.indexOf(inner);
      if (inner === '') pieces.push(text);
      else {
        pieces.push(text.slice(0, from));
        if (!leaf(way, decoded(inner), false)) return undefined;
        pieces.push(text.slice(from + inner.length));
      }
    } else if (cdata !== undefined) leaf(way, cdata, false);
    else if (instruction !== undefined) {
      if (/^xml\s/.test(instruction)) pieces.push(whole);
    } else if (name !== undefined && close) {
      if (way.pop() !== name || single || attributes!.trim() !== '') return undefined;
      pieces.push(`</${name}>`);
    } else if (name !== undefined) {
      pieces.push(`<${name}`);
      way.push(name);
      const list = attributes!.trimEnd();
      attribute.lastIndex = 0;
      for (let next = 0; next < list.length; next = attribute.lastIndex) {
        attribute.lastIndex = next;
        const each = attribute.exec(list);
        if (each === null) return undefined;
        pieces.push(` ${each[1]}=`);
        // Names of namespaces are needed to read the document, and are nobody's.
        if (/^(?:xmlns(?::|$)|xml:lang$|xml:space$)/.test(each[1]!)) pieces.push(each[2]!);
        else if (!leaf([...way, `@${each[1]}`], decoded(each[2]!.slice(1, -1)), true)) return undefined;
      }
      if (single) way.pop();
      pieces.push(single ? '/>' : '>');
    }
  }
  return way.length === 0 ? pieces : undefined;
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** @returns undefined where it has an entity that only the document type explains */
function decoded(text: string): string | undefined {
  let known = true;
  const made = text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([^;\s]*));?/gi, (_, hex, digits, name) => {
    const code = hex ? Number.parseInt(hex, 16) : digits ? Number(digits) : undefined;
    const character = code === undefined ? entities[name] : code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
    known &&= character !== undefined;
    return character ?? '';
  });
  return known ? made : undefined;
}

function written({ made, quote }: Leaf): string {
  const text = (made ?? '').replace(/[&<>"\r]/g, (character) =>
    character === '\r' ? '&#13;' : `&${Object.keys(entities).find((name) => entities[name] === character)};`,
  );
  return quote ? `"${text.replace(/[\n\t]/g, (space) => `&#${space.charCodeAt(0)};`)}"` : text;
}
