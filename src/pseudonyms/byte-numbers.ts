/** Whole numbers in bytes: a string for each would cost more than what is done with them. */

const pairs = Buffer.from(Array.from({ length: 100 }, (_, k) => String(k).padStart(2, '0')).join(''));

/** Writes a whole number from 0 to 2^53. @returns where it ends, at most 16 bytes further */
export function writeWhole(bytes: Buffer, at: number, value: number): number {
  if (value < 0x7fff_ffff) return writeDigits(bytes, at, value | 0, lengthOf(value | 0));
  const head = Math.floor(value / 1e9);
  return writeDigits(bytes, writeDigits(bytes, at, head, lengthOf(head)), value - head * 1e9, 9);
}

/** Writes the last `length` digits of a whole number below 2^31, with zeros before it. @returns where they end */
export function writeDigits(bytes: Uint8Array, at: number, value: number, length: number): number {
  const end = at + length;
  let left = value | 0;
  let k = end;
  while (k - at >= 2) {
    const rest = (left / 100) | 0;
    const pair = (left - rest * 100) << 1;
    bytes[--k] = pairs[pair + 1]!;
    bytes[--k] = pairs[pair]!;
    left = rest;
  }
  if (k > at) bytes[at] = 48 + (left % 10);
  return end;
}

/** Writes a whole number below 100 as two digits. */
export function writePair(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = pairs[value << 1]!;
  bytes[at + 1] = pairs[(value << 1) + 1]!;
}

function lengthOf(value: number): number {
  if (value < 10_000) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4;
  if (value < 100_000_000) return value < 1_000_000 ? (value < 100_000 ? 5 : 6) : value < 10_000_000 ? 7 : 8;
  return value < 1_000_000_000 ? 9 : 10;
}
