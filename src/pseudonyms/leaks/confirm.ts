/**
 * Says which hits are leaks. The sketch errs now and then, and a pseudonym may by chance, or by the smallness of its range,
 * be somebody's original. So the originals are read once more from the snapshot: a print that none of them has is dropped.
 * Where rules write what is left, they run again: what they make of the rows is counted and taken off. No value is in any
 * statement.
 */
import type { Emit } from '../../base/events.ts';
import type { Lanes } from '../../repository/lanes.ts';
import type { PartSizes } from '../../sources/postgres/table-parts.ts';
import type { SharedSnapshot } from '../copy/kept.ts';
import type { PlannedCopy } from '../copy/row-jobs.ts';
import type { CatalogColumn } from '../discovery-catalog.ts';
import { readingOf } from './columns.ts';
import {
  type MadeInput,
  type MadeOutput,
  madeTask,
  type OriginalsInput,
  type OriginalsOutput,
  originalsTask,
} from './confirm-rows.ts';
import type { PlaceHits } from './hits.ts';
import { type LaneJob, LaneJobs } from './lane-jobs.ts';
import { strength } from './originals.ts';
import { printSet } from './print-set.ts';
import type { LeakFinding } from './report.ts';
import type { LeakScan } from './scan.ts';
import type { SharedSketch } from './sketch.ts';
import { copiedPartsOf, partsOf } from './source-rows.ts';

export interface ConfirmOptions {
  /** Serve the tasks of searching; nothing else is under way in them. */
  lanes: Lanes;
  /** That was copied. */
  source: SharedSnapshot;
  /** `server_version_num` of the source. */
  serverVersion: number;
  tables: readonly PlannedCopy[];
  /** Of the pseudonyms. */
  secret: Uint8Array;
  sketch: SharedSketch;
  /** Columns of the copy: `app.people.email` → what the catalog says. */
  columns: ReadonlyMap<string, Pick<CatalogColumn, 'name' | 'class' | 'type'>>;
  emit: Emit;
  parts?: PartSizes | undefined;
}

interface Original {
  /** Bits of `strength`. */
  strong: number;
  columns: Set<string>;
}

type Originals = Map<number, Original>;
/** Of places that rules write: how often they make a print. */
type Explained = Map<PlaceHits, Map<number, number>>;

/** @throws HoldfastError `source-failed` */
export async function confirmLeaks(scan: LeakScan, options: ConfirmOptions): Promise<LeakFinding[]> {
  const wanted = new Set<number>();
  for (const hits of scan.places.values()) for (const print of printsOf(hits)) wanted.add(print);
  if (wanted.size === 0) return [];
  options.emit({ type: 'step', text: 'Holding what was found against the originals' });
  const originals = await readOriginals(options, wanted);
  const explained = await runRules(scan, options, originals);
  const shown = namesWithout(scan, originals);
  for (const each of scan.unread) each.name = shown(each.name);
  return findingsOf(scan, originals, explained, shown);
}

function printsOf({ counts, low }: PlaceHits): Set<number> {
  return new Set([...counts.keys(), ...low.keys()]);
}

/** What of the prints is an original's: the others are errors of the sketch. */
async function readOriginals(options: ConfirmOptions, prints: ReadonlySet<number>): Promise<Originals> {
  const originals: Originals = new Map();
  const wanted = printSet(prints);
  const jobs = options.tables.flatMap((planned) => {
    const { table } = planned.transform;
    return partsOf(planned, options).map(
      ({ rows, ...job }): LaneJob => ({
        ...job,
        task: originalsTask,
        input: (): OriginalsInput => ({ ...rows, wanted }),
        done: (output: OriginalsOutput) => {
          for (const [column, found] of output) {
            for (const [print, strong] of found) {
              const known = originals.get(print) ?? { strong: 0, columns: new Set() };
              known.strong |= strong;
              known.columns.add(`${table}.${column}`);
              originals.set(print, known);
            }
          }
        },
      }),
    );
  });
  await run(options, 'originals', jobs);
  return originals;
}

/** How often rules make originals, where such were found in what they write. */
async function runRules(scan: LeakScan, options: ConfirmOptions, originals: Originals): Promise<Explained> {
  const { secret, columns: known } = options;
  const explained: Explained = new Map();
  const jobs = options.tables.flatMap((planned) => {
    const { table, ruled } = planned.transform;
    const places = new Map<string, PlaceHits>();
    const made: MadeInput['made'] = [];
    for (const { column } of ruled) {
      const place = scan.places.get(`column ${table}.${column}`);
      const copied = known.get(`${table}.${column}`);
      if (place === undefined || copied === undefined || readingOf(copied) === undefined) continue;
      const prints = new Set([...printsOf(place)].filter((print) => originals.has(print)));
      if (prints.size === 0) continue;
      places.set(column, place);
      const { name, class: of, type } = copied;
      made.push({ column, reading: { name, class: of, type }, prints: printSet(prints) });
    }
    if (made.length === 0) return [];
    return copiedPartsOf(planned, options).map(
      ({ rows, ...job }): LaneJob => ({
        ...job,
        task: madeTask,
        input: (): MadeInput => ({ ...rows(), secret, made }),
        done: (output: MadeOutput) => {
          for (const [column, found] of output) {
            const place = places.get(column)!;
            const counts = explained.get(place) ?? new Map<number, number>();
            explained.set(place, counts);
            for (const [print, count] of found) counts.set(print, (counts.get(print) ?? 0) + count);
          }
        },
      }),
    );
  });
  if (jobs.length === 0) return explained;
  options.emit({ type: 'step', text: 'Holding what was found against what rules make' });
  await run(options, 'rules', jobs);
  return explained;
}

async function run({ lanes, emit }: ConfirmOptions, activity: string, jobs: readonly LaneJob[]): Promise<void> {
  const total = jobs.reduce((sum, { weight }) => sum + weight, 0);
  await new LaneJobs({ lanes, emit, activity, total }).run(jobs);
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

function findingsOf(
  scan: LeakScan,
  originals: Originals,
  explained: Explained,
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
    for (const print of printsOf(hits)) {
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
