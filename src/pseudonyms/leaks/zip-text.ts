/** What the parts of a ZIP archive are: of documents of office programs too, which are archives of XML. */
import { inflated } from './inflate.ts';

export interface ZipPart {
  name: string;
  /** Undefined when it cannot be read: encrypted, of an unknown method, damaged, too large. */
  bytes: Buffer | undefined;
}

const centralHeader = 0x02014b50;
const localHeader = 0x04034b50;
const endRecord = 0x06054b50;
const mostParts = 10_000;

export function isZip(bytes: Buffer): boolean {
  return bytes.length > 30 && bytes.readUInt32LE(0) === localHeader;
}

/** @returns undefined when the directory of the archive is missing */
export function* zipParts(bytes: Buffer): Generator<ZipPart> {
  let end = bytes.length - 22;
  const lowest = Math.max(0, end - 65_557);
  while (end >= lowest && bytes.readUInt32LE(end) !== endRecord) end--;
  if (end < lowest) {
    yield { name: '', bytes: undefined };
    return;
  }
  const count = Math.min(mostParts, bytes.readUInt16LE(end + 10));
  let at = bytes.readUInt32LE(end + 16);
  for (let k = 0; k < count; k++) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== centralHeader) {
      yield { name: '', bytes: undefined };
      return;
    }
    const [flags, method] = [bytes.readUInt16LE(at + 8), bytes.readUInt16LE(at + 10)];
    const size = bytes.readUInt32LE(at + 20);
    const lengths = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
    const local = bytes.readUInt32LE(at + 42);
    const name = bytes.toString('utf8', at + 46, at + 46 + lengths[0]!);
    const comment = at + 46 + lengths[0]! + lengths[1]!;
    yield { name: `${name} ${bytes.toString('utf8', comment, comment + lengths[2]!)}`.trim(), bytes: partOf() };
    at = comment + lengths[2]!;

    function partOf(): Buffer | undefined {
      if ((flags & 1) !== 0 || local + 30 > bytes.length) return undefined;
      const from = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
      const content = bytes.subarray(from, from + size);
      if (method === 0) return content;
      return method === 8 ? inflated(content, { raw: true }) : undefined;
    }
  }
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/**
 * The text of an XML document, in three ways: as it is written, with tags as nothing (a word may be cut by them), and with
 * tags as spaces. Where a paragraph, a row or a cell ends, a line ends.
 */
export function xmlTexts(xml: string): string[] {
  const plain = (text: string) =>
    text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
      const code = decimal ? Number(decimal) : hex ? Number.parseInt(hex, 16) : undefined;
      if (code !== undefined) return code <= 0x10ffff ? String.fromCodePoint(code) : '';
      return entities[name!] ?? whole;
    });
  const lines = xml.replace(
    /<\/(?:\w+:)?(?:p|h|si|c|v|row|tr|td|table-cell|title|creator|description|subject|keywords|lastModifiedBy|Company|Manager)>|<(?:\w+:)?(?:br|tab|line-break|cr)\s*\/>/g,
    '\n',
  );
  return [plain(lines.replace(/<[^>]*>/g, '')), plain(lines.replace(/<[^>]*>/g, ' ')), plain(xml)];
}
