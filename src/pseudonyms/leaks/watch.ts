/** Takes the originals of a table's ruled columns as they pass. */
import type { OriginalsWatch } from '../copy/row-rewrite.ts';
import type { TableTransform } from '../copy/table-transform.ts';
import { type ColumnAdmission, columnAdmissionOf } from './admit.ts';
import { type OwnSketch, PrintBatch, type SharedSketch } from './sketch.ts';

/**
 * A watch that adds originals to the sketch; one for each lane and table.
 *
 * @param own takes them in place of the shared one, and is merged into that by whoever made it
 */
export function sketchWatch(
  shared: SharedSketch,
  { ruled }: Pick<TableTransform, 'ruled'>,
  own?: OwnSketch,
): OriginalsWatch {
  const prints = new PrintBatch(own ?? shared);
  const admissions = new Map<string, ColumnAdmission>();
  for (const { column, rule, facts } of ruled) {
    const admission = columnAdmissionOf(
      rule,
      facts.type,
      shared,
      (a, b) => prints.add(a, b),
      (words, at, count) => prints.addAll(words, at, count),
    );
    if (admission) admissions.set(column, admission);
  }
  return {
    originals(column, cells) {
      admissions.get(column)?.(cells);
      prints.flush();
    },
  };
}
