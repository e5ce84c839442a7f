/**
 * What a PDF says: text of its pages, data about it, names. It is not laid out: every string of every stream is given, in
 * the ways in which it may be meant. Streams are found by their words, not by the table, so damaged files are read too.
 */
import { inflated } from './inflate.ts';

const mostStreams = 20_000;
/** Characters of all streams of one file. */
export const mostCharacters = 16 * 1024 * 1024;
/** Each text is given once for every map of glyphs. */
const mostMaps = 16;

export function isPdf(bytes: Buffer): boolean {
  return bytes.subarray(0, 1024).includes('%PDF-');
}

/** @param take is given one text after the other @returns parts that cannot be read: encrypted, of an unknown compression */
export function pdfTexts(bytes: Buffer, take: (text: string) => void): number {
  const streams: string[] = [];
  let unread = 0;
  let size = 0;
  let rest = '';
  let at = 0;
  for (let count = 0; count < mostStreams; count++) {
    const word = bytes.indexOf('stream', at);
    if (word < 0) break;
    const begun = word + 6 + (bytes[word + 6] === 0x0d ? 1 : 0) + 1;
    const end = bytes.indexOf('endstream', begun);
    if (end < 0) break;
    const head = bytes.toString('latin1', Math.max(at, word - 4096), word);
    rest += `${bytes.toString('latin1', at, word)}\n`;
    at = end + 9;
    const dictionary = head.slice(Math.max(0, head.lastIndexOf(' obj')));
    // Pictures and fonts hold no words.
    if (/\/Subtype\s*\/Image|\/FontFile|\/Length1\b/.test(dictionary)) continue;
    const content = decoded(bytes.subarray(begun, end), dictionary);
    if (content === undefined) unread++;
    else if (size + content.length > mostCharacters) unread++;
    else {
      size += content.length;
      streams.push(content.toString('latin1'));
    }
  }
  rest += bytes.toString('latin1', at, Math.min(bytes.length, at + mostCharacters));
  if (/\/Encrypt\b/.test(rest)) return unread + 1;
  const tables = new Set(streams.filter((text) => text.includes('beginbf')));
  const maps = [...tables].slice(0, mostMaps).map(glyphMap);
  for (const text of [rest, ...streams]) {
    // XMP is XML in UTF-8.
    if (/<(?:\?xpacket|x:xmpmeta|rdf:RDF)/.test(text)) take(Buffer.from(text, 'latin1').toString('utf8'));
    else stringsOf(text, maps, take);
  }
  return unread + Math.max(0, tables.size - mostMaps);
}

function decoded(content: Buffer, dictionary: string): Buffer | undefined {
  const filters = [...dictionary.matchAll(/\/(FlateDecode|Fl|ASCIIHexDecode|AHx|ASCII85Decode|A85|LZWDecode|LZW)\b/g)];
  let bytes: Buffer | undefined = content;
  for (const [, filter] of filters) {
    if (bytes === undefined) return undefined;
    if (filter!.startsWith('Fl')) bytes = inflated(bytes, { raw: false });
    else if (filter === 'ASCIIHexDecode' || filter === 'AHx')
      bytes = Buffer.from(bytes.toString('latin1').replace(/[^0-9a-f]/gi, ''), 'hex');
    else if (filter === 'ASCII85Decode' || filter === 'A85') bytes = base85(bytes.toString('latin1'));
    else return undefined;
  }
  return bytes;
}

function base85(text: string): Buffer {
  const out: number[] = [];
  let group: number[] = [];
  const flush = (count: number) => {
    let value = 0;
    for (let k = 0; k < 5; k++) value = value * 85 + (group[k] ?? 84);
    for (let k = 0; k < count; k++) out.push(Math.floor(value / 256 ** (3 - k)) & 255);
    group = [];
  };
  for (const char of text.replace(/~>[\s\S]*$/, '')) {
    if (char === 'z' && group.length === 0) out.push(0, 0, 0, 0);
    else if (char >= '!' && char <= 'u') {
      group.push(char.charCodeAt(0) - 33);
      if (group.length === 5) flush(4);
    }
  }
  if (group.length > 1) flush(group.length - 1);
  return Buffer.from(out);
}

