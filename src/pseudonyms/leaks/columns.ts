/** How the columns of a copy are read and looked at, by what they hold. */

import { quoteIdentifier } from '../../sources/postgres/quote.ts';
import type { ByteColumn } from '../byte-column.ts';
import type { CatalogColumn } from '../discovery-catalog.ts';
import type { Cell } from '../transformer.ts';
import { type SearchMode, searchCells } from './column-search.ts';
import { textsOf } from './file-text.ts';
import type { Found, TextScanner } from './scan-text.ts';

/** Of one cell: bytes of a bytea, characters of anything else. */
export const longestCell = 8 * 1024 * 1024;

export interface ColumnReading {
  /** In the list of a SELECT. */
  expression: string;
  /** How a kernel searches whole columns; undefined where every cell is looked at by itself. */
  mode?: SearchMode;
  /** @returns parts that could not be read */
  scan(scanner: TextScanner, cell: string, found: Found): number;
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
      return { expression: name, mode: 'numbers', scan: plainNumber };
    case 'uuid':
    case 'ip':
    case 'mac':
      return { expression: name, mode: 'texts', scan: plainText };
    case 'bytea':
      return { expression: `pg_catalog.substr(${name}, 1, ${longestCell})`, scan: binary };
    default:
      return {
        expression: `pg_catalog."left"(${name}::pg_catalog.text, ${longestCell})`,
        mode: 'values',
        scan: anyText,
      };
  }
}

function plainNumber(scanner: TextScanner, cell: string, found: Found): number {
  scanner.number(cell, found);
  return 0;
}

function plainText(scanner: TextScanner, cell: string, found: Found): number {
  scanner.text(cell, found);
  return 0;
}

function anyText(scanner: TextScanner, cell: string, found: Found): number {
  scanner.value(cell, found);
  return cell.length >= longestCell ? 1 : 0;
}

function binary(scanner: TextScanner, cell: string, found: Found): number {
  scanner.bytes(cell, found);
  const bytes = Buffer.from(cell.slice(2), 'hex');
  const unread = textsOf(bytes, (text, noise) => scanner.value(text, found, { noise }));
  return unread + (bytes.length >= longestCell ? 1 : 0);
}

/** @returns parts that could not be read */
export function scanCell({ scan }: ColumnReading, scanner: TextScanner, cell: Cell, found: Found): number {
  return cell === null || cell.length < 4 ? 0 : scan(scanner, cell, found);
}

/**
 * Looks at all cells of a column, in any order, one after the other.
 *
 * @param begins told of a cell before anything is found in it; also of some in which nothing is
 * @returns parts that could not be read
 */
export function scanCells(
  reading: ColumnReading,
  scanner: TextScanner,
  cells: ByteColumn,
  found: Found,
  begins?: (i: number) => void,
): number {
  let unread = 0;
  const look = (i: number): void => {
    begins?.(i);
    unread += scanCell(reading, scanner, cells.cellAt(i), found);
  };
  if (reading.mode === undefined) for (let i = 0; i < cells.count; i++) look(i);
  else
    searchCells(cells, reading.mode, scanner, {
      look,
      found: (i, print, low) => {
        begins?.(i);
        found(print, low, false);
      },
    });
  return unread;
}
