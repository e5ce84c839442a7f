/** How the columns of a copy are read and looked at, by what they hold. */

import { quoteIdentifier } from '../../sources/postgres/quote.ts';
import type { ByteColumn } from '../byte-column.ts';
import type { CatalogColumn } from '../discovery-catalog.ts';
import { textsOf } from './file-text.ts';
import type { Found, TextScanner } from './scan-text.ts';

/** Of one cell: bytes of a bytea, characters of anything else. */
export const longestCell = 8 * 1024 * 1024;

export interface ColumnReading {
  /** In the list of a SELECT. */
  expression: string;
  /** @returns parts that could not be read */
  scan(scanner: TextScanner, cell: string, found: Found): number;
  /** The same of a cell that may be NULL, of which a string is made only where needed. */
  scanAt(scanner: TextScanner, cells: ByteColumn, i: number, found: Found): number;
}

/** @returns undefined when nothing in the column can be an original that is looked for */
export function readingOf(column: Pick<CatalogColumn, 'name' | 'class' | 'type'>): ColumnReading | undefined {
  const name = quoteIdentifier(column.name);
  switch (column.class) {
    case 'boolean':
    case 'date':
    case 'time':
    case 'point':
    case 'oid':
    // Its labels are among the definitions.
    case 'enum':
      return undefined;
    case 'number':
      if (/^(?:smallint|real|double precision|money)$/.test(column.type)) return undefined;
      return { expression: name, scan: plainNumber, scanAt: plainNumberAt };
    case 'uuid':
    case 'ip':
    case 'mac':
      return { expression: name, scan: plainText, scanAt: plainTextAt };
    case 'bytea':
      return { expression: `pg_catalog.substr(${name}, 1, ${longestCell})`, scan: binary, scanAt: binaryAt };
    default:
      return {
        expression: `pg_catalog."left"(${name}::pg_catalog.text, ${longestCell})`,
        scan: anyText,
        scanAt: anyTextAt,
      };
  }
}

function plainNumber(scanner: TextScanner, cell: string, found: Found): number {
  scanner.number(cell, found);
  return 0;
}

function plainNumberAt(scanner: TextScanner, cells: ByteColumn, i: number, found: Found): number {
  scanner.numberAt(cells, i, found);
  return 0;
}

function plainText(scanner: TextScanner, cell: string, found: Found): number {
  scanner.text(cell, found);
  return 0;
}

function plainTextAt(scanner: TextScanner, cells: ByteColumn, i: number, found: Found): number {
  scanner.textAt(cells, i, found);
  return 0;
}

function anyText(scanner: TextScanner, cell: string, found: Found): number {
  scanner.value(cell, found);
  return cell.length >= longestCell ? 1 : 0;
}

function anyTextAt(scanner: TextScanner, cells: ByteColumn, i: number, found: Found): number {
  // As many characters have as many bytes at least.
  if (cells.to[i]! - cells.from[i]! >= longestCell) return anyText(scanner, cells.cellAt(i)!, found);
  scanner.valueAt(cells, i, found);
  return 0;
}

function binary(scanner: TextScanner, cell: string, found: Found): number {
  scanner.bytes(cell, found);
  const bytes = Buffer.from(cell.slice(2), 'hex');
  const unread = textsOf(bytes, (text, noise) => scanner.value(text, found, { noise }));
  return unread + (bytes.length >= longestCell ? 1 : 0);
}

function binaryAt(scanner: TextScanner, cells: ByteColumn, i: number, found: Found): number {
  const cell = cells.cellAt(i);
  return cell === null || cell.length < 4 ? 0 : binary(scanner, cell, found);
}

/** @returns parts that could not be read */
export function scanCells({ scanAt }: ColumnReading, scanner: TextScanner, cells: ByteColumn, found: Found): number {
  let unread = 0;
  for (let i = 0; i < cells.count; i++) unread += scanAt(scanner, cells, i, found);
  return unread;
}
