import type { ByteColumn } from './byte-column.ts';
import { ByteWords } from './byte-words.ts';
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

const heads = new ByteWords(fillerWords.map((word) => word[0]!.toUpperCase() + word.slice(1)));
const others = new ByteWords(fillerWords.map((word) => ` ${word}`));

/** Appends the same, fed by four words, to the cell that `out` is at. */
export function writeFiller(out: ByteColumn, length: number, words: Uint32Array, at: number): void {
  if (length <= 0) return;
  const start = out.at;
  out.reserve(length + others.longest);
  const { count } = heads;
  // As `stream`: a closure for each text costs more than its words.
  let [a, b, c, d] = [words[at]! | 0, words[at + 1]! | 0, words[at + 2]! | 0, words[at + 3]! | 0];
  while (out.at - start < length) {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    (out.at === start ? heads : others).write(out, (t >>> 0) % count);
  }
  out.at = start + length;
  // A space at the end would be lost where a column or an application trims.
  if (out.bytes[out.at - 1] === 0x20) out.bytes[out.at - 1] = 0x73;
}
