import { randomBytes } from 'node:crypto';
import { digits, type HashTexts } from './hash-texts.ts';
import type { IndexedPack } from './index-object.ts';

/**
 * Payloads of megabytes, parsed from their bytes: what `JSON.parse` makes of a terabyte's snapshots and index objects, in
 * texts and arrays that nobody wants, is what planning would take its memory for. What is not written as this program
 * writes it goes through `JSON.parse`, so that both always agree on what is read.
 */

/** Nobody who signs knows it. */
const placeholder = randomBytes(16).toString('hex');
const key = Buffer.from('"packs":[');
const quote = 0x22;
const comma = 0x2c;
const opening = 0x5b;
const closing = 0x5d;

// biome-ignore lint/suspicious/noExplicitAny: as JSON.parse
type Parsed = any;

/**
 * A statement with a list of packs, whose names are taken from `texts`.
 *
 * @throws SyntaxError
 */
export function parseWithPacks(bytes: Buffer, texts: HashTexts): Parsed {
  return parseApart(bytes, (at) => {
    const text = bytes[at] === quote ? texts.text(bytes, at + 1) : undefined;
    if (text === undefined || bytes[at + 1 + digits] !== quote) return undefined;
    return { item: text, end: at + digits + 2 };
  });
}

/** Which chunks of an index object are wanted: none, or those of a set. */
export interface WantedChunks {
  /** For the names of packs. */
  texts: HashTexts;
  ids?: HashTexts;
}

const entry = ['{"pack":"', '","size":', ',"ids":"', '","lengths":[', '],"rawLengths":[', ']}'].map((part) =>
  Buffer.from(part),
) as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];

/**
 * An index object without its chunks: `lengths` and `rawLengths` are empty, and in `ids` are those that are wanted.
 *
 * @throws SyntaxError
 */
export function parseIndex(bytes: Buffer, { texts, ids }: WantedChunks): Parsed {
  const isAt = (part: Buffer, at: number) =>
    bytes.length >= at + part.length && bytes.compare(part, 0, part.length, at, at + part.length) === 0;
  return parseApart(bytes, (at): { item: IndexedPack; end: number } | undefined => {
    const [begin, size, id, lengths, rawLengths, end] = entry;
    if (!isAt(begin, at)) return undefined;
    const sizeAt = at + begin.length + digits;
    const pack = texts.text(bytes, at + begin.length);
    if (pack === undefined || !isAt(size, sizeAt)) return undefined;
    const sizeEnd = bytes.indexOf(comma, sizeAt + size.length);
    const bytesOf = bytes.toString('latin1', sizeAt + size.length, sizeEnd);
    if (!/^\d{1,15}$/.test(bytesOf) || !isAt(id, sizeEnd)) return undefined;
    const idsAt = sizeEnd + id.length;
    const idsEnd = bytes.indexOf(quote, idsAt);
    if (idsEnd < 0 || (idsEnd - idsAt) % digits !== 0 || !isAt(lengths, idsEnd)) return undefined;
    const first = numbers(bytes, idsEnd + lengths.length);
    if (!isAt(rawLengths, first.end)) return undefined;
    const second = numbers(bytes, first.end + rawLengths.length);
    const count = (idsEnd - idsAt) / digits;
    if (!isAt(end, second.end) || first.count !== count || second.count !== count) return undefined;
    let wanted = '';
    if (ids !== undefined && ids.count > 0) {
      for (let from = idsAt; from < idsEnd; from += digits) {
        if (ids.has(bytes, from)) wanted += bytes.toString('latin1', from, from + digits);
      }
    }
    return {
      item: { pack, size: Number(bytesOf), ids: wanted, lengths: [], rawLengths: [] },
      end: second.end + end.length,
    };
  });
}

/** Whole numbers with commas between, from `at` on. */
function numbers(bytes: Buffer, at: number): { count: number; end: number } {
  let end = at;
  let commas = 0;
  for (; end < bytes.length; end++) {
    const byte = bytes[end]!;
    if (byte === comma) commas++;
    else if (byte < 0x30 || byte > 0x39) break;
  }
  return { count: end === at ? 0 : commas + 1, end };
}

/** @param read the item that begins at `at`, and where it ends; undefined: it is not written as it should be */
function parseApart<T>(bytes: Buffer, read: (at: number) => { item: T; end: number } | undefined): Parsed {
  const whole = () => JSON.parse(bytes.toString('utf8'));
  const start = bytes.indexOf(key);
  if (start < 0) return whole();
  const packs: T[] = [];
  let at = start + key.length - 1;
  do {
    const found = bytes[at] === (packs.length === 0 ? opening : comma) ? read(at + 1) : undefined;
    if (found === undefined) return whole();
    packs.push(found.item);
    at = found.end;
  } while (bytes[at] !== closing);
  // A key stands there, at whichever depth: only the outermost one is meant.
  const rest = `${bytes.toString('utf8', 0, start)}"packs":"${placeholder}"${bytes.toString('utf8', at + 1)}`;
  const found = JSON.parse(rest);
  if (found?.packs !== placeholder) return whole();
  return Object.assign(found, { packs });
}
