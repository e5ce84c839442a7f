/** What any bytes say: documents by their kind, texts by their encoding, and the words within everything else. */
import { gunzipSync } from 'node:zlib';
import { isGzip } from './inflate.ts';
import { isPdf, mostCharacters, pdfTexts } from './pdf-text.ts';
import { isZip, xmlTexts, zipParts } from './zip-text.ts';

/** @param noise the bytes are of no known kind: short words are chance */
export type TakeText = (text: string, noise: boolean) => void;

const deepest = 3;
const largestUnpacked = 32 * 1024 * 1024;

/** @returns parts that could not be read */
export function textsOf(bytes: Buffer, take: TakeText, depth = 0): number {
  if (bytes.length < 4) return 0;
  if (isPdf(bytes)) return pdfTexts(bytes, (text) => take(text, false));
  if (isZip(bytes)) {
    if (depth >= deepest) return 1;
    let unread = 0;
    let size = 0;
    for (const { name, bytes: part } of zipParts(bytes)) {
      if (name !== '') take(name, false);
      size += part?.length ?? 0;
      if (part === undefined || size > 4 * largestUnpacked) unread++;
      else unread += textsOf(part, take, depth + 1);
    }
    return unread;
  }
  if (isGzip(bytes)) {
    if (depth >= deepest) return 1;
    try {
      return textsOf(gunzipSync(bytes, { maxOutputLength: largestUnpacked }), take, depth + 1);
    } catch {
      return 1;
    }
  }
  const wide = wideEncoding(bytes);
  if (wide !== undefined) {
    const even = bytes.subarray(0, bytes.length & ~1);
    take((wide === 'le' ? even : Buffer.from(even).swap16()).toString('utf16le'), false);
    // What only looks like it may hold other bytes: a text in two bytes each has many zeros, or none that are printable.
    if (bytes[0]! < 0xfe || !hasManyZeros(even)) runsOf(bytes, (text) => take(text, true));
    return 0;
  }
  const encoding = textEncoding(bytes);
  if (encoding !== undefined) {
    const text = bytes.toString(encoding);
    if (/^\ufeff?\s*<(?:\?xml|!DOCTYPE|html|\w+:\w+)/i.test(text.slice(0, 200)))
      for (const each of xmlTexts(text)) take(each, false);
    else take(text, false);
    return 0;
  }
  runsOf(bytes, (text) => take(text, true));
  return 0;
}

/** By its mark, or because every other byte is zero. */
function wideEncoding(bytes: Buffer): 'le' | 'be' | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'be';
  const length = Math.min(bytes.length & ~1, 512);
  let [even, odd] = [0, 0];
  for (let at = 0; at < length; at += 2) {
    if (bytes[at] === 0) even++;
    if (bytes[at + 1] === 0) odd++;
  }
  if (odd > length * 0.4 && even === 0) return 'le';
  return even > length * 0.4 && odd === 0 ? 'be' : undefined;
}

function hasManyZeros(bytes: Buffer): boolean {
  const sample = bytes.subarray(0, 512);
  let zeros = 0;
  for (const byte of sample) if (byte === 0) zeros++;
  return zeros * 4 >= sample.length;
}

function textEncoding(bytes: Buffer): 'utf8' | 'latin1' | undefined {
  const sample = bytes.subarray(0, 8192);
  let controls = 0;
  for (const byte of sample) if (byte < 9 || (byte > 13 && byte < 32)) controls++;
  if (controls > sample.length / 100) return undefined;
  try {
    // The sample may end within a character.
    new TextDecoder('utf-8', { fatal: true }).decode(sample, { stream: true });
    return 'utf8';
  } catch {
    return isLatin(sample) ? 'latin1' : undefined;
  }
}

/** Nearly all of it letters and spaces: a text in an older encoding. */
function isLatin(sample: Buffer): boolean {
  let plain = 0;
  for (const byte of sample) if ((byte >= 32 && byte < 127) || byte === 10 || byte === 13 || byte === 9) plain++;
  return plain > sample.length * 0.8;
}

const shortestRun = 8;

/** Runs of printable characters in bytes of one and of two: comments of pictures, strings of old documents. */
function runsOf(bytes: Buffer, take: (text: string) => void): void {
  let size = 0;
  const pieces: string[] = [];
  const add = (text: string) => {
    pieces.push(text);
    size += text.length;
    if (size < 1024 * 1024) return;
    take(pieces.join('\n'));
    pieces.length = size = 0;
  };
  const isPrintable = (byte: number) => byte >= 32 && byte !== 127;
  for (let at = 0; at < bytes.length; ) {
    const from = at;
    let plain = 0;
    while (at < bytes.length && isPrintable(bytes[at]!) && at - from < mostCharacters) {
      if (bytes[at]! < 127) plain++;
      at++;
    }
    if (at - from >= shortestRun && plain * 2 > at - from) add(bytes.toString('utf8', from, at));
    at++;
  }
  // Characters of two bytes: every other one is zero.
  for (const offset of [0, 1]) {
    for (let at = offset; at + 1 < bytes.length; ) {
      const from = at;
      while (at + 1 < bytes.length && bytes[at + 1] === 0 && isPrintable(bytes[at]!)) at += 2;
      if (at - from >= 2 * shortestRun) add(bytes.toString('utf16le', from, at));
      at += 2;
    }
  }
  if (pieces.length > 0) take(pieces.join('\n'));
}
