import { isUtf8 } from 'node:buffer';

/** Types of file that are told apart, by content and never by name. */
export const fileTypes = [
  'pdf',
  'png',
  'jpeg',
  'gif',
  'docx',
  'xlsx',
  'pptx',
  'odt',
  'zip',
  'xml',
  'html',
  'json',
  'csv',
  'text',
  'other',
] as const;

export type FileType = (typeof fileTypes)[number];

/** Bytes from the beginning of a file that its type is told by. */
export const detectionBytes = 64 * 1024;

/**
 * Tells the type of a file.
 *
 * @param bytes its first `detectionBytes`, or all of it; more is not looked at
 */
export function detectType(bytes: Uint8Array): FileType {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, detectionBytes));
  const begins = (magic: string) => head.toString('latin1', 0, magic.length) === magic;
  if (begins('\x89PNG\r\n\x1a\n')) return 'png';
  if (begins('\xff\xd8\xff')) return 'jpeg';
  if (begins('GIF87a') || begins('GIF89a')) return 'gif';
  if (begins('PK\x03\x04') || begins('PK\x05\x06')) return archiveType(head);
  // Readers take a PDF that begins within the first kilobyte.
  if (head.subarray(0, 1024).includes('%PDF-')) return 'pdf';
  const text = asText(head, bytes.byteLength >= detectionBytes);
  return text === undefined ? 'other' : textType(text);
}

const opendocument = 'application/vnd.oasis.opendocument.text';

/** By the names of its entries, which stand before each of them: the list at the end may be far away. */
function archiveType(head: Buffer): FileType {
  let office = false;
  let folder: FileType | undefined;
  for (let at = 0; at >= 0 && at + 30 <= head.length; at = head.indexOf('PK\x03\x04', at + 30, 'latin1')) {
    const nameLength = head.readUInt16LE(at + 26);
    const name = head.toString('latin1', at + 30, at + 30 + nameLength);
    if (at === 0 && name === 'mimetype') {
      const from = at + 30 + nameLength + head.readUInt16LE(at + 28);
      const size = head.readUInt32LE(at + 22);
      return head.toString('latin1', from, from + size) === opendocument ? 'odt' : 'zip';
    }
    if (name === '[Content_Types].xml') office = true;
    else if (name.startsWith('word/')) folder ??= 'docx';
    else if (name.startsWith('xl/')) folder ??= 'xlsx';
    else if (name.startsWith('ppt/')) folder ??= 'pptx';
  }
  return office && folder !== undefined ? folder : 'zip';
}

/** The text that the bytes are, or undefined: UTF-8, UTF-16 with its mark, or an 8-bit encoding without control characters. */
function asText(head: Buffer, cut: boolean): string | undefined {
  if (head.length === 0) return undefined;
  if (head[0] === 0xff && head[1] === 0xfe) return head.toString('utf16le', 2);
  if (head[0] === 0xfe && head[1] === 0xff) {
    const swapped = Buffer.from(head.subarray(2, head.length - (head.length % 2)));
    return swapped.swap16().toString('utf16le');
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what no text holds
  if (/[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/.test(head.toString('latin1'))) return undefined;
  // The last character may be cut in two.
  for (let less = 0; less <= (cut ? 3 : 0); less++) {
    const part = head.subarray(0, head.length - less);
    if (isUtf8(part)) return part.toString('utf8').replace(/^\ufeff/, '');
  }
  let high = 0;
  for (const byte of head) if (byte > 0x7f) high++;
  return high <= head.length * 0.3 ? head.toString('latin1') : undefined;
}

function textType(text: string): FileType {
  const start = text.trimStart().slice(0, 512).toLowerCase();
  if (/^(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)*(?:<!doctype html|<html|<head|<body)/.test(start)) return 'html';
  if (/^<(?:\?xml|!doctype|!--|[a-z_][\w:.-]*(?:\s|>|\/>))/.test(start)) return 'xml';
  if (/^(?:\{\s*(?:"|\}|$)|\[\s*(?:["{[\]\d-]|true|false|null))/.test(start) && isJson(text)) return 'json';
  return isSeparated(text) ? 'csv' : 'text';
}

/** A whole document, one document a line, or the beginning of one. */
function isJson(text: string): boolean {
  if (text.length >= detectionBytes / 4) return true;
  const parses = (part: string) => {
    try {
      JSON.parse(part);
      return true;
    } catch {
      return false;
    }
  };
  return parses(text) || text.trim().split('\n').every(parses);
}

/** Whether every one of the first lines has as many separators, and at least one. */
function isSeparated(text: string): boolean {
  const lines = text
    .replace(/"(?:[^"]|"")*"/g, 'x')
    .split(/\r?\n/)
    .slice(0, 12);
  // The last line may be cut, or empty.
  lines.pop();
  if (lines.length < 2) return false;
  return [',', ';', '\t', '|'].some((separator) => {
    const counts = new Set(lines.map((line) => line.split(separator).length));
    return counts.size === 1 && !counts.has(1);
  });
}
