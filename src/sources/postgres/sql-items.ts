/**
 * The items of the first parenthesized list of a statement, such as the columns of CREATE TABLE, with what stands before
 * and after. Commas and parentheses inside quotes, names and nested parentheses are not taken for separators.
 *
 * @returns undefined when there is no such list, or it does not end
 */
export function splitItems(sql: string): { before: string; items: string[]; after: string } | undefined {
  let depth = 0;
  let start = -1;
  let itemStart = -1;
  const items: string[] = [];
  for (let at = 0; at < sql.length; at++) {
    const character = sql[at]!;
    if (character === "'" || character === '"') {
      // A doubled quote ends one and begins another, which comes to the same.
      at = sql.indexOf(character, at + 1);
      if (at < 0) return undefined;
    } else if (character === '(') {
      depth++;
      if (depth === 1) {
        start = at;
        itemStart = at + 1;
      }
    } else if (character === ')') {
      depth--;
      if (depth === 0) {
        items.push(sql.slice(itemStart, at).trim());
        return { before: sql.slice(0, start), items, after: sql.slice(at + 1) };
      }
    } else if (character === ',' && depth === 1) {
      items.push(sql.slice(itemStart, at).trim());
      itemStart = at + 1;
    }
  }
  return undefined;
}
