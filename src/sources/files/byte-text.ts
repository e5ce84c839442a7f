import { isUtf8 } from 'node:buffer';
import type { PathText } from './manifest.ts';

/**
 * Names and paths as the kernel has them: bytes. Inside this folder they are strings with one character per byte
 * (latin1), which compare in byte order, work as keys, and take a third of the memory of Buffers.
 */
export type ByteText = string;

// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly the ASCII range, control characters included.
const ascii = /^[\x00-\x7f]*$/;

/** The bytes of a text that came from people or JSON. */
export function byteText(text: string): ByteText {
  return ascii.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** The text whose UTF-8 form these bytes are, or undefined when they are not UTF-8. */
function utf8Text(bytes: ByteText): string | undefined {
  if (ascii.test(bytes)) return bytes;
  const buffer = Buffer.from(bytes, 'latin1');
  return isUtf8(buffer) ? buffer.toString('utf8') : undefined;
}

/** As a manifest holds it. */
export function pathText(bytes: ByteText): PathText {
  return utf8Text(bytes) ?? { base64: Buffer.from(bytes, 'latin1').toString('base64') };
}

export function fromPathText(text: PathText): ByteText {
  return typeof text === 'string' ? byteText(text) : Buffer.from(text.base64, 'base64').toString('latin1');
}

/**
 * As people read it: control characters, backslashes and bytes that are not UTF-8 are escaped as `\n`, `\\`, `\xff`, so
 * that a name can neither break a line nor drive a terminal.
 */
export function shownPath(path: ByteText | { base64: string }): string {
  const bytes = typeof path === 'string' ? path : fromPathText(path);
  const text = utf8Text(bytes);
  if (text === undefined) return bytes.replace(/[^\x20-\x5b\x5d-\x7e]/g, escaped);
  // C1 controls and the marks that reorder text on a terminal as well.
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\\]/gu, (character) =>
    [...Buffer.from(character, 'utf8')].map((byte) => escaped(String.fromCharCode(byte))).join(''),
  );
}

function escaped(byte: string): string {
  if (byte === '\n') return '\\n';
  if (byte === '\t') return '\\t';
  if (byte === '\\') return '\\\\';
  return `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** The bytes that `shownPath` shows as this text; undefined when it holds no escape. */
export function unescapedPath(shown: string): ByteText | undefined {
  if (!shown.includes('\\')) return undefined;
  return byteText(shown).replace(/\\(n|t|\\|x[0-9a-f]{2})/g, (_, code: string) => {
    if (code === 'n') return '\n';
    if (code === 't') return '\t';
    if (code === '\\') return '\\';
    return String.fromCharCode(Number.parseInt(code.slice(1), 16));
  });
}

/**
 * Text that compares as the walk goes: a directory, then all it holds, then what follows it, names in byte order. A `/` must be
 * the lowest character for that, and NUL cannot be part of a name.
 */
export function walkKey(path: ByteText): string {
  return path === '.' ? '' : path.replaceAll('/', '\0');
}

/** The path of `name` in the directory `directory`, which is `.` for the root. */
export function joined(directory: ByteText, name: ByteText): ByteText {
  return directory === '.' ? name : `${directory}/${name}`;
}

/** The directory a path lies in, and its last component. The root itself is `.` in `.`. */
export function splitPath(path: ByteText): { directory: ByteText; name: ByteText } {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? { directory: '.', name: path } : { directory: path.slice(0, slash), name: path.slice(slash + 1) };
}
