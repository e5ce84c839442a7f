/** PostgreSQL's text of an array: nested lists of elements. The bounds before it (`[2:3]=`) are kept as they are. */
export type ArrayNode = string | null | ArrayNode[];

export interface ArrayText {
  readonly bounds: string;
  readonly elements: ArrayNode[];
}

/** @returns undefined when it is not the text of an array */
export function parseArray(text: string, delimiter = ','): ArrayText | undefined {
  const bounds = /^(?:\[[-\d]+:[-\d]+\])+=/.exec(text)?.[0] ?? '';
  let at = bounds.length;
  const list = (): ArrayNode[] | undefined => {
    if (text[at++] !== '{') return undefined;
    const found: ArrayNode[] = [];
    if (text[at] === '}') {
      at++;
      return found;
    }
    for (;;) {
      if (text[at] === '{') {
        const inner = list();
        if (inner === undefined) return undefined;
        found.push(inner);
      } else if (text[at] === '"') {
        let value = '';
        for (at++; text[at] !== '"'; at++) {
          if (text[at] === '\\') at++;
          if (at >= text.length) return undefined;
          value += text[at];
        }
        at++;
        found.push(value);
      } else {
        const from = at;
        while (at < text.length && text[at] !== delimiter && text[at] !== '}') at++;
        const value = text.slice(from, at);
        found.push(value === 'NULL' ? null : value);
      }
      const next = text[at++];
      if (next === '}') return found;
      if (next !== delimiter) return undefined;
    }
  };
  const elements = list();
  return elements === undefined || at !== text.length ? undefined : { bounds, elements };
}

export function formatArray({ bounds, elements }: ArrayText, delimiter = ','): string {
  const write = (node: ArrayNode): string => {
    if (node === null) return 'NULL';
    if (typeof node !== 'string') return `{${node.map(write).join(delimiter)}}`;
    if (node !== '' && !/[{}"\\\s,;]/.test(node) && node.toUpperCase() !== 'NULL') return node;
    return `"${node.replace(/["\\]/g, '\\$&')}"`;
  };
  return bounds + write(elements);
}
