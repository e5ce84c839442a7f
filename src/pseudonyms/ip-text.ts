import { writePair } from './byte-numbers.ts';
import { hexDigits, hexValues } from './hex-digits.ts';

/** IP addresses as PostgreSQL's `inet` and `cidr` write them: an address, and perhaps the length of its network. */
export interface IpText {
  readonly family: 4 | 6;
  readonly value: bigint;
  readonly mask: number | undefined;
}

export function parseIp(text: string): IpText | undefined {
  const [address, suffix, more] = text.trim().split('/');
  if (address === undefined || more !== undefined) return undefined;
  const family = address.includes(':') ? 6 : 4;
  const value = family === 6 ? parseSix(address) : parseFour(address);
  if (value === undefined) return undefined;
  if (suffix === undefined) return { family, value, mask: undefined };
  if (!/^\d{1,3}$/.test(suffix) || Number(suffix) > (family === 4 ? 32 : 128)) return undefined;
  return { family, value, mask: Number(suffix) };
}

function parseFour(address: string): bigint | undefined {
  const parts = address.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function parseSix(address: string): bigint | undefined {
  let text = address;
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (embedded !== null) {
    const four = parseFour(embedded[2]!);
    if (four === undefined) return undefined;
    text = `${embedded[1]}${(four >> 16n).toString(16)}:${(four & 0xffffn).toString(16)}`;
  }
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = (part: string | undefined): string[] => (part ? part.split(':') : []);
  const [left, right] = [groups(halves[0]), groups(halves[1])];
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...left, ...new Array<string>(missing).fill('0'), ...right];
  if (!all.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return all.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}

const colon = 0x3a;
const slash = 0x2f;

/** Stands for no length of a network in what follows. */
export const noMask = 255;

function maskAt(bytes: Buffer, from: number, to: number, most: number): number {
  if (to - from < 1 || to - from > 3) return -1;
  let mask = 0;
  for (let at = from; at < to; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return -1;
    mask = mask * 10 + digit;
  }
  return mask > most ? -1 : mask;
}

/** Writes an IPv4 address. @returns where it ends, at most 18 bytes further */
export function writeFour(bytes: Buffer, place: number, address: number, mask: number): number {
  let at = writeShort(bytes, place, address >>> 24);
  bytes[at++] = 0x2e;
  at = writeShort(bytes, at, (address >>> 16) & 255);
  bytes[at++] = 0x2e;
  at = writeShort(bytes, at, (address >>> 8) & 255);
  bytes[at++] = 0x2e;
  at = writeShort(bytes, at, address & 255);
  if (mask === noMask) return at;
  bytes[at++] = slash;
  return writeShort(bytes, at, mask);
}

/** A number below 256. */
function writeShort(bytes: Buffer, place: number, value: number): number {
  let at = place;
  let left = value;
  if (left >= 100) {
    const hundreds = left >= 200 ? 2 : 1;
    bytes[at++] = 0x30 + hundreds;
    left -= hundreds * 100;
    writePair(bytes, at, left);
    return at + 2;
  }
  if (left >= 10) {
    writePair(bytes, at, left);
    return at + 2;
  }
  bytes[at++] = 0x30 + left;
  return at;
}

/** The groups of 16 bits of the address at hand. */
const groups = new Uint16Array(8);

/**
 * Reads an IPv6 address, without an IPv4 address in it, into four words from `place` on.
 *
 * @returns the length of its network or `noMask`; below 0 for anything else, which `parseIp` may still take
 */
export function plainSix(bytes: Buffer, from: number, to: number, words: Uint32Array, place: number): number {
  let count = 0;
  /** Groups before `::`. */
  let gap = -1;
  let value = 0;
  let digits = 0;
  let at = from;
  for (; at < to; at++) {
    const byte = bytes[at]!;
    const digit = hexValues[byte]!;
    if (digit >= 0) {
      value = (value << 4) | digit;
      if (++digits > 4) return -1;
    } else if (byte === colon) {
      if (digits > 0) {
        if (count === 8) return -1;
        groups[count++] = value;
        value = digits = 0;
      } else if (at !== from) return -1;
      if (at + 1 < to && bytes[at + 1] === colon) {
        if (gap >= 0) return -1;
        gap = count;
        at++;
      } else if (at === from) return -1;
    } else if (byte === slash) break;
    else return -1;
  }
  if (digits > 0) {
    if (count === 8) return -1;
    groups[count++] = value;
  } else if (gap !== count) return -1;
  if (gap < 0 ? count !== 8 : count > 7) return -1;
  if (gap >= 0) {
    groups.copyWithin(8 - count + gap, gap, count);
    groups.fill(0, gap, 8 - count + gap);
  }
  for (let k = 0; k < 4; k++) words[place + k] = (groups[2 * k]! << 16) | groups[2 * k + 1]!;
  return at === to ? noMask : maskAt(bytes, at + 1, to, 128);
}

/**
 * Writes an IPv6 address in the form of RFC 5952: the longest run of two or more zero groups as `::`.
 *
 * @returns where it ends, at most 43 bytes further
 */
export function writeSix(bytes: Buffer, start: number, words: Uint32Array, place: number, mask: number): number {
  for (let k = 0; k < 8; k++) groups[k] = words[place + (k >> 1)]! >>> (k & 1 ? 0 : 16);
  let [best, longest, run] = [-1, 1, 0];
  for (let k = 0; k < 8; k++) {
    run = groups[k] === 0 ? run + 1 : 0;
    if (run > longest) [best, longest] = [k + 1 - run, run];
  }
  let at = start;
  for (let k = 0; k < 8; k++) {
    if (k === best) {
      bytes[at++] = colon;
      if (k + longest === 8) bytes[at++] = colon;
      k += longest - 1;
      continue;
    }
    if (k > 0) bytes[at++] = colon;
    const group = groups[k]!;
    if (group > 0xfff) bytes[at++] = hexDigits[group >> 12]!;
    if (group > 0xff) bytes[at++] = hexDigits[(group >> 8) & 15]!;
    if (group > 0xf) bytes[at++] = hexDigits[(group >> 4) & 15]!;
    bytes[at++] = hexDigits[group & 15]!;
  }
  if (mask === noMask) return at;
  bytes[at++] = slash;
  return writeShort(bytes, at, mask);
}
