/**
 * Says which hits are leaks. The sketch errs now and then, and a pseudonym may by chance, or by the smallness of its range,
 * be somebody's original. So the originals are read once more from the snapshot: a print that none of them has is dropped,
 * and what the rules themselves make of the rows is counted and taken off. No value is in any statement.
 */
import { HoldfastError } from '../../base/errors.ts';
import { copyOut } from '../../sources/postgres/copy-out.ts';
import { quoteIdentifier, quoteQualified } from '../../sources/postgres/quote.ts';
import type { Session } from '../../sources/postgres/session.ts';
import { ProgramPool } from '../copy/programs.ts';
import type { PlannedCopy } from '../copy/row-jobs.ts';
import { rowRewrite } from '../copy/row-rewrite.ts';
import { readWholeColumns } from '../copy/whole-columns.ts';
import type { CatalogColumn } from '../discovery-catalog.ts';
import type { PseudonymKey } from '../keys.ts';
import type { Cell } from '../transformer.ts';
import { type Admission, admissionOf, strength } from './admit.ts';
import { type ColumnReading, readingOf } from './columns.ts';
import { CopyCells } from './copy-cells.ts';
import type { PlaceHits } from './hits.ts';
import type { LeakFinding } from './report.ts';
import type { LeakScan } from './scan.ts';
import { printNumber, type SharedSketch } from './sketch.ts';

export interface ConfirmOptions {
  /** Holds the snapshot that was copied. */
  source: Session;
  tables: readonly PlannedCopy[];
  key: PseudonymKey;
  sketch: SharedSketch;
  /** Columns of the copy: `app.people.email` → what the catalog says. */
  columns: ReadonlyMap<string, Pick<CatalogColumn, 'name' | 'class' | 'type'>>;
  signal: AbortSignal;
}

interface Original {
  /** Bits of `strength`. */
  strong: number;
  columns: Set<string>;
}

/** Rules that leave parts of a value as they are: what passed through them unchanged was not explained by them. */
const leavesParts = new Set(
  'json hstore xml composite array text html code template copy-of js command sql file range'.split(' '),
);

/** @throws HoldfastError `source-failed` */
export async function confirmLeaks(scan: LeakScan, options: ConfirmOptions): Promise<LeakFinding[]> {
  const wanted = new Set<number>();
  for (const { counts, low } of scan.places.values()) {
    for (const print of counts.keys()) wanted.add(print);
    for (const print of low.keys()) wanted.add(print);
  }
  if (wanted.size === 0) return [];
  const originals = new Map<number, Original>();
  const explained = new Map<PlaceHits, Map<number, number>>();
  for (const table of options.tables) {
    if (!table.transform.emptied) await readTable(table, scan, options, wanted, originals, explained);
  }
  const shown = namesWithout(scan, originals);
  for (const each of scan.unread) each.name = shown(each.name);
  return findingsOf(scan, originals, explained, shown);
}

/** A table, a label or a file may be called after somebody: such a name is no place to tell of. */
function namesWithout({ scanner }: LeakScan, originals: ReadonlyMap<number, Original>): (name: string) => string {
  return (name) => {
    let holds = false;
    scanner.text(
      name,
      (print) => {
        const strong = originals.get(print)?.strong ?? 0;
        if ((strong & (strength.identifier | strength.phrase)) !== 0) holds = true;
      },
      { joined: true },
    );
    return holds ? '(a name that holds an original)' : name;
  };
}

