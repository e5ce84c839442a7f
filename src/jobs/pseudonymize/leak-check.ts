/** Proves that no original of a ruled column is left in a copy. Runs after the rows, before the copy gets its name. */
import { HoldfastError } from '../../base/errors.ts';
import type { Emit } from '../../base/events.ts';
import type { SharedSnapshot } from '../../pseudonyms/copy/kept.ts';
import type { PlannedCopy } from '../../pseudonyms/copy/row-jobs.ts';
import { type Catalog, readCatalog, tableName } from '../../pseudonyms/discovery-catalog.ts';
import { printsOfCell } from '../../pseudonyms/leaks/admit.ts';
import { confirmLeaks } from '../../pseudonyms/leaks/confirm.ts';
import { anonymityOf, frequencyWarnings, type QuasiIdentifiers } from '../../pseudonyms/leaks/groups.ts';
import { mostPrints } from '../../pseudonyms/leaks/hits.ts';
import { leaveLeaksTask, shareSnapshot } from '../../pseudonyms/leaks/lane-sessions.ts';
import { type LeakFinding, type LeakReport, sortOut, verdictOf } from '../../pseudonyms/leaks/report.ts';
import { LeakScan } from '../../pseudonyms/leaks/scan.ts';
import { newSketch, type SharedSketch } from '../../pseudonyms/leaks/sketch.ts';
import type { Lock } from '../../pseudonyms/lock.ts';
import type { Lanes } from '../../repository/lanes.ts';
import type { PostgresConnection } from '../../sources/postgres/connection.ts';
import { openSession, type Session } from '../../sources/postgres/session.ts';
import type { PartSizes } from '../../sources/postgres/table-parts.ts';
import { openCopyLanes } from './copy-lanes.ts';

export interface LeakCheckSettings {
  /** Holds the snapshot that was copied, in a transaction that is still open. */
  source: Session;
  target: PostgresConnection;
  /** What the lanes filled. */
  sketch: SharedSketch;
  lock: Lock;
  tables: readonly PlannedCopy[];
  /** Of the pseudonyms, as the lanes had it: what the rules make of the rows is told apart from what was left. */
  secret: Uint8Array;
  quasiIdentifiers?: readonly QuasiIdentifiers[];
  /** Absolute paths of files that belong to the copy. */
  directories?: readonly string[];
  /** Of `copyLaneEntry`, with nothing else to do; without them a few are opened. */
  lanes?: Lanes;
  /** How tables are cut, in the copy and in the source. */
  parts?: PartSizes;
  emit: Emit;
  signal: AbortSignal;
}

/** A sketch for a copy: of every row all prints that its originals may have. */
export function sketchFor(tables: readonly PlannedCopy[], rowsOf: (table: PlannedCopy) => number): SharedSketch {
  const printsOf = ({ transform: { ruled } }: PlannedCopy) =>
    ruled.reduce((sum, { rule, facts }) => sum + printsOfCell(rule, facts.type), 0);
  return newSketch({ expected: tables.reduce((sum, table) => sum + rowsOf(table) * printsOf(table), 0) });
}

/**
 * Searches the whole copy for originals of ruled columns.
 *
 * @returns what was found; a leak is no error here
 * @throws HoldfastError `could-not-verify` when the copy cannot be read, `source-failed`, `config` when quasi-identifiers
 *   are not in the copy
 */
export function checkLeaks(settings: LeakCheckSettings): Promise<LeakReport> {
  return withLanes(settings, async (lanes) => {
    const { source, target, lock, emit, signal, quasiIdentifiers = [], directories = [] } = settings;
    const scan = scanFor(settings, lanes);
    const originals = await shareSnapshot(source);
    await using session = await openSession(target, {
      applicationName: 'holdfast pseudonymize',
      failure: 'could-not-verify',
      signal,
    });
    await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const copy = await shareSnapshot(session);
    const catalog = await readCatalog(session);
    await scan.database(session, copy, catalog);
    for (const directory of directories) await scan.directory(directory);
    const found = sortOut(await confirmed(scan, settings, { lanes, originals, catalog }), lock.tolerated ?? []);
    assertAllKept(scan, found.findings);
    emit({ type: 'step', text: 'Counting groups and frequencies' });
    const anonymity = await anonymityOf(session, catalog, quasiIdentifiers);
    const frequencies = await frequencyWarnings(session, catalog, lock);
    await session.run('COMMIT');
    return reportOf(scan, { ...found, anonymity, frequencies });
  });
}

