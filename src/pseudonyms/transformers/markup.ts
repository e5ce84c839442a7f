import { exact, keyed } from '../canonical.ts';
import { filler, stream } from '../filler.ts';
import type { Options } from '../options.ts';
import { Prf } from '../prf.ts';
import { assertType, fitted, type Guarantee, type Transformer } from '../transformer.ts';

/**
 * HTML or XML whose elements stay and whose words go: every run of text and every attribute's value becomes filler of its
 * length; comments, scripts, styles and processing instructions other than the declaration are dropped.
 */
export function markup(options: Options): Transformer {
  options.done();
  return {
    kind: 'html',
    companions: [],
    guarantee(column): Guarantee {
      assertType('html', column, 'xml', 'text');
      return {
        uniqueness: 'lossy',
        maxLength: column.maxLength,
        nulls: 'kept',
        empty: 'kept',
        canonical: 'NFC',
        reversible: false,
      };
    },
    prepare({ key, column }) {
      this.guarantee(column);
      const prf = new Prf(key.subkey('markup'));
      return (cells, out) => {
        const words = keyed(prf, exact, cells);
        for (let i = 0; i < cells.length; i++)
          out[i] = cells[i] ? fitted(emptied(cells[i]!, stream(words, i * 4)), column.maxLength) : cells[i]!;
      };
    },
  };
}

const token =
  /<!--[\s\S]*?(?:-->|$)|<!\[CDATA\[([\s\S]*?)(?:\]\]>|$)|<\?[\s\S]*?(?:\?>|$)|<!doctype[^>]*>|<(script|style)\b[\s\S]*?(?:<\/\2\s*>|$)|<(\/?)([a-z_][\w:.-]*)((?:"[^"]*"|'[^']*'|[^>"'])*)>|([^<]+|<)/gi;

function emptied(source: string, next: () => number): string {
  return source.replace(token, (whole, cdata, raw, close, name, attributes, text) => {
    if (text !== undefined) return replaced(text, next);
    if (name !== undefined) return `<${close}${name}${close ? '' : attributesOf(attributes, next)}>`;
    if (cdata !== undefined) return replaced(cdata, next);
    if (raw !== undefined) return '';
    return /^<\?xml\s[^?]*\?>$/i.test(whole) || /^<!doctype\s+html\s*>$/i.test(whole) ? whole : '';
  });
}

/** White space stays at its ends, so that lines and indents do. */
function replaced(text: string, next: () => number): string {
  const inner = text.trim();
  if (inner === '') return text;
  const at = text.indexOf(inner);
  // An entity is one character to the reader.
  const length = inner.replace(/&#?\w+;/g, '.').length;
  return text.slice(0, at) + filler(length, next) + text.slice(at + inner.length);
}

function attributesOf(text: string, next: () => number): string {
  let out = '';
  for (const [, name, value] of text.matchAll(/([^\s"'=<>/]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+))?/g)) {
    if (value === undefined) out += ` ${name}`;
    // Names of namespaces are needed to read the document, and are nobody's.
    else if (/^xmlns(?::|$)/.test(name!) || name === 'xml:lang')
      out += ` ${name}="${value.replace(/^["']|["']$/g, '')}"`;
    else if (/^(?:href|src|action|srcset)$/i.test(name!)) out += ` ${name}="#"`;
    else out += ` ${name}="${filler(value.replace(/^["']|["']$/g, '').length, next)}"`;
  }
  return out + (/\/\s*$/.test(text) ? '/' : '');
}
