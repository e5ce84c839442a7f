/** Keyed bits as text, five of them a character. */

/** Lower case without the letters that are easily confused (i, l, o, u); 5 bits a character. */
export const base32 = '0123456789abcdefghjkmnpqrstvwxyz';
const base32Codes = Buffer.from(base32);

/** `length` characters (at most 25) from the 128 bits at `words[at …]`, taken from their end, into a cell that has room for them. */
export function writeBase32(out: { bytes: Buffer; at: number }, words: Uint32Array, at: number, length: number): void {
  const { bytes } = out;
  let word = 3;
  let held = words[at + 3]!;
  let bits = 32;
  for (let k = 0; k < length; k++) {
    let five = held & 31;
    if (bits < 5) {
      held = words[at + --word]!;
      const missing = 5 - bits;
      five |= (held & ((1 << missing) - 1)) << bits;
      held >>>= missing;
      bits = 32 - missing;
    } else {
      held >>>= 5;
      bits -= 5;
    }
    bytes[out.at++] = base32Codes[five & 31]!;
  }
}
