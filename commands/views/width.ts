/** How much room text takes in a terminal, and text from elsewhere made safe to show there. */

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
const onlyAscii = /^[\x20-\x7e]*$/;
const noWidth = /^[\p{Mark}\p{Cf}\p{Cc}]+$/u;
/** East Asian Wide and Fullwidth, in the blocks that people meet. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]/u;
const emoji = /\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|\p{Emoji}\ufe0f\u20e3/u;

function graphemeWidth(grapheme: string): number {
  if (noWidth.test(grapheme)) return 0;
  return wide.test(grapheme) || emoji.test(grapheme) ? 2 : 1;
}

/** Columns that `text` takes. It must hold no escape codes. */
export function displayWidth(text: string): number {
  if (onlyAscii.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** `text` in at most `width` columns; what is cut off shows as `…` at the given end. */
export function truncate(text: string, width: number, cut: 'end' | 'middle' = 'end'): string {
  if (displayWidth(text) <= width) return text;
  if (width < 1) return '';
  const graphemes = [...segmenter.segment(text)].map(({ segment }) => segment);
  const room = width - 1;
  const tailRoom = cut === 'middle' ? Math.floor(room / 2) : 0;
  const head = take(graphemes, room - tailRoom);
  const tail = take(graphemes.toReversed(), tailRoom).toReversed();
  return `${head.join('')}…${tail.join('')}`;
}

function take(graphemes: readonly string[], width: number): string[] {
  const taken: string[] = [];
  let used = 0;
  for (const grapheme of graphemes) {
    used += graphemeWidth(grapheme);
    if (used > width) break;
    taken.push(grapheme);
  }
  return taken;
}

/** `text` with spaces up to `width` columns. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const spaces = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'left' ? text + spaces : spaces + text;
}

/**
 * Text from elsewhere (file names, table names, what servers say) on one line: control characters, which could move
 * the cursor or forge output, and characters that reorder text are written as escapes.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|\p{Cs}/gu, (character) => {
    const known: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
    const code = character.codePointAt(0)!;
    return known[character] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
  });
}

/** The same for text of several lines: line breaks stay. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}

/** `text` broken at spaces into lines of at most `width` columns; longer words keep a line of their own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && displayWidth(line) + 1 + displayWidth(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines;
}
