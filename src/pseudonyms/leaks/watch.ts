/** Takes the originals of a table's ruled columns as they pass. */
import type { OriginalsWatch } from '../copy/row-rewrite.ts';
import type { TableTransform } from '../copy/table-transform.ts';
import { type Admission, admissionOf } from './admit.ts';
import { addPrint, type SharedSketch } from './sketch.ts';

/** A watch that adds originals to the sketch; one for each lane and table. */
export function sketchWatch(shared: SharedSketch, { ruled }: Pick<TableTransform, 'ruled'>): OriginalsWatch {
  const admissions = new Map<string, Admission>();
  for (const { column, rule, facts } of ruled) {
    const admission = admissionOf(rule, facts.type, shared, (a, b) => addPrint(shared, a, b));
    if (admission) admissions.set(column, admission);
  }
  return {
    originals(column, cells) {
      const admission = admissions.get(column);
      if (!admission) return;
      let last: string | null = null;
      for (const cell of cells.strings()) {
        if (cell === last) continue;
        admission(cell);
        last = cell;
      }
    },
  };
}