async function readTable(
  { planned, transform }: PlannedCopy,
  scan: LeakScan,
  { source, key, sketch, columns: known, signal }: ConfirmOptions,
  wanted: ReadonlySet<number>,
  originals: Map<number, Original>,
  explained: Map<PlaceHits, Map<number, number>>,
): Promise<void> {
  const { table, columns, ruled } = transform;
  await using programs = new ProgramPool();
  const whole = await readWholeColumns(source, planned.relation, transform);
  const rewriting = rowRewrite(transform, key, undefined, { programs, whole });
  if (rewriting === undefined) return;
  const { positions } = rewriting;
  const takers: { slot: number; take: Admission }[] = [];
  const explaining: { slot: number; place: PlaceHits; reading: ColumnReading; parts: boolean }[] = [];
  for (const { at, column, rule, facts } of ruled) {
    const name = `${table}.${column}`;
    const slot = positions.indexOf(at);
    const take = admissionOf(rule, facts.type, sketch, (a, b, strong) => {
      const print = printNumber(a, b);
      if (strong === strength.start || !wanted.has(print)) return;
      const found = originals.get(print) ?? { strong: 0, columns: new Set() };
      found.strong |= strong;
      found.columns.add(name);
      originals.set(print, found);
    });
    if (take) takers.push({ slot, take });
    const place = scan.places.get(`column ${name}`);
    const reading = known.get(name) && readingOf(known.get(name)!);
    if (place && reading) explaining.push({ slot, place, reading, parts: leavesParts.has(String(rule.kind)) });
  }
  if (takers.length === 0 && explaining.length === 0) return;
  const cells = new CopyCells({
    columns: positions.length,
    encoding: source.encoding === 'SQL_ASCII' ? 'latin1' : 'utf8',
    before: () => signal.throwIfAborted(),
    take: (batch) => {
      for (const { slot, take } of takers) for (const cell of batch[slot]!) take(cell);
      if (explaining.length === 0) return;
      const after = rewriting.strings(batch);
      for (const each of explaining) explain(each, batch[each.slot]!, after[each.slot]!);
    },
  });
  const explain = (
    { place, reading, parts }: (typeof explaining)[number],
    before: readonly Cell[],
    after: readonly Cell[],
  ) => {
    const counts = explained.get(place) ?? new Map<number, number>();
    explained.set(place, counts);
    for (const [row, cell] of after.entries()) {
      if (cell === null || cell.length < 4) continue;
      const told: number[] = [];
      reading.scan(scan.scanner, cell, (print) => {
        if (place.counts.has(print) || place.low.has(print)) told.push(print);
      });
      if (told.length === 0) continue;
      const own = new Set<number>();
      const original = parts ? before[row] : undefined;
      if (original) reading.scan(scan.scanner, original, (print) => void own.add(print));
      for (const print of told) if (!own.has(print)) counts.set(print, (counts.get(print) ?? 0) + 1);
    }
  };
  const { relation } = planned;
  const expressions = new Map(ruled.map(({ at, expression }) => [at, expression]));
  const list = positions.map((at) => expressions.get(at) ?? quoteIdentifier(columns[at]!)).join(', ');
  const from = `${quoteQualified(relation.schema, relation.name)} ${relation.config?.condition ?? ''}`;
  const what = `Could not look at the originals of ${table} again.`;
  await copyOut(source, `COPY (SELECT ${list} FROM ONLY ${from}) TO STDOUT`, cells).catch((error: unknown) =>
    Promise.reject(error instanceof HoldfastError ? error : source.fail(error, what)),
  );
}

function findingsOf(
  scan: LeakScan,
  originals: ReadonlyMap<number, Original>,
  explained: ReadonlyMap<PlaceHits, ReadonlyMap<number, number>>,
  shown: (name: string) => string,
): LeakFinding[] {
  // Words that texts which were not made here write small are words of the language.
  const common = new Set<number>();
  for (const hits of scan.places.values()) {
    if (hits.derived || explained.has(hits)) continue;
    for (const print of hits.low.keys()) common.add(print);
  }
  const made = new Set<number>();
  for (const counts of explained.values()) for (const print of counts.keys()) made.add(print);

  const findings: LeakFinding[] = [];
  for (const hits of scan.places.values()) {
    const byKind = new Map<LeakFinding['what'], LeakFinding>();
    for (const print of new Set([...hits.counts.keys(), ...hits.low.keys()])) {
      const original = originals.get(print);
      if (original === undefined || (hits.derived && made.has(print))) continue;
      const { strong, columns } = original;
      const isIdentifier = (strong & strength.identifier) !== 0;
      const isPhrase = (strong & strength.phrase) !== 0;
      if (!isIdentifier && !isPhrase && (common.has(print) || scan.vocabulary.has(print))) continue;
      const standing = (hits.counts.get(print) ?? 0) + (isIdentifier ? (hits.low.get(print) ?? 0) : 0);
      const count = standing - (explained.get(hits)?.get(print) ?? 0);
      if (count <= 0) continue;
      const what = isIdentifier ? 'identifier' : isPhrase ? 'phrase' : 'word';
      const { kind: place, name } = hits.place;
      const finding = byKind.get(what) ?? { place, name: shown(name), what, count: 0, values: 0, originals: [] };
      finding.count += count;
      finding.values++;
      finding.originals = [...new Set([...finding.originals, ...columns])].sort();
      byKind.set(what, finding);
    }
    findings.push(...byKind.values());
  }
  const order = ({ place, name, what }: LeakFinding) => `${place} ${name}\0${what}`;
  return findings.sort((a, b) => (order(a) < order(b) ? -1 : 1));
}