/** Glyph codes → characters, from a ToUnicode map. */
function glyphMap(text: string): Map<number, string> {
  const map = new Map<number, string>();
  const unicode = (hex: string) => utf16(Buffer.from(hex, 'hex'));
  for (const [, body] of text.matchAll(/beginbfchar([\s\S]*?)endbfchar/g)) {
    for (const [, code, to] of body!.matchAll(/<([0-9a-f]+)>\s*<([0-9a-f]+)>/gi))
      map.set(Number.parseInt(code!, 16), unicode(to!));
  }
  for (const [, body] of text.matchAll(/beginbfrange([\s\S]*?)endbfrange/g)) {
    for (const match of body!.matchAll(/<([0-9a-f]+)>\s*<([0-9a-f]+)>\s*(?:<([0-9a-f]+)>|\[([^\]]*)\])/gi)) {
      const [first, last] = [Number.parseInt(match[1]!, 16), Number.parseInt(match[2]!, 16)];
      const list = match[4]?.match(/[0-9a-f]+/gi);
      for (let code = first; code <= last && code < first + 65536; code++) {
        if (list) map.set(code, unicode(list[code - first] ?? ''));
        else {
          const start = unicode(match[3]!);
          const moved = start.charCodeAt(start.length - 1) + code - first;
          map.set(code, start.slice(0, -1) + String.fromCharCode(moved));
        }
      }
    }
  }
  return map;
}

function utf16(bytes: Buffer): string {
  const even = bytes.subarray(0, bytes.length & ~1);
  return Buffer.from(even).swap16().toString('utf16le');
}

const token =
  /\((?:[^()\\]|\\[\s\S]|\((?:[^()\\]|\\[\s\S]){0,1024}\)){0,8192}\)|<[0-9a-f\s]+>|\]|\bT[dDmJj*]\b|\bET\b|\bendobj\b|\bBT\b/gi;

/** Strings in the order in which they stand: glyph by glyph, word by word, or line by line. */
function stringsOf(text: string, maps: readonly Map<number, string>[], take: (text: string) => void): void {
  const ways: string[][] = Array.from({ length: 1 + maps.length }, () => []);
  const close: string[][] = ways.map(() => []);
  for (const [found] of text.matchAll(token)) {
    const first = found[0]!;
    if (first === '(' || first === '<') {
      const bytes = first === '(' ? literalBytes(found) : Buffer.from(found.replace(/[^0-9a-f]/gi, ''), 'hex');
      if (bytes.length === 0) continue;
      for (const [at, way] of ways.entries()) {
        const said = at === 0 ? plainText(bytes) : mapped(bytes, maps[at - 1]!);
        way.push(said);
        close[at]!.push(said);
      }
    } else {
      for (const [at, way] of ways.entries()) {
        // Within one array the pieces are of one line; a move may be to the next letter or to the next line.
        way.push(first === ']' ? ' ' : /^T[jJ]$/.test(found) ? ' ' : '\n');
        close[at]!.push(/^(?:ET|endobj)$/.test(found) ? '\n' : '');
      }
    }
  }
  for (const way of [...ways, ...close]) {
    const said = way.join('');
    if (said.trim().length >= 4) take(said);
  }
}

function mapped(bytes: Buffer, map: Map<number, string>): string {
  const wide = [...map.keys()].some((code) => code > 255) || bytes.length % 2 === 0;
  let said = '';
  for (let at = 0; at < bytes.length; at += wide ? 2 : 1) {
    const code = wide ? (bytes[at]! << 8) | (bytes[at + 1] ?? 0) : bytes[at]!;
    said += map.get(code) ?? '';
  }
  return said;
}

function plainText(bytes: Buffer): string {
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return utf16(bytes.subarray(2));
  if (bytes[0] === 0xef && bytes[1] === 0xbb) return bytes.toString('utf8', 3);
  return bytes.toString('latin1');
}

const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

function literalBytes(found: string): Buffer {
  const inner = found.slice(1, -1);
  if (!inner.includes('\\')) return Buffer.from(inner, 'latin1');
  const text = inner.replace(/\\(?:([0-7]{1,3})|\r\n|[\r\n]|([\s\S]))/g, (_, octal?: string, char?: string) =>
    octal !== undefined
      ? String.fromCharCode(Number.parseInt(octal, 8) & 255)
      : char === undefined
        ? ''
        : (escapes[char] ?? char),
  );
  return Buffer.from(text, 'latin1');
}
