import type { ByteColumn } from './byte-column.ts';
import { fillerWords } from './dictionaries/words.ts';

/** A stream of words from four keyed ones (sfc32): it feeds fillers, which say nothing of the text they stand for. */
export function stream(words: Uint32Array, at: number): () => number {
  let a = words[at]! | 0;
  let b = words[at + 1]! | 0;
  let c = words[at + 2]! | 0;
  let d = words[at + 3]! | 0;
  return () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
}

/** Words without a meaning, exactly `length` characters of them. */
export function filler(length: number, next: () => number): string {
  if (length <= 0) return '';
  let text = '';
  while (text.length < length) {
    const word = fillerWords[next() % fillerWords.length]!;
    text += text === '' ? word[0]!.toUpperCase() + word.slice(1) : ` ${word}`;
  }
  text = text.slice(0, length);
  // A space at the end would be lost where a column or an application trims.
  return text.endsWith(' ') ? `${text.slice(0, -1)}s` : text;
}

/** Words of four bytes for each. */
const stride = 4;
/** At the beginning of a text, and after another. */
const heads = packed(fillerWords.map((word) => word[0]!.toUpperCase() + word.slice(1)));
const others = packed(fillerWords.map((word) => ` ${word}`));

function packed(words: readonly string[]): { words: Int32Array; lengths: Int32Array } {
  const made = new Int32Array(words.length * stride);
  const bytes = Buffer.alloc(stride * 4);
  for (const [i, word] of words.entries()) {
    if (word.length > bytes.length || bytes.fill(0).write(word) !== word.length)
      throw new RangeError('no short ASCII word');
    for (let k = 0; k < stride; k++) made[i * stride + k] = bytes.readInt32LE(k * 4);
  }
  return { words: made, lengths: Int32Array.from(words, ({ length }) => length) };
}

/** Appends the same, fed by four words, to the cell that `out` is at. */
export function writeFiller(out: ByteColumn, length: number, words: Uint32Array, at: number): void {
  if (length <= 0) return;
  const start = out.at;
  const end = start + length;
  out.reserve(length + 2 * stride * 4);
  const { view } = out;
  const count = fillerWords.length;
  let list = heads;
  // As `stream`: a closure for each text costs more than its words.
  let [a, b, c, d] = [words[at]! | 0, words[at + 1]! | 0, words[at + 2]! | 0, words[at + 3]! | 0];
  for (let to = start; to < end; ) {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    const word = (t >>> 0) % count;
    const from = word * stride;
    view.setInt32(to, list.words[from]!, true);
    view.setInt32(to + 4, list.words[from + 1]!, true);
    view.setInt32(to + 8, list.words[from + 2]!, true);
    view.setInt32(to + 12, list.words[from + 3]!, true);
    to += list.lengths[word]!;
    list = others;
  }
  out.at = end;
  // A space at the end would be lost where a column or an application trims.
  if (out.bytes[end - 1] === 0x20) out.bytes[end - 1] = 0x73;
}
