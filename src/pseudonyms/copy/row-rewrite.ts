/** Runs the transformers of one table over batches of its rows. */
import { HoldfastError } from '../../base/errors.ts';
import { ByteColumn, type CellEncoding } from '../byte-column.ts';
import { onBytes } from '../byte-runs.ts';
import type { Rewrite } from '../copy-text.ts';
import type { PseudonymKey } from '../keys.ts';
import { makeTransformer } from '../registry.ts';
import type { ByteRun, Cell, PrepareContext, Programs, Transformer } from '../transformer.ts';
import { RepeatedCells } from './repeated-cells.ts';
import type { TableTransform } from './table-transform.ts';
import type { WholeColumns } from './whole-columns.ts';

/** Is shown the originals of ruled columns, batch by batch, each at least once; must not change them. Not of those that keep true values: `sql`, `shuffle`. */
export interface OriginalsWatch {
  originals(column: string, cells: ByteColumn): void;
}

export interface RowRewrite {
  /** Positions in the COPY of the columns that the rewriting reads, rising: ruled ones, and those that rules look at. */
  positions: number[];
  rewrite: Rewrite;
  /** The same on strings; the columns given stay as they are. */
  strings(columns: readonly (readonly Cell[])[]): readonly (readonly Cell[])[];
}

/** What some kinds want beside the key. */
export interface RewriteResources {
  /** For `command`. */
  programs?: Programs;
  /** For `shuffle`: by column, over all rows of the relation. */
  whole?: WholeColumns;
  /** That of the cells. Default `utf8`. */
  encoding?: CellEncoding;
}

interface Step {
  /** Index into `positions`. */
  slot: number;
  column: string;
  /** The column's own values, in other rows. */
  dealtOut: boolean;
  run: ByteRun;
  /** Where it is written, batch after batch. */
  made: ByteColumn;
  /** In place of `run`, of a kind that goes by the cell alone. */
  repeated?: RepeatedCells;
  companions: { slot: number; pseudonym: boolean }[];
}

/**
 * @returns undefined when every column is copied as it is
 * @throws HoldfastError `config` when rules are built from each other in a circle
 */
export function rowRewrite(
  { table, columns, ruled, baseDirectory }: TableTransform,
  key: PseudonymKey,
  watch?: OriginalsWatch,
  { programs, whole, encoding = 'utf8' }: RewriteResources = {},
): RowRewrite | undefined {
  // What the source works out comes as it is to be.
  const rewritten = ruled.filter(({ expression }) => expression === undefined);
  if (rewritten.length === 0) return undefined;
  const made = rewritten.map((column) => ({ ...column, transformer: makeTransformer(column.rule) }));
  const read = new Set(rewritten.map(({ at }) => at));
  for (const { transformer } of made) {
    for (const { column } of transformer.companions) read.add(columns.indexOf(column));
  }
  const positions = [...read].sort((a, b) => a - b);
  const slotOf = (column: string) => positions.indexOf(columns.indexOf(column));

  const steps: Step[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const byName = new Map(made.map((each) => [each.column, each]));
  const add = (column: string): void => {
    const each = byName.get(column);
    if (each === undefined || state.get(column) === 'done') return;
    if (state.get(column) === 'open') {
      throw new HoldfastError('config', `Rules of ${table} are built from each other in a circle.`, {
        why: `One of them is that of ${column}.`,
      });
    }
    state.set(column, 'open');
    const { companions } = each.transformer;
    for (const { column: other, value } of companions) if (value === 'pseudonym') add(other);
    state.set(column, 'done');
    const run = byteRun(
      each.transformer,
      { key: key.domain(each.domain), column: each.facts, baseDirectory, programs, whole: whole?.get(column) },
      encoding,
    );
    const dealtOut = each.whole !== undefined;
    // Those on strings are few, and each has its own way to remember.
    const byCell = each.transformer.prepareBytes !== undefined && companions.length === 0 && !dealtOut;
    const show = watch && ((cells: ByteColumn) => watch.originals(column, cells));
    steps.push({
      slot: slotOf(column),
      column,
      dealtOut,
      run,
      ...(byCell && { repeated: new RepeatedCells(run, show, { encoding }) }),
      made: new ByteColumn(encoding),
      companions: companions.map(({ column: other, value }) => ({
        slot: slotOf(other),
        pseudonym: value === 'pseudonym',
      })),
    });
  };
  for (const { column } of made) add(column);

  const rewrite: Rewrite = (cells) => {
    const out = [...cells];
    for (const { slot, column, dealtOut, run, made, repeated, companions } of steps) {
      const originals = cells[slot]!;
      if (repeated !== undefined) {
        out[slot] = repeated.apply(originals);
        continue;
      }
      // True values that stay in their column are no leak.
      if (!dealtOut) watch?.originals(column, originals);
      run(
        originals,
        made,
        companions.map((other) => (other.pseudonym ? out[other.slot]! : cells[other.slot]!)),
      );
      out[slot] = made;
    }
    return out;
  };
  const given = positions.map(() => new ByteColumn(encoding));
  return {
    positions,
    rewrite,
    strings: (columns) => {
      const rows = columns[0]!.length;
      const made = rewrite(
        columns.map((column, k) => given[k]!.fill(column)),
        rows,
      );
      return made.map((column) => column.strings());
    },
  };
}

function byteRun(transformer: Transformer, context: PrepareContext, encoding: CellEncoding): ByteRun {
  // Kinds that run on bytes run on UTF-8.
  if (encoding === 'utf8' && transformer.prepareBytes) return transformer.prepareBytes(context);
  return onBytes(transformer.prepare(context));
}
