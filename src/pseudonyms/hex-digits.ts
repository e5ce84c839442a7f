/** By byte: the value of a hexadecimal digit of either case; below 0 for any other byte. */
export const hexValues = new Int8Array(256).fill(-1);
export const hexDigits = Buffer.from('0123456789abcdef');
for (const [k, byte] of hexDigits.entries()) {
  hexValues[byte] = k;
  if (byte >= 0x61) hexValues[byte - 0x20] = k;
}