/**
 * Searches names and contents of files below a directory for originals of a database.
 *
 * @param directory absolute
 * @throws as `checkLeaks`
 */
export function scanDirectory(
  settings: Omit<LeakCheckSettings, 'target' | 'quasiIdentifiers' | 'directories'> & { directory: string },
): Promise<LeakReport> {
  return withLanes(settings, async (lanes) => {
    const scan = scanFor(settings, lanes);
    await scan.directory(settings.directory);
    const originals = await shareSnapshot(settings.source);
    const known = settings.lock.tolerated ?? [];
    const found = sortOut(await confirmed(scan, settings, { lanes, originals }), known);
    assertAllKept(scan, found.findings);
    return reportOf(scan, { ...found, anonymity: [], frequencies: [] });
  });
}

/** Few, since whoever has much to search has lanes. */
const ownLanes = 2;

async function withLanes(
  { lanes, signal }: Pick<LeakCheckSettings, 'lanes' | 'signal'>,
  check: (lanes: Lanes) => Promise<LeakReport>,
): Promise<LeakReport> {
  if (lanes === undefined) {
    await using own = openCopyLanes(ownLanes, signal);
    return await check(own);
  }
  const report = await check(lanes);
  // Not after an error: lanes may be gone then, and what they have open is ended with the copy.
  await lanes.runInEach(leaveLeaksTask, undefined);
  return report;
}

function scanFor({ sketch, emit, signal, tables, parts }: Omit<LeakCheckSettings, 'target'>, lanes: Lanes): LeakScan {
  const kinds = new Map<string, string>();
  for (const { transform } of tables) {
    for (const { column, rule } of transform.ruled) kinds.set(`${transform.table}.${column}`, String(rule.kind));
  }
  return new LeakScan({ lanes, sketch, emit, signal, kinds, parts });
}

function confirmed(
  scan: LeakScan,
  { source, tables, secret, sketch, parts, emit }: Omit<LeakCheckSettings, 'target'>,
  { lanes, originals, catalog }: { lanes: Lanes; originals: SharedSnapshot; catalog?: Catalog },
) {
  const columns = new Map(
    catalog?.tables.flatMap((table) =>
      table.columns.map((column) => [`${tableName(table)}.${column.name}`, column] as const),
    ),
  );
  const { serverVersion } = source;
  return confirmLeaks(scan, {
    lanes,
    source: originals,
    serverVersion,
    tables,
    secret,
    sketch,
    columns,
    parts,
    emit,
  });
}

/**
 * What was left out may be an original. Where others were found that changes nothing but counts; where none was, it is no pass.
 *
 * @throws HoldfastError `could-not-verify`
 */
export function assertAllKept({ places }: Pick<LeakScan, 'places'>, findings: readonly LeakFinding[]): void {
  const full = findings.length === 0 ? [...places.values()].find(({ more }) => more) : undefined;
  if (full === undefined) return;
  const { kind, name } = full.place;
  throw new HoldfastError('could-not-verify', 'More values look like originals than can be held against them.', {
    why: `More than ${mostPrints} different ones in one place (${kind}${kind === 'column' ? ` ${name}` : ''}), and none of those is one.`,
    hint: 'Copy a subset (`pseudonymize.subset`), or rule that column.',
  });
}

function reportOf(
  { unread, scanned }: LeakScan,
  found: Pick<LeakReport, 'findings' | 'tolerated' | 'anonymity' | 'frequencies'>,
): LeakReport {
  return { verdict: verdictOf({ ...found, unread }), ...found, scanned, unread };
}
