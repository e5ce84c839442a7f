import type { ByteColumn } from './byte-column.ts';
import { fillerWords } from './dictionaries/words.ts';
import type { BroughtCells, Kernels } from './kernels/kernels.ts';

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

/** Of each word 16 bytes and its length: at the beginning of a text, and after another. */
const list = new Int32Array(2 * fillerWords.length * 5);
for (const [i, word] of [
  ...fillerWords.map((each) => each[0]!.toUpperCase() + each.slice(1)),
  ...fillerWords.map((each) => ` ${each}`),
].entries()) {
  const bytes = Buffer.alloc(16);
  if (word.length > bytes.length || bytes.write(word) !== word.length) throw new RangeError('no short ASCII word');
  for (let k = 0; k < 4; k++) list[i * 5 + k] = bytes.readInt32LE(k * 4);
  list[i * 5 + 4] = word.length;
}

/**
 * Writes the same for the cells of a column: each as long as its cell in characters, `most` at most.
 *
 * @param words where four for each cell lie
 */
export function writeFillers(
  kernel: Kernels,
  count: number,
  { bytes, from, to, wide }: BroughtCells,
  words: number,
  most: number,
  out: ByteColumn,
): void {
  const { sizeOfCells, writeFillers } = kernel.run;
  const made = kernel.takeCells(count, sizeOfCells(from, to, count) + 16);
  const dictionary = kernel.put(list);
  const longest = Math.min(most, 0x7fff_ffff);
  const end = writeFillers(
    ...[bytes, from, to, wide, count, longest, words, dictionary, fillerWords.length, made.bytes, made.from, made.to],
  );
  kernel.give(out, count, made, end);
}
