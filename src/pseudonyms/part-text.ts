/** PostgreSQL's texts of values with parts: hstore, row types, ranges. Each parser gives undefined for anything else. */

/** Keys and values of an hstore, in the order of the text. */
export type HstorePairs = [key: string, value: string | null][];

/** `"a"=>"1", "b"=>NULL`; an empty one is ''. */
export function parseHstore(text: string): HstorePairs | undefined {
  const pairs: HstorePairs = [];
  const pair = /\s*"((?:[^"\\]|\\.)*)"\s*=>\s*(?:"((?:[^"\\]|\\.)*)"|NULL)\s*(,|$)/sy;
  const plain = (quoted: string) => quoted.replace(/\\(.)/gs, '$1');
  for (let more = text.trim() !== ''; more; ) {
    const found = pair.exec(text);
    if (found === null) return undefined;
    const [, key, value, end] = found;
    pairs.push([plain(key!), value === undefined ? null : plain(value)]);
    more = end === ',';
  }
  return pairs;
}

export function formatHstore(pairs: HstorePairs): string {
  const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;
  return pairs.map(([key, value]) => `${quoted(key)}=>${value === null ? 'NULL' : quoted(value)}`).join(', ');
}

/** `(1,"a b",,"")`: fields in their order; what is empty and not quoted is NULL. */
export function parseRow(text: string): (string | null)[] | undefined {
  if (!text.startsWith('(')) return undefined;
  const fields: (string | null)[] = [];
  let at = 1;
  for (;;) {
    let value = '';
    let quoted = false;
    let inside = false;
    for (; at < text.length; at++) {
      const character = text[at]!;
      if (character === '\\') value += text[++at] ?? '';
      else if (character === '"') {
        if (inside && text[at + 1] === '"') {
          value += '"';
          at++;
        } else inside = !inside;
        quoted = true;
      } else if (!inside && (character === ',' || character === ')')) break;
      else value += character;
    }
    if (at >= text.length) return undefined;
    fields.push(value === '' && !quoted ? null : value);
    if (text[at++] === ')') return at === text.length ? fields : undefined;
  }
}

export function formatRow(fields: readonly (string | null)[]): string {
  const written = fields.map((field) => {
    if (field === null) return '';
    return field === '' || /["\\(),\s]/.test(field) ? `"${field.replace(/["\\]/g, '$&$&')}"` : field;
  });
  return `(${written.join(',')})`;
}

export interface RangeText {
  /** Undefined where the range has no end. */
  lower: string | undefined;
  upper: string | undefined;
  lowerInclusive: boolean;
  upperInclusive: boolean;
}

const bound = String.raw`("(?:[^"\\]|\\.|"")*"|[^",()\[\]\\]*)`;
const range = new RegExp(String.raw`([[(])${bound},${bound}([\])])`, 'y');

/** The ranges of a range (one, or none when it is empty) or of a multirange; `multi` tells which it was. */
export function parseRanges(text: string): { multi: boolean; ranges: RangeText[] } | undefined {
  if (text === 'empty') return { multi: false, ranges: [] };
  const multi = text.startsWith('{');
  if (multi && text === '{}') return { multi, ranges: [] };
  const plain = (written: string) =>
    written === ''
      ? undefined
      : written.startsWith('"')
        ? written.slice(1, -1).replace(/\\(.)|""/gs, (pair, escaped?: string) => escaped ?? pair[0]!)
        : written;
  const ranges: RangeText[] = [];
  range.lastIndex = multi ? 1 : 0;
  for (;;) {
    const found = range.exec(text);
    if (found === null) return undefined;
    const [, open, lower, upper, close] = found;
    ranges.push({
      lower: plain(lower!),
      upper: plain(upper!),
      lowerInclusive: open === '[',
      upperInclusive: close === ']',
    });
    const at = range.lastIndex;
    if (multi && text[at] === ',') range.lastIndex = at + 1;
    else return at === text.length - (multi ? 1 : 0) && (!multi || text[at] === '}') ? { multi, ranges } : undefined;
  }
}

export function formatRanges({ multi, ranges }: { multi: boolean; ranges: readonly RangeText[] }): string {
  if (!multi && ranges.length === 0) return 'empty';
  const written = (text: string | undefined) => (text === undefined ? '' : `"${text.replace(/["\\]/g, '\\$&')}"`);
  const all = ranges.map(
    ({ lower, upper, lowerInclusive, upperInclusive }) =>
      `${lowerInclusive ? '[' : '('}${written(lower)},${written(upper)}${upperInclusive ? ']' : ')'}`,
  );
  return multi ? `{${all.join(',')}}` : all[0]!;
}
