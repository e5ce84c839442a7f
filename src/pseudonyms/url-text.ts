/** Parts of URLs in bytes. */
import type { ByteColumn } from './byte-column.ts';

const colon = 0x3a;
const slash = 0x2f;
const question = 0x3f;
const hash = 0x23;
const at = 0x40;
const dot = 0x2e;

/** Sets `hosts` to the host of each cell, where it lies in it; '' where there is none. */
export function readHosts(cells: ByteColumn, hosts: ByteColumn): void {
  const { count, bytes, from, to, wide } = cells;
  hosts.lieIn(cells, count);
  for (let i = 0; i < count; i++) {
    const end = to[i]!;
    let start = afterScheme(bytes, from[i]!, end);
    let stop = start;
    let seen = 0;
    if (start >= 0) {
      // A log-in name before the host.
      let k = start;
      while (k < end && !(bytes[k] === slash || bytes[k] === question || bytes[k] === hash || bytes[k] === at)) k++;
      if (k < end && bytes[k] === at) start = k + 1;
      for (stop = start; stop < end; stop++) {
        const byte = bytes[stop]!;
        if (byte === slash || byte === question || byte === hash || byte === colon) break;
        seen |= byte;
      }
    }
    hosts.from[i] = start < 0 ? 0 : start;
    hosts.to[i] = stop < 0 ? 0 : stop;
    hosts.wide[i] = wide[i] === 0 ? 0 : seen & 128;
  }
}

/** Where a URL goes on after `scheme://`; below 0 where it does not begin so. */
function afterScheme(bytes: Buffer, from: number, end: number): number {
  for (let k = from; k < end; k++) {
    const byte = bytes[k]!;
    const small = byte | 0x20;
    if (small >= 0x61 && small <= 0x7a) continue;
    if (k === from) return -1;
    if ((byte >= 0x30 && byte <= 0x39) || byte === 0x2b || byte === dot || byte === 0x2d) continue;
    return byte === colon && k + 2 < end && bytes[k + 1] === slash && bytes[k + 2] === slash ? k + 3 : -1;
  }
  return -1;
}

/** Whether it begins with `http:`. */
export function isPlainHttp(bytes: Buffer, from: number, to: number): boolean {
  return (
    to - from > 4 &&
    bytes[from + 4] === colon &&
    (bytes[from]! | 0x20) === 0x68 &&
    (bytes[from + 1]! | 0x20) === 0x74 &&
    (bytes[from + 2]! | 0x20) === 0x74 &&
    (bytes[from + 3]! | 0x20) === 0x70
  );
}

/** Where its query or fragment begins, or else it ends. */
export function pathEnd(bytes: Buffer, from: number, to: number): number {
  for (let k = from; k < to; k++) if (bytes[k] === question || bytes[k] === hash) return k;
  return to;
}

/** Kinds of files that say nothing of anybody, as the words that four letters and digits make. */
const extensions = new Set(
  'jpg jpeg png gif webp svg pdf htm html json xml zip mp3 mp4 doc docx xls xlsx csv txt'
    .split(' ')
    .map((ending) => [...ending].reduce((word, letter) => (word << 8) | letter.charCodeAt(0), 0)),
);

/** Where the ending of a known kind of file begins, its dot included; `to` where there is none. */
export function extensionOf(bytes: Buffer, from: number, to: number): number {
  const start = to - from > 3 && bytes[to - 4] === dot ? to - 4 : to - from > 4 && bytes[to - 5] === dot ? to - 5 : to;
  let word = 0;
  for (let k = start + 1; k < to; k++) {
    const byte = bytes[k]!;
    word = (word << 8) | (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);
  }
  return extensions.has(word) ? start : to;
}
