/**
 * What lanes do to say which hits are leaks: they read the originals of a table, or of a part of one, for the prints that were
 * found, and then run the rules again where a print is an original's.
 */
import type { LaneContext, LaneTask } from '../../repository/lane.ts';
import type { ByteColumn } from '../byte-column.ts';
import { encodingOf, keptPrograms, keptWholeColumns } from '../copy/kept.ts';
import { rowRewrite } from '../copy/row-rewrite.ts';
import type { TableTransform } from '../copy/table-transform.ts';
import type { CatalogColumn } from '../discovery-catalog.ts';
import { PseudonymKey } from '../keys.ts';
import { makeTransformer } from '../registry.ts';
import { type ColumnAdmission, columnAdmissionOf } from './admit.ts';
import { type ColumnReading, readingOf, scanCell, scanCells } from './columns.ts';
import { originalsSession, programsKey, wholeKey } from './lane-sessions.ts';
import { strength } from './originals.ts';
import { includesPrint, type PrintSet } from './print-set.ts';
import { type Found, TextScanner } from './scan-text.ts';
import { printNumber } from './sketch.ts';
import { readRows, type SourceRows } from './source-rows.ts';

export interface OriginalsInput extends SourceRows {
  /** Prints that were found anywhere. */
  wanted: PrintSet;
}

/** By ruled column: wanted prints that its originals have, with bits of `strength`. */
export type OriginalsOutput = Map<string, Map<number, number>>;

export interface MadeInput extends SourceRows {
  /** Of the pseudonyms; it stays in this process. */
  secret: Uint8Array;
  /** Ruled columns in which originals were found, as the copy reads them. */
  made: { column: string; reading: Pick<CatalogColumn, 'name' | 'class' | 'type'>; prints: PrintSet }[];
}

/** By column that had rows: how often its rule makes a print that was found there. */
export type MadeOutput = Map<string, Map<number, number>>;

export const originalsTask = 'pseudonymize-originals';
export const madeTask = 'pseudonymize-made';

export const confirmTasks = {
  [originalsTask]: readOriginals,
  [madeTask]: runRules,
} satisfies Record<string, LaneTask>;

/** Rules that leave parts of a value as they are: what passed through them unchanged was not explained by them. */
const leavesParts = new Set(
  'json hstore xml composite array text html code template copy-of js command sql file range'.split(' '),
);

async function readOriginals(lane: LaneContext, input: OriginalsInput): Promise<OriginalsOutput> {
  const { transform, sketch, wanted } = input;
  const output: OriginalsOutput = new Map();
  const positions: number[] = [];
  const takers: ColumnAdmission[] = [];
  for (const { at, column, rule, facts } of transform.ruled) {
    const found = new Map<number, number>();
    const take = columnAdmissionOf(rule, facts.type, sketch, (a, b, strong) => {
      const print = printNumber(a, b);
      if (strong === strength.start || !includesPrint(wanted, print)) return;
      found.set(print, (found.get(print) ?? 0) | strong);
    });
    if (take === undefined) continue;
    output.set(column, found);
    positions.push(at);
    takers.push(take);
  }
  if (takers.length > 0) {
    await readRows(lane, input, positions, (batch) => {
      for (const [slot, take] of takers.entries()) take(batch[slot]!);
    });
  }
  return output;
}

async function runRules(lane: LaneContext, input: MadeInput): Promise<MadeOutput> {
  const { relation, sketch } = input;
  const output: MadeOutput = new Map();
  const transform = onlyFor(input);
  const source = await originalsSession(lane, input.source);
  const rewriting = rowRewrite(transform, new PseudonymKey(input.secret), undefined, {
    programs: await keptPrograms(lane, programsKey),
    whole: await keptWholeColumns(lane, wholeKey, source, { relation, transform }),
    encoding: encodingOf(source),
  });
  if (rewriting === undefined) return output;
  const { positions, rewrite } = rewriting;
  const scanner = new TextScanner(sketch);
  const explaining = input.made.flatMap(({ column, reading, prints }) => {
    const ruled = transform.ruled.find((each) => each.column === column);
    // What the source works out is not made of its rows here.
    if (ruled === undefined || ruled.expression !== undefined) return [];
    const keepsParts = leavesParts.has(String(ruled.rule.kind));
    const explain = explainer(scanner, readingOf(reading)!, prints, keepsParts);
    return [{ column, slot: positions.indexOf(ruled.at), explain }];
  });
  await readRows(lane, input, positions, (batch, rows) => {
    const after = rewrite(batch, rows);
    for (const { column, slot, explain } of explaining) {
      const counts = output.get(column) ?? new Map<number, number>();
      output.set(column, counts);
      explain(batch[slot]!, after[slot]!, counts);
    }
  });
  return output;
}

/** The transform with the rules of some columns, and those that they are built from: the others need not run. */
function onlyFor({ transform, made }: MadeInput): TableTransform {
  const { ruled } = transform;
  const needed = new Set<string>();
  const add = (column: string): void => {
    const found = ruled.find((each) => each.column === column);
    if (found === undefined || needed.has(column)) return;
    needed.add(column);
    for (const { column: other, value } of makeTransformer(found.rule).companions)
      if (value === 'pseudonym') add(other);
  };
  for (const { column } of made) add(column);
  return { ...transform, ruled: ruled.filter(({ column }) => needed.has(column)) };
}

/** Counts the prints that a rule makes and that were found: of what it leaves of a value, only what the value had not. */
function explainer(scanner: TextScanner, reading: ColumnReading, prints: PrintSet, keepsParts: boolean) {
  const told: number[] = [];
  const own = new Set<number>();
  const tell: Found = (print) => {
    if (includesPrint(prints, print)) told.push(print);
  };
  const tellOwn: Found = (print) => void own.add(print);
  return (before: ByteColumn, after: ByteColumn, counts: Map<number, number>) => {
    let row = -1;
    const settle = (): void => {
      if (told.length === 0) return;
      if (keepsParts) scanCell(reading, scanner, before.cellAt(row), tellOwn);
      for (const print of told) if (!own.has(print)) counts.set(print, (counts.get(print) ?? 0) + 1);
      told.length = 0;
      own.clear();
    };
    scanCells(reading, scanner, after, tell, (next) => {
      if (next === row) return;
      settle();
      row = next;
    });
    settle();
  };
}
