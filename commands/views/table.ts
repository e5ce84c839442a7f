/** Tables for people: columns aligned by what they take on a terminal, and never wider than it. */
import { plainStyle, type Style } from './style.ts';
import { displayWidth, pad, printable, truncate } from './width.ts';

export interface Column<Row> {
  title: string;
  value: (row: Row) => string;
  align?: 'left' | 'right';
  /** Which end is cut when the terminal is too narrow. Columns without it are never cut. */
  cut?: 'end' | 'middle';
  /** Colours a cell of this row; gets the padded text. */
  paint?: (text: string, row: Row) => string;
}

export interface TableOptions {
  /** Columns of the terminal; undefined in a pipe, where nothing is cut. */
  width?: number | undefined;
  style?: Style;
}

const gap = '  ';
const narrowest = 8;

/** The table as lines joined by line breaks, with a line break at the end; nothing at all without rows. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], options: TableOptions = {}): string {
  if (rows.length === 0) return '';
  const style = options.style ?? plainStyle;
  const cells = rows.map((row) => columns.map((column) => printable(column.value(row))));
  const widths = columns.map((column, index) =>
    Math.max(displayWidth(column.title), ...cells.map((line) => displayWidth(line[index]!))),
  );
  if (options.width !== undefined) shrink(columns, widths, options.width);
  const line = (texts: string[], paint: (text: string, index: number) => string) =>
    texts
      .map((text, index) => {
        const { cut, align } = columns[index]!;
        const shown = cut === undefined ? text : truncate(text, widths[index]!, cut);
        // Spaces at the end of a line would wrap in a terminal that is a little too narrow.
        const isLast = index === texts.length - 1 && align !== 'right';
        return paint(isLast ? shown : pad(shown, widths[index]!, align), index);
      })
      .join(gap)
      .trimEnd();
  const head = line(
    columns.map(({ title }) => title),
    (text) => style.bold(text),
  );
  const body = cells.map((texts, number) =>
    line(texts, (text, index) => columns[index]!.paint?.(text, rows[number]!) ?? text),
  );
  return [head, ...body].map((text) => `${text}\n`).join('');
}

/** Takes what is too much from the columns that may be cut, the widest first. */
function shrink<Row>(columns: readonly Column<Row>[], widths: number[], room: number): void {
  let excess = widths.reduce((sum, width) => sum + width, 0) + gap.length * (widths.length - 1) - room;
  while (excess > 0) {
    let widest = -1;
    for (const [index, column] of columns.entries()) {
      if (column.cut === undefined || widths[index]! <= narrowest) continue;
      if (widest < 0 || widths[index]! > widths[widest]!) widest = index;
    }
    if (widest < 0) return;
    widths[widest]!--;
    excess--;
  }
}

/** `label  value` lines, aligned; pairs whose value is undefined are left out. */
export function facts(pairs: readonly (readonly [string, string | undefined])[], style: Style = plainStyle): string {
  const shown = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined);
  const width = Math.max(0, ...shown.map(([label]) => displayWidth(label)));
  return shown.map(([label, value]) => `${style.dim(pad(label, width))}  ${printable(value)}\n`).join('');
}
