/** The rows of a pseudonymized copy as jobs of a build: tables, in parts where they are large, one lane each. */

import type { Lanes } from '../../repository/lanes.ts';
import type { ArchivePlan } from '../../sources/postgres/archive-plan.ts';
import type { ArchiveToc } from '../../sources/postgres/archive-toc.ts';
import type { PlannedTable } from '../../sources/postgres/backup-plan.ts';
import type { TableColumns } from '../../sources/postgres/catalog-relations.ts';
import type { SequenceLine } from '../../sources/postgres/manifest.ts';
import { displayName, quoteQualified } from '../../sources/postgres/quote.ts';
import {
  builtOnTables,
  type RowJobs,
  relationKey,
  rowCounts,
  type TableLoad,
  tableEntries,
} from '../../sources/postgres/restore-jobs.ts';
import type { Job } from '../../sources/postgres/restore-schedule.ts';
import type { RestoreSessions } from '../../sources/postgres/restore-sessions.ts';
import { guidedParts, type PartSizes, planParts } from '../../sources/postgres/table-parts.ts';
import type { RestoreContext } from '../../sources/source.ts';
import { OwnSketch, type SharedSketch } from '../leaks/sketch.ts';
import {
  type CopySourceInput,
  type CopyTableInput,
  type CopyTableOutput,
  copyPrepareTask,
  copyTableTask,
} from './copy-table.ts';
import type { TableTransform } from './table-transform.ts';

/** The last ones of a table. Smaller than those of a backup: no chunk depends on them, and one that is left keeps lanes waiting. */
const copyParts: PartSizes = { above: 16 * 1024 * 1024, part: 8 * 1024 * 1024 };
/** Places of rows in one COPY. */
export const placesOfPart = 20_000;

export interface PlannedCopy {
  planned: PlannedTable;
  columns: TableColumns;
  transform: TableTransform;
  /** Of the wanted rows in the snapshot; all rows when undefined. */
  ctids?: Places;
}

/** `(block,line)`, rising; an array, or what is written out only when asked for. */
export interface Places {
  readonly length: number;
  slice(start: number, end: number): readonly string[];
}

export interface CopyRowsSettings {
  source: CopyTableInput['source'];
  target: CopyTableInput['target'];
  secret: Uint8Array;
  serverVersion: number;
  tables: readonly PlannedCopy[];
  sequences: SequenceLine[];
  toc: ArchiveToc;
  /** Told what a table, or a part of one, came to. */
  copied: (table: PlannedCopy, output: CopyTableOutput) => void;
  parts?: PartSizes;
  /** Shared by all lanes; whole once each has run `copyLeaveTask`. */
  sketch?: SharedSketch;
}

/**
 * Lets every lane open the source and make ready for the largest table, which is the one that all begin with. Whatever goes wrong
 * is told when its rows are copied.
 */
export function prepareCopy(
  lanes: Pick<Lanes, 'runInEach' | 'count'>,
  { source, secret, tables, sketch }: Pick<CopyRowsSettings, 'source' | 'secret' | 'tables' | 'sketch'>,
): void {
  const [largest] = tables.filter(isCopied).toSorted((a, b) => b.columns.size - a.columns.size);
  if (largest === undefined) return;
  const input: CopySourceInput = { source, secret, ...tableInput(largest, lanes, sketch) };
  lanes.runInEach(copyPrepareTask, input).catch(() => {});
}

const isCopied = ({ transform, ctids }: PlannedCopy): boolean => !transform.emptied && ctids?.length !== 0;

function tableInput(
  { planned: { relation }, transform }: PlannedCopy,
  lanes: Pick<Lanes, 'count'>,
  sketch: SharedSketch | undefined,
): Pick<CopySourceInput, 'relation' | 'transform' | 'sketch' | 'ownSketch'> {
  return {
    relation: { oid: relation.oid, schema: relation.schema, name: relation.name },
    transform,
    ...(sketch && { sketch, ownSketch: OwnSketch.isWorthwhile(sketch, lanes.count) }),
  };
}

