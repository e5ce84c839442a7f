/** What lanes do to learn what is looked for in a copy that was made before: they add the originals of a source to a sketch. */
import type { LaneContext, LaneTask } from '../../repository/lane.ts';
import type { PlannedCopy } from '../copy/row-jobs.ts';
import type { LaneJob } from './lane-jobs.ts';
import { type PartOptions, partsOf, readRows, type SourceRows } from './source-rows.ts';
import { sketchWatch } from './watch.ts';

const sketchRowsTask = 'pseudonymize-sketch-rows';

export const sketchRowsTasks = { [sketchRowsTask]: sketchRows } satisfies Record<string, LaneTask>;

/** @param counted told of the rows of each table, or part */
export function sketchRowsJobs(
  options: PartOptions,
  tables: readonly PlannedCopy[],
  counted: (rows: number) => void,
): LaneJob[] {
  return tables.flatMap((table) =>
    partsOf(table, options).map(({ rows, ...job }) => ({
      ...job,
      task: sketchRowsTask,
      input: () => rows,
      done: counted,
    })),
  );
}

async function sketchRows(lane: LaneContext, input: SourceRows): Promise<number> {
  // What the source works out shows true values, which are no leak; and what is dealt out stays in its column.
  const read = input.transform.ruled.filter(({ expression, whole }) => expression === undefined && whole === undefined);
  if (read.length === 0) return 0;
  const watch = sketchWatch(input.sketch, { ruled: read });
  let rows = 0;
  await readRows(
    lane,
    input,
    read.map(({ at }) => at),
    (batch, count) => {
      rows += count;
      for (const [slot, { column }] of read.entries()) watch.originals(column, batch[slot]!);
    },
  );
  return rows;
}
