/** What each character is within a text: part of a word, of what joins words, or of what parts them. */

export const separator = 0;
export const inner = 1;
export const letter = 2;
export const digit = 4;
export const combining = 5;

export const classMask = 7;
export const upperBit = 8;

/** Where a line ends. */
export const lineBit = 64;

/** Of a UTF-16 code unit: its lower case above bit 8, whether it ends a line, whether it is a capital, and what it is within a word. */
export const facts = new Int32Array(65536);
for (let code = 0; code < 65536; code++) {
  const char = String.fromCharCode(code);
  const folded = char.toLowerCase();
  const low = folded.length === 1 ? folded.charCodeAt(0) : code;
  let kind: number = separator;
  if (code >= 0xd800 && code < 0xe000) kind = letter;
  else if (/\p{L}/u.test(char)) kind = letter;
  else if (/\p{Nd}/u.test(char)) kind = digit;
  else if (/\p{M}/u.test(char)) kind = combining;
  else if ("@.-'’/:_+&#%~$*!?\\\u2010\u2011".includes(char)) kind = inner;
  // Scripts without case count as if they had capitals: nothing tells their names from words.
  const upper = folded !== char || /\p{Lo}/u.test(char);
  facts[code] = (low << 8) | (upper ? upperBit : 0) | kind;
}
// As apostrophes and hyphens are written by hand.
facts[0x2019] = (0x27 << 8) | inner;
facts[0x2010] = facts[0x2011] = (0x2d << 8) | inner;
facts[0x0a]! |= lineBit;
