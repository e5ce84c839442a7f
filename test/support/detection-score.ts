/** Holds what was found against labels. */
import type { Labels } from './labelled-schema.ts';

/** A column as the document of `pseudonymize scan` has it. */
export interface FoundColumn {
  table: string;
  column: string;
  kind: string | null;
  reasons: string[];
  generated: boolean;
}

export interface Score {
  /** Share of the personal columns that were found. */
  recall: number;
  /** Share of what was found that is not personal. */
  falseAlarms: number;
  /** Share of the found ones with the very kind. */
  rightKind: number;
  personal: number;
  missed: string[];
  alarms: string[];
  otherKind: string[];
  /** Columns that nobody labelled, and labels without a column. */
  unlabelled: string[];
}

/** `school."Pupils"` and `id` → `school.Pupils.id`, as labels are written. */
export function labelName({ table, column }: FoundColumn): string {
  const plain = table.replace(/"((?:[^"]|"")*)"/g, (_quoted, inner: string) => inner.replaceAll('""', '"'));
  return `${plain}.${column}`;
}

/** Only the columns of the labels' schemas are looked at. */
export function scoreOf(found: readonly FoundColumn[], labels: Labels): Score {
  const left = new Set(Object.keys(labels));
  const schemas = new Set([...left].map((name) => name.split('.')[0]!));
  const unlabelled: string[] = [];
  const missed: string[] = [];
  const alarms: string[] = [];
  const otherKind: string[] = [];
  let hits = 0;
  let personal = 0;
  for (const column of found) {
    const name = labelName(column);
    if (!schemas.has(name.split('.')[0]!)) continue;
    const label = labels[name];
    left.delete(name);
    const { kind, reasons, generated } = column;
    if (label === undefined) unlabelled.push(name);
    else if (label === 'generated') {
      if (!generated || kind !== null) otherKind.push(name);
    } else if (label === false) {
      if (kind !== null) alarms.push(`${name}: ${kind} (${reasons.join('; ')})`);
    } else {
      personal++;
      if (kind === null) missed.push(`${name}: ${label} (${reasons.join('; ')})`);
      else hits++;
      if (kind !== null && kind !== label) otherKind.push(`${name}: ${kind}, not ${label}`);
    }
  }
  return {
    recall: hits / personal,
    falseAlarms: alarms.length / Math.max(1, hits + alarms.length),
    rightKind: 1 - otherKind.length / Math.max(1, hits),
    personal,
    missed,
    alarms,
    otherKind,
    unlabelled: [...unlabelled, ...left],
  };
}