/** @param plan of the archive in which the tables are */
export function copyRowJobs(
  { lanes, emit }: Pick<RestoreContext, 'lanes' | 'emit'>,
  sessions: RestoreSessions,
  plan: ArchivePlan,
  settings: CopyRowsSettings,
): RowJobs {
  const { source, target, secret, serverVersion, toc, parts = copyParts, sketch } = settings;
  const entries = tableEntries(toc);
  const wanted = settings.tables.filter(isCopied);
  const total = wanted.reduce((sum, { columns }) => sum + columns.size, 0);
  let done = 0;
  const jobs: Job[] = [];
  const loads = new Map<string, TableLoad>();
  const through = new Map<string, string[]>();
  for (const [at, table] of wanted.entries()) {
    const { relation, loadThrough } = table.planned;
    const qualified = quoteQualified(relation.schema, relation.name);
    const entry = entries.get(qualified);
    const common: CopyTableInput = {
      source,
      target,
      secret,
      ...tableInput(table, lanes, sketch),
      ...(loadThrough && { through: loadThrough }),
      ...(relation.config && { replace: relation.config }),
    };
    const inputs = partsOf(table, serverVersion, parts, lanes.count);
    const ids = inputs.map((inputOf, part) => {
      const id = `t${at}.${part}`;
      const key = entry === undefined ? [] : [relationKey(entry.dumpId)];
      jobs.push({
        id,
        weight: table.columns.size,
        after: [],
        // Only a table that is loaded at once is locked against others.
        holds: inputs.length === 1 ? key : [],
        uses: inputs.length === 1 ? [] : key,
        run: async () => {
          const detail = displayName(relation.schema, relation.name);
          const onProgress = (bytes: number) => {
            done = Math.min(total, done + bytes);
            emit({ type: 'progress', activity: 'rows', done, total, unit: 'bytes', detail });
          };
          // Places are written out now: those of all parts at once would fill the memory.
          const input: CopyTableInput = { ...common, ...inputOf() };
          settings.copied(table, await lanes.run<CopyTableOutput>(copyTableTask, input, { onProgress }));
        },
      });
      return id;
    });
    loads.set(qualified, { after: ids, weight: table.columns.size });
    if (loadThrough) {
      const root = quoteQualified(loadThrough.schema, loadThrough.name);
      through.set(root, [...(through.get(root) ?? []), ...ids]);
    }
  }
  for (const { planned } of wanted) {
    const root = planned.loadThrough && quoteQualified(planned.loadThrough.schema, planned.loadThrough.name);
    const load = loads.get(quoteQualified(planned.relation.schema, planned.relation.name))!;
    if (root !== undefined) load.after = [...new Set([...load.after, ...(through.get(root) ?? [])])];
  }
  jobs.push(...builtOnTables(sessions, plan, entries, loads));
  const { sequences } = settings;
  return {
    jobs,
    rowCounts: rowCounts(toc, entries, loads),
    sequences,
    totals: { tables: settings.tables.length, rows: 0, bytes: total, sequences: sequences.length, largeObjects: 0 },
  };
}

/** What tells the parts of a table apart; a single one without anything is the whole. */
function partsOf(
  { planned, columns, ctids }: PlannedCopy,
  serverVersion: number,
  sizes: PartSizes,
  lanes: number,
): (() => Pick<CopyTableInput, 'blocks' | 'ctids'>)[] {
  if (ctids !== undefined) {
    const count = Math.ceil(ctids.length / placesOfPart);
    return Array.from({ length: count }, (_, at) => () => ({
      ctids: ctids.slice(at * placesOfPart, (at + 1) * placesOfPart),
    }));
  }
  const whole = [() => ({})];
  const { accessMethod, config } = planned.relation;
  if (accessMethod !== 'heap' || config !== null) return whole;
  const ranges = guidedParts(planParts(columns, serverVersion, sizes), lanes);
  return ranges.length === 1 ? whole : ranges.map((blocks) => () => ({ blocks }));
}
